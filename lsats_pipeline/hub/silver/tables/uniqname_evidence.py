"""Uniqnames that one identifier has had: what says that people who change theirs stay the same.

tdx_users, umapi_employees, mcommunity_users, ad_users, with their histories ──▶ uniqname_evidence
"""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.hub.silver.spec import Expected, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.umapi_employees import UMAPI_EMPLOYEES

_UNIQNAME = (
    "ad_users.uniqname, tdx_users.uniqname, umapi_employees.uniqname, mcommunity_users.uniqname"
)
_IDENTIFIER = (
    "ad_users.external_id, tdx_users.external_id, umapi_employees.empl_id,"
    " mcommunity_users.external_id"
)

UNIQNAME_EVIDENCE = SqlModel(
    "uniqname_evidence",
    identity="evidence_id",
    scope="evidence",
    key=("evidence_id",),
    upstream=(AD_USERS, TDX_USERS, UMAPI_EMPLOYEES, MCOMMUNITY_USERS),
    query=Path(__file__).with_suffix(".sql"),
    # Who has never changed in any way has no history, and cannot have changed names.
    scopes="""
    select 'ad_object_guid/' || external_id from silver.ad_users_history
    union
    select 'tdx_user_uid/' || external_id from silver.tdx_users_history
    union
    select 'umich_empl_id/' || empl_id from silver.umapi_employees_history
    union
    select 'ldap_uid_number/' || external_id from silver.mcommunity_users_history
    """,
    changed_keys=f"""
    select 'ad_object_guid/' || external_id
    from ({different("ad_users", "external_id, uniqname")}) as account
    union
    select 'tdx_user_uid/' || external_id
    from ({different("tdx_users", "external_id, uniqname")}) as account
    union
    select 'umich_empl_id/' || empl_id
    from ({different("umapi_employees", "external_id, empl_id, uniqname")}) as appointment
    union
    select 'ldap_uid_number/' || external_id
    from ({different("mcommunity_users", "external_id, uniqname")}) as entry
    """,
    indexes=("uniqname",),
    about="Of identifiers that have had several uniqnames: which, when, and the present one.",
    columns=(
        SqlColumn(
            "evidence_id",
            "text",
            f"{_IDENTIFIER}, {_UNIQNAME}",
            personal=True,
            about="evidence and uniqname",
        ),
        SqlColumn("evidence", "text", _IDENTIFIER, personal=True, about="kind and value"),
        SqlColumn(
            "kind",
            "text",
            about="ad_object_guid, tdx_user_uid, umich_empl_id or ldap_uid_number",
        ),
        SqlColumn("uniqname", "text", _UNIQNAME, personal=True),
        SqlColumn("latest_uniqname", "text", _UNIQNAME, personal=True, about="what it is by now"),
        SqlColumn("known_from", "timestamptz", about="when the hub first saw it so"),
        SqlColumn(
            "left_at",
            "timestamptz",
            about="when it was first seen otherwise; of the latest name: when that began",
        ),
        SqlColumn("first_run", "uuid", about="the run that first saw it so"),
        SqlColumn("left_run", "uuid", about="the run of left_at"),
    ),
    expected=Expected(mean=1.0, low_share=0.0),
)
