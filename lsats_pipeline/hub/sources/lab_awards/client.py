"""Reads the export of lab awards: what the files are called, what has to be in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import files
from lsats_pipeline.hub.sources.files import Export, Inbox
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.spreadsheets import SheetTable, read_csv

# domain/hub.md 1.6; the reference number's heading is broken into two lines there, blanks here.
NEEDED = (
    "Award Id", "Project/Grant", "Award Title", "Award Class", "Person Role", "Person Last Name",
    "Person First Name", "Person Uniqname", "Person Appt Department Id", "Person Appt Department",
    "Person Appt School/College", "Award Admin Department", "Award Admin School/College",
    "Award Project Start Date", "Award Project End Date", "Pre NCE Project End Date",
    "Award Direct Dollars", "Award Indirect Dollars", "Award Total Dollars",
    "Facilities & Admin Rate (%)", "Direct Sponsor Name",
    "Direct Sponsor Award Reference Number (Current Budget Period)", "Direct Sponsor Category",
    "Direct Sponsor Subcategory", "Prime Sponsor Name", "Prime Sponsor Award Reference Number",
    "Prime Sponsor Category", "Prime Sponsor Subcategory", "Award Publish Date",
)  # fmt: skip

_WHOLE = re.compile(r"(\d+)(?:\.0*)?")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def identify(record: dict[str, Any]) -> str | None:
    """One person's part in one project: `AWD000123|flastname|175000|UM Principal Investigator|F1`.

    Department and project are part of it because the same person may take part from two of them;
    leaving them out made rows overwrite each other (domain/hub.md 4.13). A row without department
    counts; one without award or person is nobody's: None.
    """
    award, uniqname = _text(record, "Award Id"), _text(record, "Person Uniqname").lower()
    if not award or not uniqname:
        return None
    department = _text(record, "Person Appt Department Id")
    if whole := _WHOLE.fullmatch(department):
        department = whole[1]  # spreadsheets make 175000.0 of it
    role, project = _text(record, "Person Role"), _text(record, "Project/Grant")
    return "|".join((award, uniqname, department, role, project))


def _text(record: dict[str, Any], column: str) -> str:
    return str(record.get(column) or "").strip()


def _published(record: dict[str, Any]) -> str:
    found = _DATE.fullmatch(_text(record, "Award Publish Date"))
    try:
        return dt.date(int(found[3]), int(found[1]), int(found[2])).isoformat() if found else ""
    except ValueError:
        return ""


def _table(data: bytes) -> SheetTable:
    return read_csv(data, NEEDED)


EXPORT = Export(
    system="lab_awards",
    title="lab awards export",
    pattern="lab_awards*.csv",
    table=_table,
    identify=identify,
    age=_published,
)


@contextmanager
def connect(settings: DocumentSettings, clock: Clock | None = None) -> Iterator[Inbox]:
    """The folder where the exports arrive."""
    with files.connect(EXPORT, settings, clock) as inbox:
        yield inbox
