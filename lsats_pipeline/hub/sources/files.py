"""Transport of documents: exports that people or jobs drop into a folder.

    folder ── by name ──▶ arrived by the day, newest first ──▶ can it be read? ──▶ pages
                 │                     │                        no: set aside      │
                 ▼                     └── older ones: superseded ──┐            landed
        not named so: set aside                                     ▼              ▼
                                                    LSATS_HOME/archive/<system>/<day>/  <── moved

Arrival is the file's own time of change. What was read last is known by the sha256 of its content,
so a file that was copied twice, or that a killed run left behind, is moved but not read again.
What is set aside stays in the folder, where whoever dropped it sees it, and is named by every run
until it is gone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.sources.archive import archive
from lsats_pipeline.hub.sources.document_names import (
    DOCUMENT_NAMES,
    DocumentName,
    misnamed,
    recognized,
)
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.sheets import MalformedSheet
from lsats_pipeline.hub.sources.source import (
    NothingToRead,
    Page,
    ReadRequest,
    SetAside,
    UnusableRecord,
)
from lsats_pipeline.hub.sources.spreadsheets import Layout, SheetTable, is_note, read_table

log = logging.getLogger(__name__)

SETTLED = 3.0  # seconds without a change after which a file counts as copied
PATIENCE = 86_400.0  # seconds that a file may wait unread
CLOCKS_APART = 120.0  # seconds by which clocks of machines may differ
LARGEST = 128 << 20  # bytes; a larger file is no export
LARGEST_RECORDS = 512 << 20  # bytes; a small workbook can repeat one text in every cell
PAGE = 1000

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
_SORTED = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True)
class Export:
    """What the documents of one system look like.

    `identify`: the identity of a record. `age`: of two records with one identity the greater age is
    the newer, and one without age the oldest.
    """

    title: str
    name: DocumentName
    layout: Layout
    identify: Callable[[dict[str, Any]], str | None]
    age: Callable[[dict[str, Any]], dt.datetime | None]


class FoundFile(NamedTuple):
    """A file as it was found; `state` shows whether it is still the same.

    `changed`: when it arrived. `obstacle`: why it is not even opened.
    """

    path: Path
    changed: float
    state: tuple[int, int, int]
    obstacle: str = ""
    from_future: bool = False

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self.path.name


class Records(NamedTuple):
    """What a document holds: the rows in their order, and those that newer ones surpass."""

    table: SheetTable
    rows: list[tuple[int, bytes]]
    surpassed: set[int]  # numbers of rows


class OpenedFile(NamedTuple):
    """A file with its content."""

    file: FoundFile
    sha256: str
    records: Records | None  # None: this content has landed already


class Landed(msgspec.Struct):
    """What a complete read leaves for the next: the content that landed, and its arrival."""

    sha256: str = ""
    changed: float = 0.0
    file: str = ""


class Inbox:
    """The folder as one system's documents see it."""

    def __init__(self, export: Export, settings: DocumentSettings, clock: Clock) -> None:
        self.export = export
        self._folder, self._archive = settings.folder, settings.archive / export.name.system
        self._zone, self._clock = ZoneInfo(settings.lsats_timezone), clock

    def pages(self, request: ReadRequest) -> Iterator[Page]:
        """The rows of the newest document that had arrived by the day and has not landed yet.

        Raises NothingToRead when there is none. Unusable documents stay where they are.
        """
        landed = _landed(request.hints)
        files = [file for file in self.waiting() if self._day(file) <= request.day]
        opened, older = self._newest(files, landed, request)
        if opened is None or opened.records is None:
            self._superseded(older, request)
            raise NothingToRead(self._put_away(opened, request.day))
        table, rows, surpassed = opened.records
        for remark in self._remarks(opened.file, table):
            self._log(opened.file, remark, request.remark)
        origin = {"file": opened.file.name, **({"sheet": table.sheet} if table.sheet else {})}
        # Of two with one identity the first that comes lands, the other becomes a reject: whatever
        # order the rows stand in.
        yield from _paged((row for row in rows if row[0] not in surpassed), origin)
        yield from _paged((row for row in rows if row[0] in surpassed), origin)
        request.leave_hints(
            msgspec.to_builtins(Landed(opened.sha256, opened.file.changed, opened.file.name))
        )
        form = f" ({table.form})" if table.form else ""
        request.remark(f"read {opened.file.name}{form}")
        request.after_landing(partial(self._move, opened.file, request.day))
        request.after_landing(partial(self._superseded, older, request))

    def waiting(self) -> list[FoundFile]:
        """The documents in the folder, newest first, and misnamed ones."""
        try:
            entries = list(os.scandir(self._folder))
        except OSError as error:
            raise ConfigurationError(
                f"{self.export.title}: {self._folder} cannot be read ({error.strerror});"
                " check LSATS_DATA_FOLDER"
            ) from None
        found = (self._look(entry) for entry in entries)
        files = [file for file in found if file is not None]
        return sorted(files, key=lambda file: (file.changed, file.name), reverse=True)

    def examine(self) -> Iterator[tuple[FoundFile, str]]:
        """Every waiting document with what is wrong with it, if something is."""
        for file in self.waiting():
            try:
                self._open(file, Landed())
                yield file, ""
            except MalformedSheet as error:
                yield file, str(error)

    def _look(self, entry: os.DirEntry[str]) -> FoundFile | None:
        """A file of this system; None for any other, and for one that is gone in this moment."""
        obstacle = ""
        if recognized(entry.name) != self.export.name:
            if misnamed(entry.name) != self.export.name:
                return None
            names = " or ".join(document.example for document in DOCUMENT_NAMES)
            obstacle = f"it is not recognized: name it {names}"
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            return None
        if not stat.S_ISREG(info.st_mode):
            # A link could lead anywhere, out of the folder too.
            obstacle = "it is no plain file: put the file itself there"
        now = self._clock.now()
        if from_future := info.st_mtime > now + CLOCKS_APART:
            # Of another machine's clock; this one's says when it came here.
            return FoundFile(
                Path(entry.path), min(info.st_ctime, now), _state(info), obstacle, from_future
            )
        return FoundFile(Path(entry.path), info.st_mtime, _state(info), obstacle)

    def _day(self, file: FoundFile) -> dt.date:
        return dt.datetime.fromtimestamp(file.changed, self._zone).date()

    def _newest(
        self, files: Sequence[FoundFile], landed: Landed, request: ReadRequest
    ) -> tuple[OpenedFile | None, list[FoundFile]]:
        """The newest usable file and those that it makes useless; the others stay."""
        opened, older = None, list[FoundFile]()
        for file in files:
            if file.obstacle:
                self._set_aside(file, file.obstacle, request)
            elif opened is not None or file.changed < landed.changed:
                older.append(file)
            else:
                try:
                    opened = self._open(file, landed)
                except MalformedSheet as error:
                    self._set_aside(file, str(error), request)
        return opened, older

    def _set_aside(self, file: FoundFile, cause: str, request: ReadRequest) -> None:
        overdue = self._clock.now() - file.changed > PATIENCE
        request.set_aside(SetAside(file.name, cause, overdue))
        self._log(file, f"{cause}. It stays in {self._folder} unread", request.remark)

    def _open(self, file: FoundFile, landed: Landed) -> OpenedFile:
        """The file with its records; MalformedSheet when it cannot be used."""
        if file.obstacle:
            raise MalformedSheet(file.obstacle)
        data = self._content(file)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 == landed.sha256:
            return OpenedFile(file, sha256, None)
        return OpenedFile(file, sha256, self._records(read_table(data, self.export.layout)))

    def _content(self, file: FoundFile) -> bytes:
        """All bytes of a file that nobody is writing any more."""
        age = self._clock.now() - file.changed
        if abs(age) < SETTLED:
            self._clock.sleep(SETTLED - max(age, 0.0))
        if file.state[0] > LARGEST:
            raise MalformedSheet(f"it has more than {LARGEST >> 20} MB: export it anew")
        try:
            with _plain_file(file.path) as descriptor:
                data: bytes = descriptor.read(LARGEST + 1)
                same = _state(os.fstat(descriptor.fileno())) == file.state
        except OSError as error:
            raise MalformedSheet(
                f"it cannot be read ({error.strerror}): check its rights"
            ) from None
        if not same or len(data) != file.state[0]:
            raise MalformedSheet("it is still being written; the next run looks again")
        return data

    def _records(self, table: SheetTable) -> Records:
        """All rows of a table: whatever makes it unusable is found before any of them lands."""
        rows: list[tuple[int, bytes]] = []
        best: dict[str, int] = {}  # by identity, where in `rows`
        surpassed = set[int]()
        size = 0
        for number, record in table.rows():
            try:
                identity = self.export.identify(record)
            except UnusableRecord:
                identity = None  # landing says why
            else:
                if identity is None and is_note(record.values()):
                    table.remark("no record, left out", f"row {number}")
                    continue
            rows.append((number, encoded := _ENCODE(record)))
            size += len(encoded)
            if size > LARGEST_RECORDS:
                raise MalformedSheet(
                    f"its rows hold more than {LARGEST_RECORDS >> 20} MB: export it anew, with less"
                    " in it"
                )
            if identity is None:
                continue
            before = best.setdefault(identity, len(rows) - 1)
            if before != len(rows) - 1:
                older_number, older = rows[before]
                if self._rank(record) > self._rank(_DECODE(older)):
                    best[identity], number = len(rows) - 1, older_number
                surpassed.add(number)
        return Records(table, rows, surpassed)

    def _rank(self, record: dict[str, Any]) -> tuple[dt.datetime, bytes]:
        age = self.export.age(record) or dt.datetime.min
        return age, hashlib.sha256(_SORTED(record)).digest()

    def _remarks(self, file: FoundFile, table: SheetTable) -> Iterator[str]:
        if file.from_future:
            yield "it is dated in the future: read as if it had arrived today"
        yield from table.remarks

    def _put_away(self, opened: OpenedFile | None, day: dt.date) -> str:
        if opened is None:
            return "no new file"
        self._move(opened.file, day)
        return f"no new file: {opened.file.name} holds what has landed already"

    def _superseded(self, files: Sequence[FoundFile], request: ReadRequest) -> None:
        for file in files:
            self._move(file, request.day)
            request.remark(f"{file.name} was superseded by a newer file and archived unread")

    def _move(self, file: FoundFile, day: dt.date) -> None:
        """Into the archive, unless somebody has put another file in its place meanwhile."""
        try:
            if _state(file.path.lstat()) == file.state:
                archive(file.path, self._archive / day.isoformat())
        except OSError as error:
            log.warning(
                "%s: %s could not be moved to %s (%s); the next run tries again",
                self.export.title, file.path, self._archive, error.strerror,
            )  # fmt: skip

    def _log(self, file: FoundFile, what: str, remark: Callable[[str], None]) -> None:
        log.warning("%s: %s: %s", self.export.title, file.path, what)
        remark(f"{file.name}: {what}")


@contextmanager
def connect(
    export: Export, settings: DocumentSettings, clock: Clock | None = None
) -> Iterator[Inbox]:
    """The inbox of one system; ConfigurationError when its folder does not exist."""
    if not settings.configured:
        raise ConfigurationError(f"{export.title} is not configured: {settings.remedy}")
    yield Inbox(export, settings, clock or Clock())


def probe(inbox: Inbox) -> str:
    """Look into the folder, and into what waits there."""
    found = list(inbox.examine())
    good = [file for file, cause in found if not cause]
    bad = "".join(f"; {file.name} is set aside: {cause}" for file, cause in found if cause)
    if not good:
        return f"answers; no {inbox.export.name.example} waits to be read{bad}"
    return f"answers; {len(good)} to be read, the newest is {good[0].name}{bad}"


def _paged(rows: Iterator[tuple[int, bytes]], origin: dict[str, Any]) -> Iterator[Page]:
    """Pages in which row follows row, so that the number of the first gives those of all."""
    first, records = 0, list[bytes]()
    for number, record in rows:
        if records and (number != first + len(records) or len(records) == PAGE):
            yield Page(records, None, {**origin, "row": first})
            records = []
        first = first if records else number
        records.append(record)
    if records:
        yield Page(records, None, {**origin, "row": first})


def _plain_file(path: Path) -> Any:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.fdopen(os.open(path, flags), "rb")


def _state(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_size, info.st_mtime_ns, info.st_ino


def _landed(hints: Any) -> Landed:
    try:
        return msgspec.convert(hints or {}, Landed)
    except msgspec.ValidationError:
        return Landed()
