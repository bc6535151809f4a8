"""Where the results of a file are written, and where they are published.

exports/mrf/<file>/          published in one step: a folder per table, file.json, index.json
exports/mrf/.work/<file>/    in progress: begun.json, index.json when it is whole, done/ (a note per
                             span), out/ (to be published)
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from lsats_pipeline.core.errors import Busy, ConfigurationError
from lsats_pipeline.mrf.text.index import Index
from lsats_pipeline.mrf.text.reading import sha256_of

S = TypeVar("S", bound=msgspec.Struct)
_SUFFIXES = re.compile(r"\.(json|gz|gzip)$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 120
# A change of what a row is makes published files outdated: the next run ingests them again.
LAYOUT = 3


class Identity(msgspec.Struct, kw_only=True, frozen=True):
    """A file as it was found; by size, time and inode it is known again without reading it."""

    path: str
    size: int
    modified: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Identity:
        """As it is now."""
        found = path.stat()
        return cls(
            path=str(path.absolute()),
            size=found.st_size,
            modified=found.st_mtime_ns,
            inode=found.st_ino,
        )

    def is_still(self, sha256: str) -> bool:
        """Whether the file still has this content; reads it only when it looks touched."""
        path = Path(self.path)
        if not path.is_file():
            return False
        now = Identity.of(path)
        return now == self or (now.size == self.size and sha256_of(path) == sha256)


class Sums(msgspec.Struct, kw_only=True):
    """Counts of one span or of a whole file; `cents` are of rates, `allowed_cents` of payments."""

    values: int = 0
    taken: int = 0
    rejected: int = 0
    rows: dict[str, int] = {}
    cents: int = 0
    allowed_cents: int = 0
    npis: int = 0

    def __add__(self, other: Sums) -> Sums:
        numbers = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__struct_fields__
            if name != "rows"
        }
        names = [*self.rows, *(name for name in other.rows if name not in self.rows)]
        rows = {name: self.rows.get(name, 0) + other.rows.get(name, 0) for name in names}
        return Sums(**numbers, rows=rows)


class Work(msgspec.Struct, kw_only=True):
    """A file in progress: what it was when it was indexed."""

    layout: int
    source: Identity
    index: Index


class Begun(msgspec.Struct, kw_only=True):
    """What notes and parts are of, before there is an index."""

    layout: int
    source: Identity


class FileFailure(msgspec.Struct, kw_only=True):
    """Why a file was left out."""

    source: str
    code: str
    message: str


class Published(msgspec.Struct, kw_only=True):
    """What is known of an ingested file."""

    layout: int
    file: str
    source: Identity
    sha256: str
    text: int
    version: str
    reporting_entity: str
    last_updated_on: str
    elements: dict[str, int]
    spans: int
    sums: Sums
    notes: list[str]


D = TypeVar("D", Work, Published)


class Workspace:
    """The folders of one file."""

    def __init__(self, exports: Path, file: str) -> None:
        self.file = file
        self.final = exports / file
        self.folder = exports / ".work" / file
        self.done = self.folder / "done"
        self.out = self.folder / "out"
        self.inline = self.folder / "inline"

    @property
    def work(self) -> Work | None:
        """The index, when there is one of this layout."""
        return _of_this_layout(read(self.folder / "index.json", Work))

    @property
    def published(self) -> Published | None:
        """What is published, when it is of this layout."""
        return _of_this_layout(read(self.final / "file.json", Published))

    @property
    def published_work(self) -> Work | None:
        """The index of what is published."""
        return _of_this_layout(read(self.final / "index.json", Work))

    @property
    def failure(self) -> FileFailure | None:
        """Why the last run failed."""
        return read(self.folder / "failure.json", FileFailure)

    def note(self, span: int) -> Path:
        """Where the note of a span is, once it is done."""
        return self.done / f"{span:06}.json"

    def part(self, folder: str, span: int) -> Path:
        """Where a span's rows of a table are."""
        root = self.inline if folder == "inline" else self.out / folder
        return root / f"part-{span:06}.parquet"

    def begin(self, source: Identity) -> None:
        """Start with this file; what a run before has done of the same one stays."""
        begun = Begun(layout=LAYOUT, source=source)
        if read(self.folder / "begun.json", Begun) != begun:
            self.clear()
        for folder in (self.done, self.out, self.inline):
            folder.mkdir(parents=True, exist_ok=True)
        for temporary in self.folder.rglob("*.tmp"):
            temporary.unlink()
        done = {path.stem for path in self.done.glob("*.json")}
        for part in self.folder.rglob("part-*.parquet"):
            if part.stem.removeprefix("part-") not in done:
                part.unlink()
        write(self.folder / "begun.json", begun)

    @property
    def begun(self) -> bool:
        """Whether a run has begun that is not finished."""
        return (self.folder / "begun.json").exists()

    def keep(self, work: Work) -> None:
        """The index is whole."""
        write(self.folder / "index.json", work)

    def forget(self, span: int) -> None:
        """Take away what a span gave."""
        self.note(span).unlink(missing_ok=True)
        for part in self.folder.rglob(f"part-{span:06}.parquet"):
            part.unlink()

    def clear(self) -> None:
        """Take away what grew; what is published stays."""
        for found in self.folder.glob("*"):
            if found.is_dir():
                shutil.rmtree(found)
            elif found.name != "lock":
                found.unlink()

    def swap(self) -> None:
        """Publish `out` in one step; what was there is kept until the new one is."""
        before = self.folder / "before"
        if self.final.exists():
            if before.exists():
                shutil.rmtree(before)
            self.final.rename(before)
        self.out.rename(self.final)
        self.clear()

    def recover(self) -> None:
        """A run that died between the two renames of `swap` left the old version aside."""
        before = self.folder / "before"
        if before.exists():
            if self.final.exists():
                shutil.rmtree(before)
            else:
                before.rename(self.final)

    def fail(self, failure: FileFailure) -> None:
        """Keep the reason alone."""
        self.clear()
        write(self.folder / "failure.json", failure)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One run at a time works on a file."""
        with lock(self.folder, self.file):
            yield


def _of_this_layout(found: D | None) -> D | None:
    return found if found and found.layout == LAYOUT else None


@contextmanager
def lock(folder: Path, what: str) -> Iterator[None]:
    """One run at a time works in a folder; the lock goes with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{what} is in use by another run") from None
        yield


def name_for(path: Path) -> str:
    """The name under which a file is kept: its own, as far as that is safe in a path."""
    name = path.name
    while stem := _SUFFIXES.sub("", name):
        if stem == name:
            break
        name = stem
    safe = _UNSAFE.sub("_", name).strip("._-")[:_LONGEST]
    if not safe:
        raise ConfigurationError(f"{path.name!r} gives no name for a folder: say one with --name")
    return safe


def write(path: Path, value: msgspec.Struct) -> None:
    """A JSON file that is there whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def read(path: Path, kind: type[S]) -> S | None:
    """Such a file; None when there is none, or one of another make."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
