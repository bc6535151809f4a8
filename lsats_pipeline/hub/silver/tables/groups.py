"""Groups, merged from Active Directory and MCommunity by their names (domain/hub.md 5.3).

ad_groups, mcommunity_groups, group_members, group_owners ──▶ groups

Groups of labs are called after people, so their names count as personal.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.spec import (
    Bonus,
    Children,
    Coalesce,
    Expected,
    Expression,
    Input,
    IntegratedTable,
    QualityRule,
)
from lsats_pipeline.hub.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.hub.silver.tables.group_members import GROUP_MEMBERS
from lsats_pipeline.hub.silver.tables.group_owners import GROUP_OWNERS
from lsats_pipeline.hub.silver.tables.mcommunity_groups import MCOMMUNITY_GROUPS


def _ad(
    name: LiteralString,
    sql_type: LiteralString = "text",
    personal: bool = False,
    about: str = "",
) -> Coalesce:
    return Coalesce(name, sql_type, (f"ad.{name}",), personal=personal, about=about)


def _named(name: LiteralString, *choices: LiteralString, about: str = "") -> Coalesce:
    return Coalesce(name, "text", choices, personal=True, about=about)


def _mcommunity(name: LiteralString, sql_type: LiteralString, personal: bool = False) -> Coalesce:
    return Coalesce(name, sql_type, (f"mcommunity.{name}",), personal=personal)


def _those(
    column: LiteralString, kind: LiteralString, also: LiteralString = "true"
) -> tuple[LiteralString, LiteralString]:
    """The members or owners of one kind, as a list."""
    return (
        "jsonb",
        f"jsonb_agg(item.{column} order by item.{column}) filter (where item.{kind} and {also})",
    )


_USER: LiteralString = "member_type = 'user'"

GROUPS = IntegratedTable(
    "groups",
    key="group_key",
    about="One row per group; a group of one name in both directories is one group.",
    excused=("conflict_object",),
    inputs=(
        Input(
            "ad",
            AD_GROUPS,
            on="group_key",
            order=("ad_group_guid",),
            totals={"records": ("integer", "count(*)")},
        ),
        Input(
            "mcommunity",
            MCOMMUNITY_GROUPS,
            on="group_key",
            order=("gid_number",),
            totals={"records": ("integer", "count(*)")},
        ),
    ),
    parts=(
        Children(
            "membership",
            GROUP_MEMBERS,
            on="group_key",
            totals={
                "number": ("integer", "count(*)"),
                "people": _those("member_uniqname", _USER),
                "direct_people": _those("member_uniqname", _USER, "item.is_direct_member"),
                "groups": _those("member_group_id", "member_type = 'group'"),
            },
        ),
        Children(
            "ownership",
            GROUP_OWNERS,
            on="group_key",
            totals={
                "number": ("integer", "count(*)"),
                "people": _those("owner_uniqname", "owner_type = 'user'"),
                "groups": _those("owner_group_id", "owner_type = 'group'"),
            },
        ),
    ),
    columns=(
        _named(
            "group_id",
            "ad.cn",
            "mcommunity.group_name",
            about="the name as spelled in Active Directory, else in MCommunity",
        ),
        _named("group_name", "ad.group_name", "mcommunity.group_name"),
        _named("cn", "ad.cn", "mcommunity.group_name", about="group_id"),
        _named("group_email", "mcommunity.group_email", "ad.group_email"),
        _named("description", "mcommunity.description", "ad.description"),
        _named("distinguished_name", "ad.distinguished_name", "mcommunity.distinguished_name"),
        _ad("ad_group_guid", "uuid"),
        _named("sam_account_name", "ad.sam_account_name"),
        _named("display_name", "ad.display_name"),
        _ad("group_type", "integer"),
        _ad("sam_account_type", "integer"),
        _ad("object_category"),
        _named("managed_by", "ad.managed_by", about="distinguished name"),
        _ad("proxy_addresses", "jsonb", personal=True),
        _ad("member_of", "jsonb", personal=True, about="distinguished names"),
        _ad("ou_root"),
        _ad("ou_organization"),
        _ad("ou_category"),
        _ad("ou_status"),
        _named("ou_department", "ad.ou_department"),
        _named("ou_immediate_parent", "ad.ou_immediate_parent"),
        _ad("ou_full_path", "jsonb", personal=True, about="all units, the innermost first"),
        _ad("ou_depth", "integer"),
        _named("parent_ou_dn", "ad.parent_ou_dn"),
        Coalesce(
            "mcommunity_group_uid",
            "bigint",
            ("mcommunity.gid_number",),
            about="gidNumber: what identifies it in MCommunity",
        ),
        _mcommunity("is_private", "boolean"),
        _mcommunity("is_members_only", "boolean"),
        _mcommunity("is_joinable", "boolean"),
        _mcommunity("expiry_timestamp", "timestamptz"),
        _mcommunity("contact_info", "jsonb", personal=True),
        Expression(
            "members",
            "jsonb",
            "coalesce(membership.people, '[]')",
            personal=True,
            about="uniqnames of the people in it; other members are in group_members",
        ),
        Expression(
            "direct_members",
            "jsonb",
            "coalesce(membership.direct_people, '[]')",
            personal=True,
            about="uniqnames of those who are in it themselves, not by way of another group",
        ),
        Expression(
            "nested_members",
            "jsonb",
            "coalesce(membership.groups, '[]')",
            personal=True,
            about="group_id of the groups in it",
        ),
        Expression(
            "member_count",
            "integer",
            "coalesce(membership.number, 0)",
            about="of all kinds: people, groups, computers, unknown",
        ),
        Expression(
            "owners",
            "jsonb",
            "coalesce(ownership.people, '[]')",
            personal=True,
            about="uniqnames of the people who look after it",
        ),
        Expression(
            "owner_groups",
            "jsonb",
            "coalesce(ownership.groups, '[]')",
            personal=True,
            about="group_id of the groups whose members look after it",
        ),
        Expression(
            "is_security_group",
            "boolean",
            "coalesce(ad.group_type < 0, false)",
            about="bit 0x80000000 of group_type",
        ),
        Expression(
            "is_distribution_group",
            "boolean",
            "coalesce(ad.group_type >= 0, ad.external_id is null)",
            about="the others, and all that only MCommunity has",
        ),
        Expression(
            "is_mcomm_adsync",
            "boolean",
            "coalesce(ad.ou_full_path @> '[\"MCommADSync\"]', false)",
            about="Active Directory has it from MCommunity",
        ),
        Coalesce("when_created", "timestamptz", ("ad.when_created",)),
        Coalesce(
            "when_changed",
            "timestamptz",
            ("ad.when_changed",),
            about="as of the group's last real change",
        ),
    ),
    rules=(
        QualityRule("missing_group_name", 0.30, "merged.group_name is null"),
        QualityRule(
            "missing_group_email",
            0.10,
            "mcommunity.external_id is not null and merged.group_email is null",
        ),
        QualityRule("no_members", 0.10, "merged.member_count = 0"),
        QualityRule("missing_description", 0.05, "merged.description is null"),
        QualityRule(
            "ad_only", 0.05, "mcommunity.external_id is null", sources=("mcommunity_ldap",)
        ),
        QualityRule(
            "mcommunity_only", 0.05, "ad.external_id is null", sources=("active_directory",)
        ),
        QualityRule(
            "duplicate_group_name",
            0.05,
            "ad_all.records > 1 or mcommunity_all.records > 1",
            about="several groups of one directory have the name;"
            " the one with the smallest id speaks",
        ),
        QualityRule("no_owners", 0, "ownership.number is null", about="nobody looks after it"),
        QualityRule(
            "merged_from_multiple_sources",
            0,
            "ad.external_id is not null and mcommunity.external_id is not null",
        ),
    ),
    bonus=Bonus(
        0.10, {"active_directory": "ad.external_id", "mcommunity_ldap": "mcommunity.external_id"}
    ),
    expected=Expected(mean=0.80, low_share=0.05),
)
