"""Machines of labs (domain/hub.md 5.10), with how sure that is and why.

computers, tdx_assets (function), labs, lab_names, lab_members ──▶ lab_computers
former_uniqnames: who used a machine by a former uniqname
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.hub.silver.tables.lab_names import LAB_NAMES
from lsats_pipeline.hub.silver.tables.labs import LABS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS

_MACHINE: LiteralString = (
    "computer_id, computer_name, owner_uniqname, financial_owner_uniqname, last_user,"
    " ad_distinguished_name, tdx_asset_id, is_active"
)

# Computers that changed; those that a changed lab had, or may have now by owner, name or place;
# those of people who became or ceased to be members.
_CHANGED_KEYS: LiteralString = f"""
with recursive lab as (
    select lab_id, ad_ou_dn from ({different("labs", "lab_id, ad_ou_dn, is_active")}) as changed
    union
    select lab_id, null from ({different("lab_names", "lab_id, name")}) as called
),
present (uniqname) as (
    select lab_id from lab
    union
    select member_uniqname from silver.lab_members join lab using (lab_id)
    union
    select member_uniqname
    from ({different("lab_members", "lab_id, member_uniqname, is_pi")}) as member
),
person (uniqname) as (
    select uniqname from present
    union
    select past.former_uniqname from silver.former_uniqnames as past join present using (uniqname)
    union
    select former_uniqname
    from ({different("former_uniqnames", "former_uniqname, uniqname, is_latest")}) as renamed
),
place (ou) as (select silver.dn_key(ad_ou_dn) from lab),
-- Every container of every machine; not asked for when no lab with a unit has changed.
machine as materialized (
    select computer_id, silver.dn_parent(silver.dn_key(ad_distinguished_name)) as unit
    from silver.computers
    where ad_distinguished_name is not null
        and exists (select from place where ou is not null)
),
above (unit, container) as (
    select distinct unit, unit from machine
    union
    select unit, silver.dn_parent(container) from above where container is not null
),
word (word) as (
    select silver.first_word(name) from silver.lab_names join lab using (lab_id)
)
select computer_id from ({different("computers", _MACHINE)}) as computer
union
select computer.computer_id from silver.computers as computer
join ({different("tdx_assets", "tdx_asset_id, attr_function_name")}) as asset using (tdx_asset_id)
union
select computer_id from silver.lab_computers join lab using (lab_id)
union
select computer_id from silver.computers
where owner_uniqname in (select uniqname from person)
    or financial_owner_uniqname in (select uniqname from person)
    or silver.account_name(last_user) in (select uniqname from person)
    or (exists (select from word)
        and silver.words(computer_name) && array(select word from word))
union
select computer_id from machine
join above using (unit)
join place on place.ou = above.container
"""

LAB_COMPUTERS = SqlModel(
    "lab_computers",
    identity="lab_computer_id",
    scope="computer_id",
    key=("computer_id", "lab_id"),
    indexes=("lab_id",),
    upstream=(COMPUTERS, TDX_ASSETS, FORMER_UNIQNAMES, LAB_NAMES, LABS, LAB_MEMBERS),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select computer_id from silver.computers",
    changed_keys=_CHANGED_KEYS,
    about="Labs that a machine may belong to, with a confidence; 0.65 and more is shown to others.",
    columns=(
        SqlColumn("lab_computer_id", "text", about="lab_id/computer_id"),
        SqlColumn("computer_id", "text", "computers.computer_id"),
        SqlColumn("lab_id", "text", "labs.lab_id", personal=True),
        SqlColumn(
            "association_method",
            "text",
            "computers.owner_uniqname, computers.financial_owner_uniqname,"
            " computers.ad_distinguished_name, labs.ad_ou_dn, computers.computer_name,"
            " computers.last_user, lab_members.member_uniqname",
            about="owner_is_pi, ad_ou_nested, fin_owner_is_pi, name_pattern_pi, owner_member or"
            " last_user_member: the one with the highest base",
        ),
        SqlColumn("association_methods", "jsonb", about="all that apply, best first"),
        SqlColumn(
            "confidence_score",
            "numeric(3,2)",
            about="base and adjustments: 0.70 to 1.00 for the first four methods, else to 0.50",
        ),
        SqlColumn("base_confidence", "numeric(3,2)", about="of the method"),
        SqlColumn(
            "confidence_adjustments",
            "jsonb",
            "tdx_assets.attr_function_name, computers.owner_uniqname,"
            " computers.financial_owner_uniqname, lab_members.member_uniqname",
            about="what else was added or taken off, and for what",
        ),
        SqlColumn("is_primary", "boolean", about="the best lab of the machine"),
        SqlColumn("is_fully_pi_owned", "boolean", about="the PI owns it and pays for it"),
        SqlColumn("is_owner_not_affiliated", "boolean", about="owned by somebody outside the lab"),
        SqlColumn("is_fin_owner_not_affiliated", "boolean", about="paid by somebody outside"),
        SqlColumn("function_name", "text", "tdx_assets.attr_function_name", about="in lower case"),
    ),
    rules=(
        QualityRule("low_confidence", 0.30, "confidence_score < 0.40"),
        QualityRule("high_confidence", 0.0, "confidence_score >= 0.90"),
        QualityRule("fully_pi_owned", 0.0, "is_fully_pi_owned"),
        QualityRule("owner_not_affiliated", 0.10, "is_owner_not_affiliated"),
        QualityRule("fin_owner_not_affiliated", 0.08, "is_fin_owner_not_affiliated"),
        QualityRule("admin_function", 0.12, "function_name is not distinct from 'administrative'"),
        QualityRule("dev_function", 0.12, "function_name is not distinct from 'development'"),
        QualityRule("no_function", 0.0, "function_name is null", sources=("tdx",)),
    ),
    expected=Expected(mean=0.60, low_share=0.70),
)
