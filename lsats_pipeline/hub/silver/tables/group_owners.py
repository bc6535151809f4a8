"""Who looks after which group (domain/hub.md 5.4).

ad_groups, mcommunity_groups, and what owners may be: users, ad_users, mcommunity_users,
    ad_computers
    ──▶ group_owners
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.group_links import LINKS, TOLD_DIFFERENTLY, UPSTREAM

_OWNER = "ad_groups.managed_by, mcommunity_groups.owners"

# Groups that name others now, and those that name what is resolved differently.
_CHANGED_KEYS: LiteralString = f"""
with {TOLD_DIFFERENTLY}
select group_key
from ({different("ad_groups", "group_key, ad_group_guid, cn, managed_by")}) as ad
union
select group_key
from ({different("mcommunity_groups", "group_key, gid_number, group_name, owners")}) as mcommunity
union
select item.group_key from given join silver.group_owners as item on item.owner_name = given.name
"""

GROUP_OWNERS = SqlModel(
    "group_owners",
    identity="ownership_id",
    scope="group_key",
    key=("ownership_id",),
    upstream=UPSTREAM,
    query=Path(__file__).with_suffix(".sql"),
    fragments={"links": LINKS},
    scopes="select group_key from silver.ad_groups"
    " union select group_key from silver.mcommunity_groups",
    changed_keys=_CHANGED_KEYS,
    indexes=("group_id", "owner_uniqname", "owner_name"),
    about="Owners of groups: people and groups; each once, whoever names it.",
    columns=(
        SqlColumn("ownership_id", "text", personal=True, about="group, kind of owner, owner"),
        SqlColumn(
            "group_key", "text", "ad_groups.group_key, mcommunity_groups.group_key", personal=True
        ),
        SqlColumn(
            "group_id",
            "text",
            "ad_groups.cn, mcommunity_groups.group_name",
            personal=True,
            about="groups.group_id",
        ),
        SqlColumn("owner_type", "text", _OWNER, about="user, group, computer or unknown"),
        SqlColumn("owner_uniqname", "text", _OWNER, personal=True, about="of a user"),
        SqlColumn(
            "owner_group_id",
            "text",
            _OWNER,
            personal=True,
            about="of a group: groups.group_id, or its name where the hub does not have it",
        ),
        SqlColumn("owner_name", "text", _OWNER, personal=True, about="of any kind, in lower case"),
        SqlColumn(
            "owner_dns",
            "jsonb",
            _OWNER,
            personal=True,
            about="the distinguished names under which it is named",
        ),
        SqlColumn(
            "is_known",
            "boolean",
            "users.uniqname, ad_users.distinguished_name, ad_groups.dn_key,"
            " mcommunity_groups.dn_key",
            about="the hub has a record of it",
        ),
        SqlColumn("sources", "jsonb", _OWNER, about="the directories that name it"),
        SqlColumn("source_system", "text", _OWNER, about="the same, joined by +"),
    ),
    rules=(
        QualityRule(
            "unknown_owner", 0.10, "not is_known", about="points to nothing that the hub knows"
        ),
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
