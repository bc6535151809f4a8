"""Reads the export of lab awards: what the files are called, what has to be in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import files
from lsats_pipeline.hub.sources.document_names import LAB_AWARDS
from lsats_pipeline.hub.sources.files import Export, Inbox
from lsats_pipeline.hub.sources.row_identity import row_identity
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.spreadsheets import Layout
from lsats_pipeline.hub.sources.written_times import written_time

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

_REFERENCE = "Direct Sponsor Award Reference Number (Current Budget Period)"
_WHOLE = re.compile(r"(\d+)(?:\.0*)?")


def _text(value: Any) -> str:
    return str(value if value is not None else "").strip()


def _department(value: Any) -> str:
    text = _text(value)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text  # spreadsheets make 175000.0 of it


_KEY = {
    "Award Id": lambda value: _text(value) or None,
    "Person Uniqname": lambda value: _text(value).lower() or None,
    "Person Appt Department Id": _department,
    "Person Role": _text,
    "Project/Grant": _text,
}


def identify(record: dict[str, Any]) -> str | None:
    """One person's part in one project: `AWD000123|flastname|175000|UM Principal Investigator|F1`.

    Department and project are part of it because the same person may take part from two of them;
    leaving them out made rows overwrite each other (domain/hub.md 4.13). A row without department
    counts; one without award or person is nobody's: None.
    """
    return row_identity(record, _KEY)


def _published(record: dict[str, Any]) -> dt.datetime | None:
    return written_time(record.get("Award Publish Date"))


EXPORT = Export(
    title="lab awards export",
    name=LAB_AWARDS,
    layout=Layout(
        NEEDED,
        {
            "Direct Sponsor Award Reference Number": _REFERENCE,
            "Facilities and Admin Rate (%)": "Facilities & Admin Rate (%)",
        },
    ),
    identify=identify,
    age=_published,
)


@contextmanager
def connect(settings: DocumentSettings, clock: Clock | None = None) -> Iterator[Inbox]:
    """The folder where the exports arrive."""
    with files.connect(EXPORT, settings, clock) as inbox:
        yield inbox
