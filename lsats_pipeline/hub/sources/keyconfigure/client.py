"""Reads KeyConfigure's export: what the files are called, what has to be in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import files
from lsats_pipeline.hub.sources.files import Export, Inbox
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.spreadsheets import SheetTable, read_xlsx

# What silver reads (domain/hub.md 4.12): without one of these every computer would seem changed.
NEEDED = (
    "Name", "MAC", "CPU", "Mhz", "#", "Sockets", "RAM", "Disk", "Free", "OEM SN", "OS Family", "OS",
    "OS vers", "OS SN", "OS Install Date", "Last Addr", "Last User", "Login", "Last Session",
    "Last Startup", "Base Audit", "Last Audit", "Client", "Owner",
)  # fmt: skip

_SEPARATORS = re.compile(r"[:\-.\s]")
_ADDRESS = re.compile(r"[0-9A-F]{12}")


def canonical_mac(written: Any) -> str | None:
    """A network address as twelve upper-case hexadecimal digits; None for anything else."""
    digits = _SEPARATORS.sub("", str(written or "")).upper()
    return digits if _ADDRESS.fullmatch(digits) else None


def identify(record: dict[str, Any]) -> str | None:
    """One network card of one computer: `0A1B2C3D4E5F|LSA-PHYS-17|C02XY123`.

    The address alone is not enough (a dock's address shows up on whatever it is plugged into), nor
    is its spelling (domain/hub.md 7.5). None without a valid address.
    """
    mac = canonical_mac(record.get("MAC"))
    return f"{mac}|{_key(record.get('Name'))}|{_key(record.get('OEM SN'))}" if mac else None


def _key(value: Any) -> str:
    return "" if value is None else str(value).strip().upper()


def _last_seen(record: dict[str, Any]) -> str:
    return str(record.get("Last Session") or "")


def _table(data: bytes) -> SheetTable:
    return read_xlsx(data, NEEDED)


EXPORT = Export(
    system="key_client",
    title="KeyConfigure export",
    pattern="keyconfigure_computers*.xlsx",
    table=_table,
    identify=identify,
    age=_last_seen,
)


@contextmanager
def connect(settings: DocumentSettings, clock: Clock | None = None) -> Iterator[Inbox]:
    """The folder where the exports arrive."""
    with files.connect(EXPORT, settings, clock) as inbox:
        yield inbox
