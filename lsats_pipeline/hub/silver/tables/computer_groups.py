"""Groups that machines are in (domain/hub.md 5.5). A membership that is no more is gone here too.

computers, ad_computers (memberOf), ad_groups, groups ──▶ computer_groups
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.hub.silver.tables.groups import GROUPS

_CHANGED_KEYS: LiteralString = f"""
select computer_id from ({different("computers", "computer_id, ad_object_guid")}) as computer
union
select computer.computer_id
from silver.computers as computer
join ({different("ad_computers", "object_guid, member_of_groups")}) as account
    on account.object_guid = computer.ad_object_guid
union
-- Those that name a group which came, went or is spelled otherwise.
select computer_id from silver.computer_groups
where silver.dn_key(group_dn) in (
    select dn_key from ({different("ad_groups", "dn_key, group_key")}) as listed
    union
    select listed.dn_key from silver.ad_groups as listed
    join ({different("groups", "group_key, group_id")}) as known using (group_key))
"""

COMPUTER_GROUPS = SqlModel(
    "computer_groups",
    identity="membership_id",
    scope="computer_id",
    key=("computer_id", "group_dn"),
    upstream=(COMPUTERS, AD_COMPUTERS, AD_GROUPS, GROUPS),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select computer_id from silver.computers where ad_object_guid is not null",
    changed_keys=_CHANGED_KEYS,
    indexes=("group_id",),
    about="Groups that machines are in, one row per machine and group.",
    columns=(
        SqlColumn("membership_id", "text", about="machine and group"),
        SqlColumn("computer_id", "text", "computers.computer_id"),
        SqlColumn(
            "group_id",
            "text",
            "ad_groups.dn_key, groups.group_id",
            personal=True,
            about="groups.group_id; NULL for a group that the hub does not read",
        ),
        SqlColumn(
            "group_dn",
            "text",
            "ad_computers.member_of_groups",
            personal=True,
            about="distinguished name",
        ),
        SqlColumn("group_cn", "text", "ad_computers.member_of_groups", personal=True),
        SqlColumn("source_system", "text", about="ad"),
    ),
    rules=(
        QualityRule("unknown_group", 0, "group_id is null", about="outside what the hub reads"),
    ),
    expected=Expected(mean=0.90, low_share=0.05),
)
