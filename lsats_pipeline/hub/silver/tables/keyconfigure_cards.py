"""Network cards as KeyConfigure's inventory lists them (domain/hub.md 1.5, 4.12).

One row of the export is one card. `computer_id` says which of them are one machine.
"""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import (
    AMOUNT,
    CELL_CODE,
    CELL_TEXT,
    MAC,
    MACS,
    WHOLE,
    WRITTEN_TIME,
)
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.keyconfigure.streams import COMPUTER

KEYCONFIGURE_CARDS = StagingTable(
    "keyconfigure_cards",
    stream=COMPUTER,
    key=("mac_address",),
    repeats=True,  # a dock's card is listed with every machine that used it
    indexes=("computer_id", "mac_address"),
    about="Network cards with the machine they were seen in; a dock may be in several.",
    columns=(
        Column("mac_address", MAC, "MAC", about="12 digits in capitals"),
        Column(
            "mac_addresses",
            MACS,
            "MAC",
            about="those of the cell that tell machines apart, each once; mostly that one",
        ),
        Column("computer_name", CELL_CODE, "Name"),
        Column("oem_serial_number", CELL_CODE, "OEM SN"),
        Column("ip_address", CELL_TEXT, "Last Addr"),
        Column("cpu", CELL_TEXT, "CPU"),
        Column("cpu_cores", WHOLE, "#", otherwise="# of cores"),
        Column("cpu_sockets", WHOLE, "Sockets"),
        Column("clock_speed_mhz", WHOLE, "Mhz", otherwise="Clock Speed (Mhz)"),
        Column("ram_mb", WHOLE, "RAM"),
        Column("disk_gb", AMOUNT, "Disk"),
        Column("disk_free_gb", AMOUNT, "Free"),
        Column("os", CELL_TEXT, "OS"),
        Column("os_family", CELL_TEXT, "OS Family"),
        Column("os_version", CELL_CODE, "OS vers"),
        Column("os_serial_number", CELL_CODE, "OS SN"),
        Column("os_install_date", WRITTEN_TIME, "OS Install Date"),
        Column("last_user", CELL_TEXT, "Last User", personal=True),
        Column("owner", CELL_CODE, "Owner", personal=True, about="a unit's code, or a uniqname"),
        Column("login_type", CELL_TEXT, "Login"),
        Column("last_session", WRITTEN_TIME, "Last Session"),
        Column("last_startup", WRITTEN_TIME, "Last Startup"),
        Column("last_audit", WRITTEN_TIME, "Last Audit"),
        Column("base_audit", WRITTEN_TIME, "Base Audit"),
        Column("keyconfigure_client_version", CELL_CODE, "Client"),
    ),
    computed=(
        Computed(
            "computer_id",
            "text",
            """
            coalesce(
                upper(computer_name) || coalesce('-' || silver.serial_in_id(oem_serial_number), ''),
                'SERIAL-' || silver.serial_in_id(oem_serial_number),
                'MAC-' || mac_address)
            """,
            origin="Name, OEM SN, MAC",
            about="name and serial number in capitals; placeholders are no serial number",
        ),
    ),
    rules=(
        QualityRule("missing_computer_name", 0.05, "computer_name is null"),
        QualityRule("missing_last_session", 0.05, "last_session is null"),
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
