"""Who and what is in which group (domain/hub.md 5.4).

ad_groups, mcommunity_groups, and what members may be: users, ad_users, mcommunity_users,
    ad_computers
    ──▶ group_members
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.group_links import LINKS, TOLD_DIFFERENTLY, UPSTREAM

_MEMBER = "ad_groups.members, mcommunity_groups.members"
_DIRECT: LiteralString = "direct_members || nested_members"
_SPEAKER: LiteralString = (
    "group_key, gid_number, group_name, direct_members = '[]' and nested_members = '[]'"
)


def _each(listed: LiteralString) -> LiteralString:
    return f"jsonb_array_elements_text({listed})"


# A group of thousands is not worked out again for one who joins. What it lists under one name is
# worked out together, and all of it when another of its records is used, or its spelling changes.
_CHANGED_KEYS: LiteralString = f"""
with {TOLD_DIFFERENTLY},
whole (group_key) as (
    select group_key from ({different("ad_groups", "group_key, ad_group_guid, cn")}) as ad
    union
    select group_key from ({different("mcommunity_groups", _SPEAKER)}) as mcommunity
),
named as materialized (
    select item.* from given join silver.group_members as item on item.member_name = given.name
    union all
    select item.*
    from given
    join silver.group_members as item on item.member_computer_name = upper(given.name)
),
-- Who came, who went, and who is listed under a name that may be another now.
suspect (group_key, dn) as (
    select group_key, dn
    from (
        {different("ad_groups", f"group_key, ad_group_guid, {_each('members')}")}
    ) as ad (group_key, record, dn)
    union
    select group_key, dn
    from (
        {different("mcommunity_groups", f"group_key, gid_number, {_each('members')}")}
        union all
        {different("mcommunity_groups", f"group_key, gid_number, {_each(_DIRECT)}")}
    ) as mcommunity (group_key, record, dn)
    union
    select group_key, jsonb_array_elements_text(member_dns) from named
)
select jsonb_build_array(group_key)::text from whole
union
select listed_as from silver.group_members join whole using (group_key)
union
select listed_as from named
union
select jsonb_build_array(group_key, coalesce(
    (select min(item.group_key) from silver.ad_groups as item
    where item.dn_key = silver.dn_key(suspect.dn)),
    (select min(item.group_key) from silver.mcommunity_groups as item
    where item.dn_key = silver.dn_key(suspect.dn)),
    (select min(item.uniqname) from silver.ad_users as item
    where item.uniqname = lower(silver.dn_name(suspect.dn))
        and silver.dn_key(item.distinguished_name) = silver.dn_key(suspect.dn)),
    (select min(item.uniqname) from silver.ad_users as item
    where item.dn_name = lower(silver.dn_name(suspect.dn))
        and silver.dn_key(item.distinguished_name) = silver.dn_key(suspect.dn)),
    (select min(item.uniqname) from silver.mcommunity_users as item
    where item.dn_name = lower(silver.dn_name(suspect.dn))
        and silver.dn_key(item.distinguished_name) = silver.dn_key(suspect.dn)),
    lower(silver.dn_name(dn)),
    lower(btrim(dn))))::text
from suspect
where dn <> ''
union
select jsonb_build_array(suspect.group_key, past.uniqname)::text
from suspect
join silver.former_uniqnames as past on past.former_uniqname = lower(silver.dn_name(suspect.dn))
"""

GROUP_MEMBERS = SqlModel(
    "group_members",
    identity="membership_id",
    scope="listed_as",
    key=("membership_id",),
    upstream=UPSTREAM,
    query=Path(__file__).with_suffix(".sql"),
    fragments={"links": LINKS},
    scopes="""
    select jsonb_build_array(group_key)::text from silver.ad_groups
    union
    select jsonb_build_array(group_key)::text from silver.mcommunity_groups
    """,
    changed_keys=_CHANGED_KEYS,
    indexes=("group_key", "group_id", "member_uniqname", "member_name", "member_computer_name"),
    about="Members of groups: people, groups, computers; each once, whoever lists it.",
    columns=(
        SqlColumn("membership_id", "text", personal=True, about="group, kind of member, member"),
        SqlColumn(
            "group_key", "text", "ad_groups.group_key, mcommunity_groups.group_key", personal=True
        ),
        SqlColumn(
            "listed_as",
            "text",
            _MEMBER,
            personal=True,
            about="group and name, as a list: what of a group is worked out together",
        ),
        SqlColumn(
            "group_id",
            "text",
            "ad_groups.cn, mcommunity_groups.group_name",
            personal=True,
            about="groups.group_id",
        ),
        SqlColumn("member_type", "text", _MEMBER, about="user, group, computer or unknown"),
        SqlColumn("member_uniqname", "text", _MEMBER, personal=True, about="of a user"),
        SqlColumn(
            "member_group_id",
            "text",
            f"{_MEMBER}, mcommunity_groups.nested_members",
            personal=True,
            about="of a group: groups.group_id, or its name where the hub does not have it",
        ),
        SqlColumn("member_computer_name", "text", _MEMBER, about="of a computer, in capitals"),
        SqlColumn(
            "member_name",
            "text",
            _MEMBER,
            personal=True,
            about="of all but computers, in lower case",
        ),
        SqlColumn(
            "member_dns",
            "jsonb",
            f"{_MEMBER}, mcommunity_groups.direct_members, mcommunity_groups.nested_members",
            personal=True,
            about="the distinguished names under which it is listed",
        ),
        SqlColumn(
            "is_direct_member",
            "boolean",
            "ad_groups.members, mcommunity_groups.direct_members, mcommunity_groups.nested_members",
            about="false: only by way of a group in the group",
        ),
        SqlColumn(
            "is_known",
            "boolean",
            "users.uniqname, ad_users.distinguished_name, ad_computers.dn_key, ad_groups.dn_key,"
            " mcommunity_groups.dn_key",
            about="the hub has a record of it",
        ),
        SqlColumn("sources", "jsonb", _MEMBER, about="the directories that list it"),
        SqlColumn("source_system", "text", _MEMBER, about="the same, joined by +"),
    ),
    rules=(
        QualityRule(
            "unknown_member", 0.10, "not is_known", about="points to nothing that the hub knows"
        ),
        QualityRule(
            "member_of_itself",
            0.05,
            "member_type = 'group' and member_name = group_key",
        ),
        QualityRule("indirect_member", 0, "not is_direct_member"),
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
