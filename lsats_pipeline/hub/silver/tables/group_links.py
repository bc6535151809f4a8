"""What group_members and group_owners share: names in the directories, and when they may change.

A distinguished name is resolved by the record that has it: a group, an account, a computer. Where
no record has it, by the nearest container that says a kind (`ou=People`), then by a known uniqname;
what is left is unknown, and stays with a flag.
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.mcommunity_groups import MCOMMUNITY_GROUPS
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.silver.tables.users import USERS

UPSTREAM = (
    AD_GROUPS,
    MCOMMUNITY_GROUPS,
    AD_USERS,
    MCOMMUNITY_USERS,
    AD_COMPUTERS,
    FORMER_UNIQNAMES,
    USERS,
)
LINKS = Path(__file__).with_suffix(".sql")


# `given`: names of all that is resolved differently now. A person's new telephone number is not
# among them: only a new or departed name, or another distinguished name is.
TOLD_DIFFERENTLY: LiteralString = f"""
    changed (name, dn) as (
        {different("ad_users", "uniqname, distinguished_name")}
        union all
        select uniqname, distinguished_name
        from (
            {different("mcommunity_users", "uniqname, dn_name, distinguished_name")}
        ) as entry
        where dn_name is not null
        union all
        select unnest(array[former_uniqname, uniqname]), null
        from (
            {different("former_uniqnames", "former_uniqname, uniqname, is_latest")}
        ) as past
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
    ),
    given (name) as (
        select name from changed
        union select lower(silver.dn_name(dn)) from changed
        union select name from renamed
        union select lower(silver.dn_name(dn)) from renamed
        -- Other records of the same distinguished name, of which one gave way to another.
        union select group_key from silver.ad_groups
        where dn_key in (select silver.dn_key(dn) from renamed)
        union select group_key from silver.mcommunity_groups
        where dn_key in (select silver.dn_key(dn) from renamed)
        union select item.uniqname from changed
        join silver.ad_users as item on item.dn_name = lower(silver.dn_name(changed.dn))
        union select item.uniqname from changed
        join silver.mcommunity_users as item on item.dn_name = lower(silver.dn_name(changed.dn))
    )
"""
