"""Of which machine every record is: each of exactly one (domain/hub.md 5.5).

computer_matches, tdx_assets, keyconfigure_computers, ad_computers ──▶ computer_records
"""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.hub.silver.spec import SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.computer_matches import COMPUTER_MATCHES
from lsats_pipeline.hub.silver.tables.keyconfigure_computers import KEYCONFIGURE_COMPUTERS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS

_IDS = "tdx_assets.tdx_asset_id, keyconfigure_computers.computer_id, ad_computers.object_guid"

COMPUTER_RECORDS = SqlModel(
    "computer_records",
    identity="record_id",
    upstream=(COMPUTER_MATCHES, TDX_ASSETS, KEYCONFIGURE_COMPUTERS, AD_COMPUTERS),
    prepare=(Path(__file__).with_name("computer_accepted.sql"),),
    query=Path(__file__).with_suffix(".sql"),
    # Whether a serial number is free to name a machine depends on all machines.
    scopes="select null::text",
    indexes=("computer_id",),
    about="Records of computers in the three systems, and the machine that each is a record of.",
    columns=(
        SqlColumn("record_id", "text", _IDS, about="system:id"),
        SqlColumn("record_system", "text", about="tdx, keyconfigure or ad"),
        SqlColumn("system_id", "text", _IDS, about="the record's id in that system"),
        SqlColumn(
            "computer_id",
            "text",
            f"{_IDS}, keyconfigure_computers.oem_serial_number, computer_matches.decision",
            about="computers.computer_id",
        ),
        SqlColumn(
            "is_former",
            "boolean",
            "computer_matches.decision",
            about="from before the machine was set up anew; it has a newer one in this system",
        ),
        SqlColumn(
            "is_serial_shared",
            "boolean",
            "tdx_assets.serial_number, keyconfigure_computers.oem_serial_number",
            about="another machine has its serial number",
        ),
        SqlColumn(
            "is_name_shared",
            "boolean",
            "tdx_assets.name, keyconfigure_computers.computer_name, ad_computers.computer_name",
            about="another machine has its name",
        ),
    ),
)
