"""Machines as KeyConfigure's inventory knows them (domain/hub.md 4.12).

keyconfigure_cards ──▶ keyconfigure_computers

Only cards of the present count: one that the export no longer lists takes its addresses along.
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.keyconfigure_cards import KEYCONFIGURE_CARDS

# Machines of changed cards, and those that share a card with them.
_CHANGED_KEYS = """
select card.computer_id
from (
    select computer_id, mac_address from silver.keyconfigure_cards
    where ingestion_run_id = any({runs})
    union
    select computer_id, mac_address from silver.keyconfigure_cards_history
    where closed_by = any({runs})
) as changed
cross join lateral (
    select changed.computer_id
    union
    select other.computer_id from silver.keyconfigure_cards as other
    where other.mac_address = changed.mac_address
) as card
"""


def _newest(
    name: LiteralString, sql_type: LiteralString, personal: bool = False, about: str = ""
) -> SqlColumn:
    return SqlColumn(
        name,
        sql_type,
        f"keyconfigure_cards.{name}",
        personal,
        about=about or "of the newest session",
    )


def _over_all(name: LiteralString, sql_type: LiteralString, card: str, about: str) -> SqlColumn:
    return SqlColumn(name, sql_type, f"keyconfigure_cards.{card}", about=about)


KEYCONFIGURE_COMPUTERS = SqlModel(
    "keyconfigure_computers",
    identity="computer_id",
    key=("computer_id",),
    upstream=(KEYCONFIGURE_CARDS,),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select computer_id from silver.keyconfigure_cards",
    changed_keys=_CHANGED_KEYS,
    about="Machines in the inventory; a row per name and serial number, however many cards.",
    columns=(
        SqlColumn(
            "computer_id",
            "text",
            "keyconfigure_cards.computer_id",
            about="name and serial number in capitals",
        ),
        _newest("computer_name", "text"),
        _newest("oem_serial_number", "text"),
        _over_all("primary_mac_address", "text", "mac_address", "that of the newest session"),
        _over_all("mac_addresses", "jsonb", "mac_address", "each once, newest session first"),
        _over_all("ip_addresses", "jsonb", "ip_address", "each once, newest session first"),
        _over_all("nic_count", "integer", "mac_address", "how many network cards"),
        _newest("cpu", "text"),
        _newest("cpu_cores", "integer"),
        _newest("cpu_sockets", "integer"),
        _newest("clock_speed_mhz", "integer"),
        _newest("ram_mb", "integer"),
        _newest("disk_gb", "numeric(10,2)"),
        _newest("disk_free_gb", "numeric(10,2)"),
        _newest("os", "text"),
        _newest("os_family", "text"),
        _newest("os_version", "text"),
        _newest("os_serial_number", "text"),
        _newest("os_install_date", "timestamptz"),
        _newest("last_user", "text", personal=True),
        _newest("owner", "text", personal=True, about="a unit's code, or a uniqname"),
        _newest("login_type", "text"),
        _over_all("last_session", "timestamptz", "last_session", "the latest of its cards"),
        _over_all("last_startup", "timestamptz", "last_startup", "the latest of its cards"),
        _over_all("last_audit", "timestamptz", "last_audit", "the latest of its cards"),
        _over_all("base_audit", "timestamptz", "base_audit", "the earliest of its cards"),
        _newest("keyconfigure_client_version", "text"),
        _over_all("consolidated_raw_ids", "jsonb", "raw_id", "the bronze rows of all its cards"),
        _over_all("source_raw_ids", "jsonb", "raw_id", "the bronze row of the newest session"),
        _over_all(
            "is_mac_shared",
            "boolean",
            "mac_address",
            "another machine was seen with one of its cards, as with a dock",
        ),
    ),
    rules=(
        QualityRule("missing_computer_name", 0.05, "computer_name is null"),
        QualityRule("missing_serial_number", 0.05, "oem_serial_number is null"),
        QualityRule(
            "placeholder_serial_number",
            0.05,
            "silver.real_serial(oem_serial_number) is null"
            " and not silver.is_damaged_serial(oem_serial_number)",
            about="too short, or what a manufacturer leaves in (None, 0000, To be filled ...)",
        ),
        QualityRule(
            "damaged_serial_number",
            0.05,
            "silver.is_damaged_serial(oem_serial_number)",
            about="a spreadsheet took it for a quantity (1.23E+11): it is never matched",
        ),
        QualityRule("shared_mac_address", 0, "is_mac_shared"),
        QualityRule("missing_last_session", 0.05, "last_session is null"),
    ),
    expected=Expected(mean=0.90, low_share=0.01),
)
