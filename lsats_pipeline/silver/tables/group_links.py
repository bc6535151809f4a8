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
from lsats_pipeline.silver.tables.changes import different
from lsats_pipeline.silver.tables.mcommunity_groups import MCOMMUNITY_GROUPS
from lsats_pipeline.silver.tables.users import USERS

UPSTREAM = (AD_GROUPS, MCOMMUNITY_GROUPS, AD_USERS, AD_COMPUTERS, USERS)
LINKS = Path(__file__).with_suffix(".sql")
GROUP_KEYS = """
select group_key from silver.ad_groups union select group_key from silver.mcommunity_groups
"""


def touched(
    table: LiteralString, name: LiteralString, ad: LiteralString, mcommunity: LiteralString
) -> LiteralString:
    """Groups that list others now, and those that name what changed how it is told.

    `ad`, `mcommunity`: the columns that list them. A person's new telephone number touches no
    group: only a new or departed name, or another distinguished name does. Nor does a description.
    """
    return f"""
    with changed (name, dn) as (
        {different("ad_users", "uniqname, distinguished_name")}
        union all
        select null, distinguished_name
        from ({different("ad_computers", "distinguished_name")}) as computer
        union all
        select uniqname, null from ({different("users", "uniqname")}) as person
    ),
    renamed (name, dn, spelled) as (
        {different("ad_groups", "group_key, distinguished_name, cn")}
        union all
        {different("mcommunity_groups", "group_key, distinguished_name, group_name")}
    )
    select group_key from ({different("ad_groups", f"group_key, ad_group_guid, cn, {ad}")}) as ad
    union
    select group_key
    from (
        {different("mcommunity_groups", f"group_key, gid_number, group_name, {mcommunity}")}
    ) as mcommunity
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
