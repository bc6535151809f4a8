"""Former uniqnames of people: one identity across changes of the uniqname (decision 31).

uniqname_evidence; ad_users, tdx_users, umapi_employees, mcommunity_users as they are;
lab_awards, ad_units, which have nothing but a name
    ──▶ former_uniqnames ──▶ users, and whatever names somebody by the former name
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_units import AD_UNITS
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.hub.silver.tables.changes import different, written
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.umapi_employees import UMAPI_EMPLOYEES
from lsats_pipeline.hub.silver.tables.uniqname_evidence import UNIQNAME_EVIDENCE

# Names in what was written, and all that any evidence ties to them.
_CHANGED_KEYS: LiteralString = f"""
with recursive seed (name) as materialized (
    select uniqname from ({written("uniqname_evidence", "uniqname")}) as item
    union
    select uniqname from ({different("ad_users", "external_id, uniqname, uid_number")}) as account
    union
    select uniqname
    from ({different("tdx_users", "external_id, uniqname, tdx_external_id")}) as account
    union
    select uniqname from ({different("umapi_employees", "external_id, uniqname, empl_id")}) as job
    union
    select uniqname from ({different("mcommunity_users", "external_id, uniqname")}) as entry
    union
    select person_uniqname
    from ({different("lab_awards", "external_id, person_uniqname")}) as award
    union
    select extracted_uniqname
    from ({different("ad_units", "external_id, extracted_uniqname")}) as unit
),
reached (name) as (
    select item.uniqname
    from seed
    join silver.uniqname_evidence as item on item.uniqname = seed.name
    union
    select other.uniqname
    from reached
    join silver.uniqname_evidence as item on item.uniqname = reached.name
    join silver.uniqname_evidence as other on other.evidence = item.evidence
)
select name from reached
union
select item.former_uniqname
from seed
join silver.former_uniqnames as item on item.former_uniqname = seed.name
union
select item.former_uniqname
from seed
join silver.former_uniqnames as item on item.uniqname = seed.name
"""
_ORIGIN = "uniqname_evidence.uniqname, uniqname_evidence.latest_uniqname"

FORMER_UNIQNAMES = SqlModel(
    "former_uniqnames",
    identity="former_uniqname_id",
    scope="former_uniqname",
    key=("former_uniqname_id",),
    upstream=(
        UNIQNAME_EVIDENCE,
        AD_USERS,
        TDX_USERS,
        UMAPI_EMPLOYEES,
        MCOMMUNITY_USERS,
        LAB_AWARDS,
        AD_UNITS,
    ),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select uniqname from silver.uniqname_evidence",
    changed_keys=_CHANGED_KEYS,
    indexes=("uniqname",),
    about="Uniqnames that people had before the present one, and what says so.",
    columns=(
        SqlColumn("former_uniqname_id", "text", _ORIGIN, personal=True, about="both uniqnames"),
        SqlColumn("former_uniqname", "text", _ORIGIN, personal=True),
        SqlColumn("uniqname", "text", _ORIGIN, personal=True, about="the present one"),
        SqlColumn(
            "evidence",
            "jsonb",
            "uniqname_evidence.kind",
            about="kinds of identifiers that had both, the best first",
        ),
        SqlColumn("known_from", "timestamptz", "uniqname_evidence.known_from"),
        SqlColumn(
            "left_at",
            "timestamptz",
            "uniqname_evidence.left_at",
            about="when the first system had the person under another",
        ),
        SqlColumn(
            "is_conflict",
            "boolean",
            about="identifiers point to different people: the two names stay two people",
        ),
        SqlColumn("is_reused", "boolean", about="by now somebody else has the former uniqname"),
        SqlColumn(
            "is_latest",
            "boolean",
            about="whoever writes the former uniqname means this person",
        ),
        SqlColumn("is_under_way", "boolean", about="a system still has the former one"),
        SqlColumn(
            "records",
            "jsonb",
            "ad_users.external_id, tdx_users.external_id, umapi_employees.external_id,"
            " mcommunity_users.external_id, lab_awards.external_id, ad_units.external_id",
            personal=True,
            about="records of the person, their awards and units that go by the former uniqname",
        ),
    ),
    rules=(
        QualityRule("identity_conflict", 0.50, "is_conflict"),
        QualityRule("reused", 0, "is_reused"),
        QualityRule("rename_under_way", 0, "is_under_way", about="not all systems follow yet"),
    ),
    expected=Expected(mean=0.95, low_share=0.05),
)
