"""Which department a name means that is spelled otherwise (domain/hub.md 5.6).

tdx_users (names of accounts), ad_units (units that labs lie in)
    ──▶ each distinct name once ──▶ the most similar department
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_units import AD_UNITS
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS

_NAMES = """
select default_account_name from silver.tdx_users
union
select ou_immediate_parent from silver.ad_units
"""

# New names, and names that may be nobody's now. A changed department may be closer to any name but
# those that are another's to the letter.
_CHANGED_KEYS: LiteralString = f"""
with department as ({different("departments", "dept_id, department_name")})
select default_account_name
from ({different("tdx_users", "default_account_name")}) as account
union
select ou_immediate_parent from ({different("ad_units", "ou_immediate_parent")}) as unit
union
select name from silver.department_name_matches
where exists (select from department) and (
    dept_id in (select dept_id from department)
    or lower(name) in (select lower(department_name) from department)
    or (lower(name) in (select lower(department_name) from silver.departments)) is not true)
"""

DEPARTMENT_NAME_MATCHES = SqlModel(
    "department_name_matches",
    identity="name",
    upstream=(TDX_USERS, AD_UNITS, DEPARTMENTS),
    query=Path(__file__).with_suffix(".sql"),
    scopes=_NAMES,
    changed_keys=_CHANGED_KEYS,
    about="A department for each name in TDX accounts and directory units: the most similar.",
    columns=(
        SqlColumn(
            "name",
            "text",
            "tdx_users.default_account_name, ad_units.ou_immediate_parent",
            about="as it is written there",
        ),
        SqlColumn(
            "dept_id",
            "text",
            "departments.dept_id, departments.department_name",
            about="the most similar, of several the first; NULL if none is more than half similar",
        ),
        SqlColumn(
            "similarity",
            "double precision",
            about="share of common three-letter groups, as pg_trgm has it; 1 for the same words",
        ),
    ),
    rules=(
        QualityRule("no_match", 0.50, "dept_id is null", sources=("tdx", "umich_api")),
        QualityRule("doubtful_match", 0.20, "dept_id is not null and similarity <= 0.65"),
    ),
    expected=Expected(mean=0.50, low_share=0.80),
)
