"""Organizational units with what is in them (domain/hub.md 4.11).

ad_units, ad_computers ──▶ ad_organizational_units

The numbers of computers and units follow from where these say they are, so they are never older
than those (domain/hub.md 7.2 #15).
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.ad_units import AD_UNITS, CONFLICT_UNIT
from lsats_pipeline.hub.silver.tables.changes import different, written

# Units whose record changed, and those that held or hold something that changed.
_CHANGED_KEYS: LiteralString = f"""
{written("ad_units", "external_id")}
union
select unit.external_id
from (
    {different("ad_units", "external_id, parent_dn_key")}
    union all
    {different("ad_computers", "external_id, parent_dn_key")}
) as moved
join silver.ad_units as unit on unit.dn_key = moved.parent_dn_key
"""

AD_ORGANIZATIONAL_UNITS = SqlModel(
    "ad_organizational_units",
    identity="external_id",
    key=("object_guid",),
    upstream=(AD_UNITS, AD_COMPUTERS),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select external_id from silver.ad_units",
    changed_keys=_CHANGED_KEYS,
    indexes=("extracted_uniqname", "dn_key"),
    about="Organizational units of the two branches with labs, and what is in them.",
    columns=(
        SqlColumn("external_id", "text", "ad_units.external_id", about="identity in bronze"),
        *(
            SqlColumn(c.name, c.sql_type, f"ad_units.{c.name}", c.personal, about=c.about)
            for c in AD_UNITS.all_columns
        ),
        SqlColumn(
            "direct_computer_count",
            "integer",
            "ad_computers.distinguished_name",
            about="computers directly in the unit, not in units below",
        ),
        SqlColumn("has_computer_children", "boolean", "ad_computers.distinguished_name"),
        SqlColumn(
            "child_ou_count",
            "integer",
            "ad_units.distinguished_name",
            about="units directly in the unit",
        ),
        SqlColumn("has_child_ous", "boolean", "ad_units.distinguished_name"),
        SqlColumn("source_raw_ids", "jsonb", "ad_units.raw_id", about="the bronze row"),
    ),
    rules=(
        QualityRule("empty_unit", 0, "direct_computer_count = 0 and child_ou_count = 0"),
        CONFLICT_UNIT,
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
