"""The systems that export by hand: files dropped into the data folder as they would be on a day.

    campus.records of the served day ─▶ the same as last time? nothing
                                     └▶ keyconfigure_computers_<day>.xlsx, lab_awards_<day>.csv

Dropped whole, by renaming, with a time of arrival on that day. `campus.drops` remembers what was
dropped last, so that however many processes simulate the campus each export arrives once.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import xlsxwriter

from lsats_pipeline.campus.simulators.record_store import on_the_wire
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.sources.settings import SIMULATED
from lsats_pipeline.warehouse.database import Connection

# The words come with the table, once: a comment takes a lock that others would wait for.
CREATE_TABLE = """
do $$ begin
  if to_regclass('campus.drops') is null then
    create table if not exists campus.drops (
      system text primary key, day date not null, digest bytea not null, file text not null);
    comment on table campus.drops is 'documents that the simulated systems have dropped';
    comment on column campus.drops.system is 'the system';
    comment on column campus.drops.day is 'the day that its last document is of';
    comment on column campus.drops.digest is 'hash of that document';
    comment on column campus.drops.file is 'name of that document';
  end if;
end $$
"""
_RECORDS = """
select record_key, convert_to(payload, 'UTF8')
from campus.records, campus.world
where system = %s and entity = %s
  and valid_from <= served_day and (valid_to is null or served_day < valid_to)
order by record_key collate "C"
"""
_REMEMBER = """
insert into campus.drops values (%s, %s, %s, %s) on conflict (system) do update
set day = excluded.day, digest = excluded.digest, file = excluded.file
"""
ARRIVAL = dt.time(0, 5)  # of day

Fields = dict[str, Any]

# domain/hub.md 1.5 and 1.6, in the order of the exports
COMPUTER_COLUMNS = (
    "idnt", "agid", "Name", "MAC", "CPU", "Mhz", "#", "Sockets", "RAM", "Disk", "Free", "% Used",
    "% Free", "OEM SN", "OS Family", "OS", "OS vers", "OS SN", "OS Install Date", "Last Addr",
    "Last User", "Login", "Last Session", "Last Startup", "Base Audit", "Last Audit", "Client",
    "Owner",
)  # fmt: skip
AWARD_COLUMNS = (
    "Award Id", "Project/Grant", "Award Title", "Award Class", "Person Role", "Person Last Name",
    "Person First Name", "Person Uniqname", "Person Appt Department Id", "Person Appt Department",
    "Person Appt School/College", "Award Admin Department", "Award Admin School/College",
    "Award Project Start Date", "Award Project End Date", "Pre NCE Project End Date",
    "Award Direct Dollars", "Award Indirect Dollars", "Award Total Dollars",
    "Facilities & Admin Rate (%)", "Direct Sponsor Name",
    "Direct Sponsor Award Reference Number\n(Current Budget Period)", "Direct Sponsor Category",
    "Direct Sponsor Subcategory", "Prime Sponsor Name", "Prime Sponsor Award Reference Number",
    "Prime Sponsor Category", "Prime Sponsor Subcategory", "Award Publish Date",
)  # fmt: skip
_TIMES = frozenset({"OS Install Date", "Last Session", "Last Startup", "Base Audit", "Last Audit"})


@dataclass(frozen=True)
class Document:
    """What one system exports: `write(file, records)` makes the file."""

    system: str
    entity: str
    stem: str
    suffix: str
    write: Callable[[Path, Iterator[Fields]], None]

    def name(self, day: dt.date) -> str:
        """The name of a day's file."""
        return f"{self.stem}_{day}{self.suffix}"


def drop(connection: Connection, folder: Path, zone: ZoneInfo) -> list[Path]:
    """Drop what differs from the last drop; returns the new files. `folder` is its own."""
    with connection.transaction():
        connection.execute(CREATE_TABLE)
        connection.execute("lock table campus.drops in share row exclusive mode")
        known = connection.execute("select system, digest from campus.drops").fetchall()
        before: dict[str, bytes] = dict(known)
        row = connection.execute("select served_day from campus.world").fetchone()
        assert row is not None
        return [
            path
            for document in DOCUMENTS
            if (path := _drop(connection, document, folder, row[0], zone, before)) is not None
        ]


def move_apart(connection: Connection, settings: HubSettings) -> None:
    """Take what a campus of an earlier version left among the documents of people.

    It dropped its files into the inbox itself, so what has landed from there is its own as well.
    """
    inbox, own = settings.lsats_home / "inbox", settings.simulated_home
    if not (inbox / SIMULATED).exists():
        return
    (own / "inbox").mkdir(parents=True, exist_ok=True, mode=0o700)
    connection.execute(CREATE_TABLE)
    for (file,) in connection.execute("select file from campus.drops").fetchall():
        if (inbox / file).exists():
            (inbox / file).replace(own / "inbox" / file)
    archive = settings.lsats_home / "archive"
    if archive.is_dir() and not (own / "archive").exists():
        archive.replace(own / "archive")
    (inbox / SIMULATED).replace(own / "inbox" / SIMULATED)


def _drop(
    connection: Connection,
    document: Document,
    folder: Path,
    day: dt.date,
    zone: ZoneInfo,
    before: dict[str, bytes],
) -> Path | None:
    digest, count = _digest(connection, document)
    if digest == before.get(document.system) or not (count or before.get(document.system)):
        return None
    path = folder / document.name(day)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / SIMULATED).touch(mode=0o600)
    part = folder / f".{path.name}.part"
    document.write(part, _shuffled(connection, document, day))
    arrival = dt.datetime.combine(day, ARRIVAL, zone).timestamp()
    os.utime(part, (arrival, arrival))
    part.replace(path)
    connection.execute(_REMEMBER, [document.system, day, digest, path.name])
    return path


def _digest(connection: Connection, document: Document) -> tuple[bytes, int]:
    digest, count = hashlib.sha256(), 0
    for key, payload in _records(connection, document):
        digest.update(b"%d %b %b" % (len(payload), key.encode(), payload))
        count += 1
    return digest.digest(), count


def _records(connection: Connection, document: Document) -> Iterator[tuple[str, bytes]]:
    with connection.cursor("exported", binary=True) as cursor:
        cursor.execute(_RECORDS, [document.system, document.entity])
        while rows := cursor.fetchmany(1000):
            yield from rows


def _shuffled(connection: Connection, document: Document, day: dt.date) -> Iterator[Fields]:
    """In an order of the day's own, so that nobody comes to lean on one."""
    rows = list(_records(connection, document))
    rows.sort(key=lambda row: zlib.crc32(f"{day} {row[0]}".encode()))
    for _, payload in rows:
        yield msgspec.json.decode(payload)


def _write_computers(path: Path, rows: Iterator[Fields]) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(path, options) as workbook:
        sheet = workbook.add_worksheet("Computers")
        time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, COMPUTER_COLUMNS)
        for number, record in enumerate(rows, 1):
            for place, column in enumerate(COMPUTER_COLUMNS):
                _write_cell(sheet, (number, place), record.get(column), time, column in _TIMES)


def _write_cell(sheet: Any, place: tuple[int, int], value: Any, time: Any, is_time: bool) -> None:
    if value is None or value == "":
        return
    if is_time and (moment := _moment(value)) is not None:
        sheet.write_datetime(*place, moment, time)
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, int | float):
        sheet.write_number(*place, value)
    else:
        sheet.write_string(*place, str(value))


def _moment(value: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None


def _write_awards(path: Path, rows: Iterator[Fields]) -> None:
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf" + _line(AWARD_COLUMNS))
        for record in rows:
            fields = {" ".join(name.split()): value for name, value in record.items()}
            values = (fields.get(" ".join(column.split())) for column in AWARD_COLUMNS)
            file.write(on_the_wire(_line(["" if v is None else v for v in values])))


def _line(values: Any) -> bytes:
    written: list[str] = []
    csv.writer(_Lines(written)).writerow(values)
    return "".join(written).encode()


class _Lines:
    """What csv writes to."""

    def __init__(self, written: list[str]) -> None:
        self.write = written.append


DOCUMENTS = (
    Document("key_client", "computer", "keyconfigure_computers", ".xlsx", _write_computers),
    Document("lab_awards", "lab_award", "lab_awards", ".csv", _write_awards),
)
