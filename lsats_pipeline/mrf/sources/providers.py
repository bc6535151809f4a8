"""Provider groups that a file of version 1 keeps elsewhere: fetched, and put next to its tables.

 provider_references with a location ──each once──▶ download ─┬▶ provider_files/   a row a group
                                                             └▶ provider_file_rejects/

A provider reference may say `location` instead of its groups (domain/mrf.md 2.1). Others wrote the
addresses, so they go through the same policy as every file. The folders appear whole, and
a second run makes the same ones; documents that did not change are not sent again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.errors import BadFile, ConfigurationError, LsatsError
from lsats_pipeline.mrf.rows import tables
from lsats_pipeline.mrf.rows.elements import ProviderGroup
from lsats_pipeline.mrf.sources.locations import Location, located
from lsats_pipeline.mrf.sources.tables_of_contents import begin_object
from lsats_pipeline.mrf.sources.transfer import Downloads
from lsats_pipeline.mrf.text.cutting import Limits, Piece, pieces
from lsats_pipeline.mrf.text.reading import Reading
from lsats_pipeline.mrf.text.window import Window, members
from lsats_pipeline.mrf.workspace import Workspace, read, write

FOLDER, REJECTS_FOLDER = "provider_files", "provider_file_rejects"
# Rows of no span: they are from another file.
NO_SPAN = -2
_LIMITS = Limits(piece=1 << 20, largest=8 << 20)
_SHOWN = 4096
_GROUP = msgspec.json.Decoder(ProviderGroup)
REJECTS = pa.schema(
    [
        ("file", tables.WORD),
        ("provider_group_id", pa.int64()),
        ("location", pa.string()),
        ("element", pa.int64()),
        ("code", tables.WORD),
        ("reason", pa.string()),
        ("text", pa.string()),
    ]
)


class _Known(msgspec.Struct, kw_only=True):
    """What a document looked like on its server when it was fetched."""

    mark: str


@dataclass
class ProvidersFetched:
    """What came of a file's locations; rows and rejects are those of the two folders."""

    file: str
    locations: int = 0
    failed: int = 0
    groups: int = 0
    rejects: int = 0
    codes: dict[str, int] = field(default_factory=dict)


def fetch_providers(
    downloads: Downloads, home: Path, file: str, *, dry_run: bool = False
) -> ProvidersFetched:
    """Fetch the provider files of a published file; what cannot be had is a reject with its reason.

    ConfigurationError when the file is not published; Busy while it is being ingested. A dry run
    counts the locations.
    """
    workspace = Workspace(home / "exports" / "mrf", file)
    if workspace.published is None:
        raise ConfigurationError(f"{file} is not published: `lsats mrf status` lists what is")
    if dry_run:
        return ProvidersFetched(file, len(_wanted(workspace.final / "provider_references")))
    with workspace.locked():
        return _ProviderDownload(downloads, home, workspace).run()


class _ProviderDownload:
    def __init__(self, downloads: Downloads, home: Path, workspace: Workspace) -> None:
        self._downloads = downloads
        self._home = home
        self._final = workspace.final
        self._growing = workspace.folder / "providers"
        self._result = ProvidersFetched(workspace.file)

    def run(self) -> ProvidersFetched:
        shutil.rmtree(self._growing, ignore_errors=True)
        wanted = _wanted(self._final / "provider_references")
        self._result.locations = len(wanted)
        for number, (text, ids) in enumerate(sorted(wanted.items())):
            self._one(number, text, ids)
        for folder in (FOLDER, REJECTS_FOLDER):
            _swapped(self._growing / folder, self._final / folder)
        shutil.rmtree(self._growing, ignore_errors=True)
        return self._result

    def _one(self, number: int, text: str, ids: list[int]) -> None:
        """One document; a fault of it leaves none of its groups, and one reject for each number."""
        location = located(text)
        try:
            path = self._document(location)
            rows, rejects = _rows_of(path, self._result.file, location.address, ids)
        except LsatsError as error:
            code = getattr(error, "code", "") or "failed"
            self._result.failed += 1
            reason = redacted(str(error))
            rows, rejects = (
                [],
                [_reject(self._result.file, one, location.address, code, reason) for one in ids],
            )
        self._write(FOLDER, number, rows, tables.PROVIDER_REFERENCES)
        self._write(REJECTS_FOLDER, number, rejects, REJECTS)
        self._result.groups += len(rows)
        self._result.rejects += len(rejects)
        for reject in rejects:
            self._result.codes[reject["code"]] = self._result.codes.get(reject["code"], 0) + 1

    def _document(self, location: Location) -> Path:
        """Where the document is; that of a run before if its server says that it is the same."""
        if location.scheme == "file":
            return self._downloads.policy.local(location.path)
        digest = hashlib.sha256(f"{location.address}\n{location.identity}".encode()).hexdigest()
        folder = self._home / "mrf" / "providers" / digest[:32]
        document, note = folder / "document", folder / "known.json"
        known = read(note, _Known) if document.exists() else None
        got = self._downloads.download(location, folder, known.mark if known else "")
        if got is not None:
            got.path.rename(document)
            write(note, _Known(mark=got.mark))
        return document

    def _write(
        self, folder: str, number: int, rows: list[dict[str, Any]], schema: pa.Schema
    ) -> None:
        if not rows:
            return
        path = self._growing / folder / f"{number:06}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")


def _wanted(folder: Path) -> dict[str, list[int]]:
    """Each location once, with the numbers of the references that have it."""
    wanted: dict[str, list[int]] = {}
    for part in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(part).iter_batches(columns=["provider_group_id", "location"]):
            for number, location in zip(*(column.to_pylist() for column in batch), strict=True):
                if location is not None:
                    wanted.setdefault(location, []).append(number)
    return {location: sorted(set(ids)) for location, ids in wanted.items()}


def _rows_of(
    path: Path, file: str, address: str, ids: list[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of a document's groups, and rejects of those that do not fit; BadFile if it is none."""
    rows: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for element, raw in enumerate(_groups(path)):
        try:
            group = _GROUP.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = bytes(raw)[:_SHOWN].decode(errors="backslashreplace")
            rejects += [
                _reject(file, one, address, "element", str(error), element, text) for one in ids
            ]
        else:
            rows += [_row(file, one, address, element, group) for one in ids]
    return rows, rejects


def _groups(path: Path) -> Iterator[msgspec.Raw]:
    """The provider groups of a document that is proved whole."""
    window = Window(Reading(path).chunks())
    begin_object(window)
    seen = False
    for key, _ in members(window):
        if key != "provider_groups" or window.next_byte() != ord("["):
            window.skip()
            continue
        seen = True
        for found in pieces(window, _LIMITS):
            if not isinstance(found, Piece):
                raise BadFile("too_large", f"{path}: a group at byte {found.begin:,} is too large")
            yield from found.values or [msgspec.Raw(found.data)]
    if not seen:
        raise BadFile("no_groups", f"{path}: a provider file has provider_groups")
    if window.next_byte() is not None:
        raise BadFile("several_documents", f"{path}: {window.shown()} follows the document")


def _row(
    file: str, number: int, address: str, element: int, group: ProviderGroup
) -> dict[str, Any]:
    return {
        "file": file,
        "span": NO_SPAN,
        "element": element,
        "provider_group_id": number,
        "inline": False,
        "location": address,
        "npi": group.npi,
        "tin_type": group.tin.type,
        "tin_value": group.tin.value,
        "business_name": group.tin.business_name,
    }


def _reject(
    file: str, number: int, address: str, code: str, reason: str, element: int = -1, text: str = ""
) -> dict[str, Any]:
    return {"file": file, "provider_group_id": number, "location": address, "element": element,
            "code": code, "reason": reason, "text": text}  # fmt: skip


def _swapped(new: Path, final: Path) -> None:
    """The new folder in the place of the old; without rows there is none."""
    shutil.rmtree(final, ignore_errors=True)
    if new.exists():
        new.rename(final)
