"""What group_members and group_owners share: whom the directories name, and when that may change.

A distinguished name is told by the record that has it: a group, an account, a computer. Where no
record has it, by the nearest container that tells (`ou=People`), then by a known uniqname; what is
left is unknown, and stays with a flag.
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.silver.tables.ad_users import AD_USERS
from lsats_pipeline.silver.tables.mcommunity_groups import MCOMMUNITY_GROUPS
from lsats_pipeline.silver.tables.users import USERS

UPSTREAM = (AD_GROUPS, MCOMMUNITY_GROUPS, AD_USERS, AD_COMPUTERS, USERS)
LINKS = Path(__file__).with_suffix(".sql")
GROUP_KEYS = """
select group_key from silver.ad_groups union select group_key from silver.mcommunity_groups
"""


def touched(table: LiteralString, name: LiteralString) -> LiteralString:
    """Groups whose record changed, and those that name what changed how it is told.

    A person's new telephone number touches no group: only a new or departed name, or another
    distinguished name does.
    """
    return f"""
    with changed (name, dn) as (
        {_told_differently("ad_users", "uniqname, distinguished_name")}
        union all
        {_told_differently("ad_computers", "null::text, distinguished_name")}
        union all
        {_told_differently("users", "uniqname, null::text")}
    ),
    renamed (name, dn, spelled) as (
        {_told_differently("ad_groups", "group_key, distinguished_name, cn")}
        union all
        {_told_differently("mcommunity_groups", "group_key, distinguished_name, group_name")}
    )
    select group_key from silver.ad_groups where ingestion_run_id = any({{runs}})
    union
    select group_key from silver.ad_groups_history where closed_by = any({{runs}})
    union
    select group_key from silver.mcommunity_groups where ingestion_run_id = any({{runs}})
    union
    select group_key from silver.mcommunity_groups_history where closed_by = any({{runs}})
    union
    select item.group_key
    from (
        select name from changed
        union select lower(silver.dn_name(dn)) from changed
        union select name from renamed
        union select lower(silver.dn_name(dn)) from renamed
    ) as given
    join silver.{table} as item on item.{name} = given.name
    """


def _told_differently(table: LiteralString, columns: LiteralString) -> LiteralString:
    """The columns in rows that the runs wrote and in those they replaced, where they differ."""
    now: LiteralString = (
        f"select {columns} from silver.{table} where ingestion_run_id = any({{runs}})"
    )
    # A version that one of these runs wrote itself was never seen from here.
    before: LiteralString = (
        f"select {columns} from silver.{table}_history where closed_by = any({{runs}})"
        " and ingestion_run_id <> all({runs})"
    )
    return f"(({now}) except ({before})) union all (({before}) except ({now}))"
