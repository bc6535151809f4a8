"""Who and what is in which group (domain/hub.md 5.4).

ad_groups, mcommunity_groups, and what members may be: users, ad_users, ad_computers
    ──▶ group_members
"""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.silver.spec import Derived, DerivedTable, Expected, Rule
from lsats_pipeline.silver.tables.group_links import GROUP_KEYS, LINKS, UPSTREAM, touched

_MEMBER = "ad_groups.members, mcommunity_groups.members"

GROUP_MEMBERS = DerivedTable(
    "group_members",
    identity="membership_id",
    scope="group_key",
    key=("membership_id",),
    upstream=UPSTREAM,
    query=Path(__file__).with_suffix(".sql"),
    fragments={"links": LINKS},
    scopes=GROUP_KEYS,
    touched=touched(
        "group_members",
        "member_name",
        ad="members",
        mcommunity="members, direct_members, nested_members",
    )
    + """
    union
    select item.group_key
    from changed
    join silver.group_members as item
        on item.member_computer_name = upper(silver.dn_name(changed.dn))
    """,
    indexes=("group_id", "member_uniqname", "member_name", "member_computer_name"),
    about="Members of groups: people, groups, computers; each once, whoever lists it.",
    columns=(
        Derived("membership_id", "text", personal=True, about="group, kind of member, member"),
        Derived(
            "group_key", "text", "ad_groups.group_key, mcommunity_groups.group_key", personal=True
        ),
        Derived(
            "group_id",
            "text",
            "ad_groups.cn, mcommunity_groups.group_name",
            personal=True,
            about="groups.group_id",
        ),
        Derived("member_type", "text", _MEMBER, about="user, group, computer or unknown"),
        Derived("member_uniqname", "text", _MEMBER, personal=True, about="of a user"),
        Derived(
            "member_group_id",
            "text",
            f"{_MEMBER}, mcommunity_groups.nested_members",
            personal=True,
            about="of a group: groups.group_id, or its name where the hub does not have it",
        ),
        Derived("member_computer_name", "text", _MEMBER, about="of a computer, in capitals"),
        Derived(
            "member_name",
            "text",
            _MEMBER,
            personal=True,
            about="of all but computers, in lower case",
        ),
        Derived(
            "member_dns",
            "jsonb",
            f"{_MEMBER}, mcommunity_groups.direct_members, mcommunity_groups.nested_members",
            personal=True,
            about="the distinguished names under which it is listed",
        ),
        Derived(
            "is_direct_member",
            "boolean",
            "ad_groups.members, mcommunity_groups.direct_members, mcommunity_groups.nested_members",
            about="false: only by way of a group in the group",
        ),
        Derived(
            "is_known",
            "boolean",
            "users.uniqname, ad_users.distinguished_name, ad_computers.dn_key, ad_groups.dn_key,"
            " mcommunity_groups.dn_key",
            about="the hub has a record of it",
        ),
        Derived("sources", "jsonb", _MEMBER, about="the directories that list it"),
        Derived("source_system", "text", _MEMBER, about="the same, joined by +"),
    ),
    rules=(
        Rule("unknown_member", 0.10, "not is_known", "points to nothing that the hub knows"),
        Rule(
            "member_of_itself",
            0.05,
            "member_type = 'group' and member_name = group_key",
        ),
        Rule("indirect_member", 0, "not is_direct_member"),
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
