"""Reads KeyConfigure's export: what the files are called, what has to be in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import files
from lsats_pipeline.hub.sources.document_names import KEYCONFIGURE
from lsats_pipeline.hub.sources.files import Export, Inbox
from lsats_pipeline.hub.sources.keyconfigure.addresses import canonical_mac
from lsats_pipeline.hub.sources.row_identity import row_identity
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.spreadsheets import Layout
from lsats_pipeline.hub.sources.written_times import written_time

# What silver reads (domain/hub.md 4.12): without one of these every computer would seem changed.
NEEDED = (
    "Name", "MAC", "CPU", "Mhz", "#", "Sockets", "RAM", "Disk", "Free", "OEM SN", "OS Family", "OS",
    "OS vers", "OS SN", "OS Install Date", "Last Addr", "Last User", "Login", "Last Session",
    "Last Startup", "Base Audit", "Last Audit", "Client", "Owner",
)  # fmt: skip


def _upper(value: Any) -> str:
    return "" if value is None else str(value).strip().upper()


_KEY = {"MAC": canonical_mac, "Name": _upper, "OEM SN": _upper}


def identify(record: dict[str, Any]) -> str | None:
    """One network card of one computer: `0A1B2C3D4E5F|LSA-PHYS-17|C02XY123`.

    The address alone is not enough (a dock's address shows up on whatever it is plugged into), nor
    is its spelling (domain/hub.md 7.5). Of several addresses in the cell the first counts. None
    without a valid address.
    """
    return row_identity(record, _KEY)


def _last_seen(record: dict[str, Any]) -> dt.datetime | None:
    return written_time(record.get("Last Session"))


EXPORT = Export(
    title="KeyConfigure export",
    name=KEYCONFIGURE,
    layout=Layout(
        NEEDED,
        {
            # as the predecessor renamed them (domain/hub.md 1.5)
            "# of cores": "#",
            "Clock Speed (Mhz)": "Mhz",
            "MAC Address": "MAC",
            "OEM Serial Number": "OEM SN",
        },
    ),
    identify=identify,
    age=_last_seen,
)


@contextmanager
def connect(settings: DocumentSettings, clock: Clock | None = None) -> Iterator[Inbox]:
    """The folder where the exports arrive."""
    with files.connect(EXPORT, settings, clock) as inbox:
        yield inbox
