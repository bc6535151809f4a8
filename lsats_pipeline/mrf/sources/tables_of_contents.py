"""What a source names: a table of contents, a folder, a list of addresses, or one file.

A table of contents may have a million entries, under one plan or each under its own, so it is read
like a price file: in pieces, in any order of keys, and only when it is whole to its last byte.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from lsats_pipeline.core.errors import BadFile, ConfigurationError
from lsats_pipeline.mrf.sources.locations import Location, is_address, local, located
from lsats_pipeline.mrf.text.cutting import Limits, Piece, pieces
from lsats_pipeline.mrf.text.index import BOM
from lsats_pipeline.mrf.text.reading import Reading
from lsats_pipeline.mrf.text.window import Window, members

SourceKind = Literal["table_of_contents", "folder", "list", "file"]
FileKind = Literal["in_network", "allowed_amounts", "unknown"]
_SUFFIXES = (".json", ".json.gz", ".zip")
_MANIFEST, _PART = ".manifest.json", re.compile(r"_part-\d{5}\.json\.gz$")
_LIMITS = Limits(piece=1 << 20, largest=4 << 20)
_HEAD, _LONGEST_LINE = 4096, 64 << 10
_FILES_OF: dict[str, FileKind] = {
    "in_network_files": "in_network",
    "allowed_amount_file": "allowed_amounts",
}


class _File(msgspec.Struct):
    location: str
    description: str | None = None


class _Structure(msgspec.Struct):
    reporting_plans: list[msgspec.Raw] | None = None
    in_network_files: list[_File] | None = None
    allowed_amount_file: _File | None = None


_FILE = msgspec.json.Decoder(_File)
_STRUCTURE = msgspec.json.Decoder(_Structure)
_PLAN = msgspec.json.Decoder(dict[str, Any])
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True)
class ListingSource:
    """What somebody named: what it is, and where. `where` has its query and is secret."""

    kind: SourceKind
    where: str = field(repr=False)

    @property
    def location(self) -> Location:
        """Where it is; a fault where that is no address."""
        return located(self.where) if is_address(self.where) else local(Path(self.where))

    @property
    def name(self) -> str:
        """For people and as a key: without the query."""
        return self.location.address

    @property
    def is_local(self) -> bool:
        """Whether it is of this machine."""
        return self.location.scheme == "file"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that a source names; `group` counts the plan groups of the source, 0 is none."""

    location: Location
    kind: FileKind = "unknown"
    description: str | None = None
    group: int = 0
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of a group, as JSON; the digest tells groups of different sources apart."""

    group: int
    digest: str
    plans: str


@dataclass(frozen=True, slots=True)
class MalformedListing:
    """An entry that names nothing."""

    about: str


Entry: TypeAlias = Listed | Plans | MalformedListing


def source_named(text: str) -> ListingSource:
    """What a source is: as its prefix says (`toc:`, `list:`), else as it looks."""
    for prefix, kind in (("toc:", "table_of_contents"), ("list:", "list")):
        if text.startswith(prefix):
            return ListingSource(kind, text.removeprefix(prefix))  # type: ignore[arg-type]
    if is_address(text) and not text.lower().startswith("file:"):
        return ListingSource(_kind_by_name(located(text).address), text)
    path = located(text).path if is_address(text) else Path(text).expanduser()
    if path.is_dir():
        return ListingSource("folder", str(path))
    if not path.is_file():
        raise ConfigurationError(
            f"there is no file or folder {path}: name a table of contents, a folder, a list or a"
            " file (or an address that begins with https://)"
        )
    return ListingSource(_kind_by_content(path), str(path))


def files_of(source: ListingSource, copy: Path | None = None) -> Iterator[Entry]:
    """Everything a source names; `copy` is where the content of an address is.

    BadFile when it is damaged: a list that is not whole counts as not read.
    """
    path = copy or Path(source.where if source.is_local else "")
    if source.kind == "file":
        yield Listed(source.location, mark=mark_of(path) if source.is_local else None)
    elif source.kind == "folder":
        yield from _of_folder(path)
    elif source.kind == "list":
        yield from _of_list(path)
    else:
        yield from _of_table(path)


def mark_of(path: Path, found: os.stat_result | None = None) -> str | None:
    """What a file looks like, with one look and without reading it; None when it is not there."""
    try:
        seen = found or path.stat()
    except OSError:
        return None
    return f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ino}"


def _kind_by_name(address: str) -> SourceKind:
    name = address.rpartition("/")[2].lower()
    if name.endswith((".txt", ".lst", ".list")):
        return "list"
    contents = ("index", "table-of-contents", "table_of_contents", "toc")
    return "table_of_contents" if any(word in name for word in contents) else "file"


def _kind_by_content(path: Path) -> SourceKind:
    """By the first key that only one of them has; what cannot be read is a file with a fault."""
    if path.name.lower().endswith(".zip"):
        return "file"
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.startswith((b"\x1f\x8b", b"PK")) and head.removeprefix(BOM).lstrip()[:1] != b"{":
        return "list"
    window = Window(Reading(path).chunks())
    try:
        begin_object(window)
        for key, _ in members(window):
            if key == "reporting_structure":
                return "table_of_contents"
            if key in ("in_network", "out_of_network", "provider_references"):
                return "file"
            window.skip()
    except BadFile:
        # Whoever reads it reports what is wrong with it.
        return _kind_by_name(path.name)
    return "file"


def _of_folder(folder: Path) -> Iterator[Entry]:
    """Files that end like price files, with one stat each; none that a link leads out to."""
    root = folder.resolve()
    with os.scandir(folder) as found:
        files = sorted(found, key=lambda file: file.name)
        names = {file.name for file in files}
        for file in files:
            if _is_manifest(file.name, names):
                continue
            if not file.name.lower().endswith(_SUFFIXES) or file.name.startswith("."):
                continue
            path = Path(file.path).absolute()
            if fault := _not_to_be_read(file, root):
                yield MalformedListing(fault)
                continue
            try:
                seen = file.stat()
            except OSError:  # gone since the folder was read
                continue
            if file.is_file():
                yield Listed(local(path), mark=mark_of(path, seen))


def _is_manifest(name: str, siblings: Set[str]) -> bool:
    """Whether it describes other files there: the manifest of a generated one, or `parts.json`."""
    if name.endswith(_MANIFEST):
        return name.removesuffix(_MANIFEST) in siblings
    return name == "parts.json" and any(_PART.search(other) for other in siblings)


def _not_to_be_read(file: os.DirEntry[str], root: Path) -> str:
    """Why a file of a folder is none of ours; empty when it is."""
    if not file.path.isprintable():
        return f"{file.path!r} has a name that nobody can type"
    if file.is_symlink() and not Path(file.path).resolve().is_relative_to(root):
        return f"{file.path} is a link that leads out of the folder"
    return ""


def _of_list(path: Path) -> Iterator[Entry]:
    """An address a line; empty lines and those that begin with # are for people."""
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            text = line.decode("utf-8-sig", "replace").strip()
            if text and not text.startswith("#"):
                yield _listed(text)


def _listed(
    text: str, kind: FileKind = "unknown", about: str | None = None, group: int = 0
) -> Listed:
    location = located(text)
    mark = mark_of(location.path) if location.scheme == "file" else None
    return Listed(location, kind, about, group, mark)


def _of_table(path: Path) -> Iterator[Entry]:
    reading = Reading(path)
    window = Window(reading.chunks())
    begin_object(window)
    seen = False
    for key, _ in members(window):
        if key != "reporting_structure" or window.next_byte() != ord("["):
            window.skip()
            continue
        seen = True
        yield from _structures(window)
    if window.next_byte() is not None:
        raise BadFile("several_documents", f"{path}: {window.shown()} follows the document")
    if not seen:
        raise BadFile("not_contents", f"{path}: a table of contents has a reporting_structure")


def begin_object(window: Window) -> None:
    """Go past a byte order mark to the object of a document; BadFile when it is none."""
    window.fill(len(BOM))
    if window.data.startswith(BOM):
        window.cursor = len(BOM)
    if window.next_byte() != ord("{"):
        raise BadFile("not_json", f"one JSON object is expected, not {window.shown()}")


def _structures(window: Window) -> Iterator[Entry]:
    number = 0
    for found in pieces(window, _LIMITS):
        if isinstance(found, Piece):
            for raw in found.values:
                number += 1
                yield from _at_once(raw, number)
            if not found.values:
                yield MalformedListing(_excerpt(found.data))
        else:
            number += 1
            yield from _structure(window, number)


def _at_once(raw: msgspec.Raw, number: int) -> Iterator[Entry]:
    """The usual structure, which is small and as it should be; any other is taken apart."""
    try:
        structure = _STRUCTURE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # A value that no bracket ends has no end in a window of its own.
        if bytes(raw).startswith(b"{"):
            yield from _structure(Window(iter((bytes(raw),))), number)
        else:
            yield MalformedListing(_excerpt(bytes(raw)))
        return
    for file in structure.in_network_files or ():
        yield _listed(file.location, "in_network", file.description, number)
    if (allowed := structure.allowed_amount_file) is not None:
        yield _listed(allowed.location, "allowed_amounts", allowed.description, number)
    yield from _plan_entries(structure.reporting_plans or (), number)


def _structure(window: Window, number: int) -> Iterator[Entry]:
    """Plans and the files they share; either may come first, and either may be long."""
    if window.next_byte() != ord("{"):
        yield MalformedListing(_excerpt(window.skip()[1]))
        return
    plans: list[msgspec.Raw] = []
    for key, _ in members(window):
        if key == "reporting_plans" and window.next_byte() == ord("["):
            plans += [msgspec.Raw(bytes(raw)) for raw in _values(window)]
        elif kind := _FILES_OF.get(key):
            yield from _files(window, kind, number)
        else:
            window.skip()
    yield from _plan_entries(plans, number)


def _plan_entries(raws: Sequence[msgspec.Raw], number: int) -> Iterator[Entry]:
    """The plans of a group under their hash; what is no plan is a malformed entry."""
    plans = [_plan(raw) for raw in raws]
    for raw, plan in zip(raws, plans, strict=True):
        if not plan:
            yield MalformedListing(f"plan {_excerpt(bytes(raw))}")
    if text := ",".join(filter(None, plans)):
        yield Plans(number, hashlib.sha256(text.encode()).hexdigest()[:32], f"[{text}]")


def _plan(raw: msgspec.Raw) -> str:
    """The text of a plan as PostgreSQL takes it; empty when it is none."""
    try:
        plan = msgspec.json.encode(_PLAN.decode(raw)).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return _NUL.sub(r"\1\\ufffd", plan)


def _files(window: Window, kind: FileKind, group: int) -> Iterator[Entry]:
    """One file or an array of them, whichever it is."""
    for raw in _values(window):
        try:
            file = _FILE.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield MalformedListing(_excerpt(bytes(raw)))
        else:
            yield _listed(file.location, kind, file.description, group)


def _values(window: Window) -> Iterator[msgspec.Raw]:
    if window.next_byte() != ord("["):
        value = window.value(_LIMITS.largest)
        if value is None:
            window.skip()
        elif value != b"null":
            yield msgspec.Raw(value)
        return
    for found in pieces(window, _LIMITS):
        if isinstance(found, Piece):
            yield from found.values or [msgspec.Raw(found.data)]
        else:
            yield msgspec.Raw(window.skip()[1][:_HEAD])


def _excerpt(data: bytes) -> str:
    return data[:120].decode(errors="replace")
