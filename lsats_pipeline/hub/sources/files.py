"""Transport of documents: exports that people or jobs drop into a folder.

    folder ── by name ──▶ arrived by the day, newest first ──▶ whole and well-formed? ──▶ pages
                 │                     │                        no: left alone, logged      │
                 ▼                     └── older ones: superseded ──┐                     landed
           others are not ours                                      ▼                       ▼
                                                    LSATS_HOME/archive/<system>/<day>/  <── moved

Arrival is the file's own time of change. What was read last is known by the sha256 of its content,
so a file that was copied twice, or that a killed run left behind, is moved but not read again.
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
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.sources.archive import archive
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.source import NothingToRead, Page, ReadRequest
from lsats_pipeline.hub.sources.spreadsheets import MalformedSheet, Row, SheetTable

log = logging.getLogger(__name__)

SETTLED = 3.0  # seconds without a change after which a file counts as copied
LARGEST = 256 << 20  # bytes; a larger file is no export
PAGE = 1000

_ENCODE = msgspec.json.Encoder().encode
_SORTED = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True)
class Export:
    """What the documents of one system look like.

    `pattern`: their names, whatever the case. `table` reads one or raises MalformedSheet.
    `identify`: the identity of a record. `age`: of two records with one identity the greater age is
    the newer.
    """

    system: str
    title: str
    pattern: str
    table: Callable[[bytes], SheetTable]
    identify: Callable[[dict[str, Any]], str | None]
    age: Callable[[dict[str, Any]], str]


class FoundFile(NamedTuple):
    """A file as it was found; `state` shows whether it is still the same."""

    path: Path
    changed: float
    state: tuple[int, int, int]

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self.path.name


class OpenedFile(NamedTuple):
    """A file with its content."""

    file: FoundFile
    sha256: str
    table: SheetTable | None  # None: this content has landed already


class Landed(msgspec.Struct):
    """What a complete read leaves for the next: the content that landed, and its arrival."""

    sha256: str = ""
    changed: float = 0.0
    file: str = ""


class Inbox:
    """The folder as one system's documents see it."""

    def __init__(self, export: Export, settings: DocumentSettings, clock: Clock) -> None:
        self.export = export
        self._folder, self._archive = settings.folder, settings.archive / export.system
        self._zone, self._clock = ZoneInfo(settings.lsats_timezone), clock

    def pages(self, request: ReadRequest) -> Iterator[Page]:
        """The rows of the newest document that had arrived by the day and has not landed yet.

        Raises NothingToRead when there is none. Unusable documents stay where they are.
        """
        landed = _landed(request.hints)
        files = [file for file in self.waiting() if self._day(file) <= request.day]
        opened, older = self._newest(files, landed, request.remark)
        if opened is None or opened.table is None:
            self._superseded(older, request)
            raise NothingToRead(self._put_away(opened, request.day))
        for remark in opened.table.remarks:
            self._log(opened.file, remark, request.remark)
        yield from self._rows(opened.file, opened.table)
        request.leave_hints(
            msgspec.to_builtins(Landed(opened.sha256, opened.file.changed, opened.file.name))
        )
        request.remark(f"read {opened.file.name}")
        request.after_landing(partial(self._move, opened.file, request.day))
        request.after_landing(partial(self._superseded, older, request))

    def waiting(self) -> list[FoundFile]:
        """The documents in the folder, newest first."""
        try:
            entries = list(os.scandir(self._folder))
        except OSError as error:
            raise ConfigurationError(
                f"{self.export.title}: {self._folder} cannot be read ({error.strerror});"
                " check LSATS_DATA_FOLDER"
            ) from None
        found = (self._look(entry) for entry in entries if self._is_named_so(entry.name))
        files = [file for file in found if file is not None]
        return sorted(files, key=lambda file: (file.changed, file.name), reverse=True)

    def _is_named_so(self, name: str) -> bool:
        """Office programs lock with `~$name`, others copy to `.name.part`: none of ours."""
        return fnmatch(name.lower(), self.export.pattern) and not name.startswith((".", "~"))

    def _look(self, entry: os.DirEntry[str]) -> FoundFile | None:
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:
            return None  # gone in this moment
        if not stat.S_ISREG(info.st_mode):
            # A link could lead anywhere, out of the folder too.
            log.warning("%s: %s is no plain file and is not read", self.export.title, entry.path)
            return None
        return FoundFile(Path(entry.path), info.st_mtime, _state(info))

    def _day(self, file: FoundFile) -> dt.date:
        return dt.datetime.fromtimestamp(file.changed, self._zone).date()

    def _newest(
        self, files: Sequence[FoundFile], landed: Landed, remark: Callable[[str], None]
    ) -> tuple[OpenedFile | None, list[FoundFile]]:
        """The newest usable file and those that it makes useless; the others stay."""
        for number, file in enumerate(files):
            if file.changed < landed.changed:
                return None, list(files[number:])
            try:
                return self._open(file, landed), list(files[number + 1 :])
            except MalformedSheet as error:
                self._log(file, f"{error}. It stays in {self._folder} unread", remark)
        return None, []

    def _open(self, file: FoundFile, landed: Landed) -> OpenedFile:
        data = self._content(file)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 == landed.sha256:
            return OpenedFile(file, sha256, None)
        return OpenedFile(file, sha256, self.export.table(data))

    def _content(self, file: FoundFile) -> bytes:
        """All bytes of a file that nobody is writing any more."""
        age = self._clock.now() - file.changed
        if abs(age) < SETTLED:
            self._clock.sleep(SETTLED - max(age, 0.0))
        try:
            with _plain_file(file.path) as descriptor:
                if file.state[0] > LARGEST:
                    raise MalformedSheet(f"it has more than {LARGEST >> 20} MB")
                data: bytes = descriptor.read()
                same = _state(os.fstat(descriptor.fileno())) == file.state
        except OSError as error:
            raise MalformedSheet(f"it cannot be read ({error.strerror})") from None
        if not same or len(data) != file.state[0]:
            raise MalformedSheet("it is still being written; the next run looks again")
        return data

    def _rows(self, file: FoundFile, table: SheetTable) -> Iterator[Page]:
        """Pages of rows that follow each other; of two with one identity the newer comes first.

        The first of them lands, the other becomes a reject: whatever order the rows stand in.
        """
        surpassed = self._surpassed(table)
        origin = {"file": file.name, **({"sheet": table.sheet} if table.sheet else {})}
        chosen = (row for row in table.rows() if row[0] not in surpassed)
        yield from _paged(chosen, origin)
        if surpassed:
            yield from _paged((row for row in table.rows() if row[0] in surpassed), origin)

    def _surpassed(self, table: SheetTable) -> set[int]:
        best: dict[str, tuple[tuple[str, bytes], int]] = {}
        surpassed = set()
        for number, record in table.rows():
            if (identity := self.export.identify(record)) is None:
                continue
            rank = (self.export.age(record), hashlib.sha256(_SORTED(record)).digest())
            before = best.setdefault(identity, (rank, number))
            if before[1] != number:
                surpassed.add(min(before, (rank, number))[1])
                best[identity] = max(before, (rank, number))
        return surpassed

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
    """Look into the folder."""
    files = inbox.waiting()
    if not files:
        return f"answers; no {inbox.export.pattern} waits to be read"
    return f"answers; {len(files)} to be read, the newest is {files[0].name}"


def _paged(rows: Iterator[Row], origin: dict[str, Any]) -> Iterator[Page]:
    """Pages in which row follows row, so that the number of the first gives those of all."""
    first, records = 0, list[bytes]()
    for number, record in rows:
        if records and (number != first + len(records) or len(records) == PAGE):
            yield Page(records, None, {**origin, "row": first})
            records = []
        first = first if records else number
        records.append(_ENCODE(record))
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
