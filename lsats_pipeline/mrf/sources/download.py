"""A file of the catalogue to a proved file on this disk, recorded as a version.

 locked ─▶ fetching ─▶ download, or the local file as it is ─▶ proved whole ─▶ final name ─▶ fetched
                          └─ 403: its list is read again, once    └─ damaged: kept in rejected/

LSATS_HOME/mrf/raw/<key>/<sha256[:16]>-<key>.json.gz    what a server says names nothing
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    BadFile,
    ConfigurationError,
    LsatsError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog, discovery
from lsats_pipeline.mrf.sources.archives import unpack
from lsats_pipeline.mrf.sources.catalog import CatalogEntry, FileVersion
from lsats_pipeline.mrf.sources.locations import LONGEST_STEM
from lsats_pipeline.mrf.sources.tables_of_contents import mark_of
from lsats_pipeline.mrf.sources.transfer import Downloads, FullDisk, Received, Watch, kind_of
from lsats_pipeline.mrf.text.reading import Reading, sha256_of, size_of
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

log = logging.getLogger(__name__)

_SUFFIXES = {"gzip": ".json.gz", "json": ".json", "zip": ".zip"}
# Seconds, times the tries, until a file is due again that failed in passing, or was rejected.
_AGAIN, _LONGEST = 600.0, 6 * 3600.0
_REJECTED, _LONGEST_REJECTED = 24 * 3600.0, 30 * 24 * 3600.0


@dataclass(frozen=True)
class RawFile:
    """A file that was proved whole: where it is, and the version that it is recorded as.

    `sha256` and `size` are of what was received (of a zip: the archive). `received` is False when
    it was here already, unchanged.
    """

    key: str
    path: Path
    sha256: str
    size: int
    version: FileVersion
    received: bool


@dataclass(frozen=True)
class FileProof:
    """What one pass over a whole file tells of it."""

    sha256: str
    size: int
    text: int
    members: int


def fetch(
    warehouse: Warehouse,
    settings: MrfSettings,
    home: Path,
    key: str,
    *,
    watch: Watch | None = None,
    downloads: Downloads | None = None,
) -> RawFile:
    """The newest version of a file, fetched if it is not here yet.

    Busy when another process works on it; BadFile, TransientError, Unreachable, PermanentError or
    ConfigurationError say why there is none, and so does the catalogue afterwards.
    """
    used = downloads or Downloads.of(warehouse, settings)
    with catalog.locked(warehouse, key) as connection:
        return _Download(connection, used, home, watch).fetch(catalog.known(connection, key))


def fetch_all(
    warehouse: Warehouse,
    settings: MrfSettings,
    home: Path,
    keys: Sequence[str],
    *,
    parallel: int = 4,
    watch: Watch | None = None,
) -> Iterator[tuple[str, RawFile | LsatsError]]:
    """Several files at a time, as they are done; each with what came of it.

    Whoever stops in between stops the downloads too; what has come of them is kept. A full disk
    ends it: those that were not begun stay as they are.
    """
    stoppable = _Stoppable(threading.Event(), watch)
    downloads = Downloads.of(warehouse, settings, Clock(sleep=stoppable.sleep))

    def one(key: str) -> RawFile | LsatsError:
        try:
            return fetch(warehouse, settings, home, key, watch=stoppable, downloads=downloads)
        except LsatsError as error:
            return error

    with ThreadPoolExecutor(parallel) as pool:
        running = {pool.submit(one, key): key for key in keys}
        try:
            for done in as_completed(running):
                if done.cancelled():
                    continue
                yield running[done], (result := done.result())
                if isinstance(result, FullDisk):
                    for waiting in running:
                        waiting.cancel()
        finally:
            stoppable.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class _Stoppable:
    """Passes on how far a download is, until it is stopped."""

    stopped: threading.Event
    watch: Watch | None

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until it is stopped."""
        if self.stopped.wait(seconds):
            raise TransientError(
                "stopped; what has come is kept, and the next run goes on from there"
            )

    def __call__(self, done: int, total: int) -> None:
        self.sleep(0)
        if self.watch:
            self.watch(done, total)


def prove(path: Path) -> FileProof:
    """Read a file to its last byte: CRC and length of every gzip member; BadFile when one is wrong.

    Text that is no JSON object by its first and last character is refused here already.
    """
    reading = Reading(path)
    first, last = b"", b""
    for chunk in reading.chunks():
        first = first or chunk.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        last = chunk.rstrip()[-1:] or last
    if first != b"{":
        raise BadFile("not_json", f"{path}: the text begins with {first!r}, and is no JSON object")
    if last != b"}":
        raise BadFile("incomplete", f"{path}: the text ends with {last!r}, before it is closed")
    return FileProof(reading.sha256, reading.compressed, reading.text, reading.members)


def raw_folder(home: Path, key: str) -> Path:
    """Where a file is kept: by its key alone."""
    return home / "mrf" / "raw" / key


@dataclass(frozen=True)
class _Download:
    connection: Connection
    downloads: Downloads
    home: Path
    watch: Watch | None

    def fetch(self, entry: CatalogEntry) -> RawFile:
        if entry.fault:
            raise BadFile("unsupported", f"{entry.key}: {entry.address}: {entry.fault}")
        before = catalog.latest(self.connection, entry.key)
        local = entry.scheme == "file"
        if local and not entry.due and (here := self._unchanged(entry, before)):
            return here
        catalog.abandon(self.connection)
        catalog.move_file(self.connection, entry.key, "fetching")
        with self._recorded(entry):
            raw = self._local(entry, before) if local else self._remote(entry, before)
        mark = "🆕" if raw.received else "⏭️"
        log.info("%s %s: %s bytes, sha256 %s", mark, entry.key, f"{raw.size:,}", raw.sha256[:16])
        return raw

    @contextmanager
    def _recorded(self, entry: CatalogEntry) -> Iterator[None]:
        """What comes of it goes into the catalogue, and when it is worth another try."""
        key = entry.key
        try:
            yield
        except BadFile as error:
            wait = min(_REJECTED * (entry.attempts + 1), _LONGEST_REJECTED)
            self._ended(key, "rejected", error.code, error, wait)
            raise
        except LsatsError as error:
            code = "configuration" if isinstance(error, ConfigurationError) else "failed"
            wait = min(_AGAIN * (entry.attempts + 1), _LONGEST)
            self._ended(key, "failed", code, error, wait)
            raise
        except OSError as error:
            self._ended(key, "failed", "failed", error, _AGAIN)
            raise PermanentError(
                f"{error.filename or raw_folder(self.home, key)}: {error.strerror or error}: mend"
                " that, and fetch the file again"
            ) from error
        except BaseException as error:
            self._ended(key, "failed", "stopped", error, 0)
            raise
        catalog.move_file(self.connection, key, "fetched")

    def _ended(self, key: str, state: str, code: str, error: BaseException, wait: float) -> None:
        reason = redacted(str(error) or type(error).__name__).replace("\0", "")
        catalog.move_file(self.connection, key, state, code=code, reason=reason)
        catalog.postpone(self.connection, key, wait)
        log.warning("❌ %s: %s (%s)", key, state, code)

    def _unchanged(self, entry: CatalogEntry, before: FileVersion | None) -> RawFile | None:
        """A local file that looks as it did, and whose bytes are still where they were."""
        mark = mark_of(Path(entry.address))
        if before is None or mark is None or before.mark != mark or not Path(before.path).exists():
            return None
        return _as_before(before)

    def _local(self, entry: CatalogEntry, before: FileVersion | None) -> RawFile:
        """Used where it is; only a zip is unpacked."""
        path = Path(entry.address)
        if not catalog.named_by_hand(self.connection, entry.key):
            self.downloads.policy.local(path)  # links and settings change
        size_of(path)
        mark = mark_of(path) or ""
        if here := self._unchanged(entry, before):
            catalog.settle(self.connection, entry.key, mark)
            return here
        with path.open("rb") as file:
            kind = kind_of(file.read(4096))
        try:
            if kind == "zip":
                return self._kept(entry, _received(path, "zip", mark), path)
            return self._record(entry, prove(path), path, mark)
        except BadFile:
            catalog.settle(self.connection, entry.key, mark)
            raise

    def _remote(self, entry: CatalogEntry, before: FileVersion | None) -> RawFile:
        here = before if before and Path(before.path).exists() else None
        try:
            got = self._downloaded(entry, (here.mark or "") if here else "")
        except (TransientError, Unreachable) as error:
            if here is None or entry.due:
                raise
            # Nothing says that there is a newer one; a host that is down is no reason to wait.
            log.warning("⚠️ %s: version %s is used: %s", entry.key, here.version, error)
            return _as_before(here)
        if got is None:
            assert here is not None, "only what is here can be unchanged"
            catalog.settle(self.connection, entry.key, here.mark or "")
            return _as_before(here)
        return self._kept(entry, got, got.path)

    def _downloaded(self, entry: CatalogEntry, known: str) -> Received | None:
        """Fetch; an address whose signature ended is looked up in its list again, once."""
        folder = raw_folder(self.home, entry.key)
        try:
            return self.downloads.download(entry.location, folder, known, self.watch)
        except BadFile as error:
            if error.code != "denied" or not entry.query:
                raise
            query = entry.query
            if not discovery.renew(self.connection, self.downloads, self.home, entry.key, query):
                raise _expired(entry) from None
        renewed = catalog.known(self.connection, entry.key)
        try:
            return self.downloads.download(renewed.location, folder, known, self.watch)
        except BadFile as error:
            raise (_expired(entry) if error.code == "denied" else error) from None

    def _kept(self, entry: CatalogEntry, got: Received, found: Path) -> RawFile:
        """Under its final name once it is proved whole; else among the rejected."""
        folder = raw_folder(self.home, entry.key)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{got.sha256[:16]}-{entry.key[:LONGEST_STEM]}"
        ours = found.parent == folder
        try:
            proof, ready, suffix = self._proved(got, found, folder)
        except BadFile as error:
            (folder / "unpacked.part").unlink(missing_ok=True)
            if ours:
                _quarantined(folder, found, f"{name}{_SUFFIXES[got.kind]}")
            raise BadFile(error.code, f"{entry.address}: {error}", error.offset) from None
        final = folder / f"{name}{suffix}"
        ready.rename(final)
        _synced(folder)
        (folder / "download.json").unlink(missing_ok=True)
        if ours and got.kind == "zip":
            found.unlink()
        raw = self._record(entry, replace(proof, sha256=got.sha256, size=got.size), final, got.mark)
        self._drop_older(entry.key, folder, final)
        return raw

    def _proved(self, got: Received, found: Path, folder: Path) -> tuple[FileProof, Path, str]:
        """The proof of the document, where it is, and what its name ends with."""
        if got.kind != "zip":
            proof = prove(found)
            if proof.sha256 != got.sha256:
                raise BadFile("disk", f"{found}: what was written is not what is read: a bad disk?")
            return proof, found, _SUFFIXES[got.kind]
        document = folder / "unpacked.part"
        text = unpack(found, document)
        proof = prove(document)
        if proof.text != text:
            raise BadFile("zip_size", f"the zip says {text:,} bytes, and there are {proof.text:,}")
        return proof, document, ".json.gz" if proof.members else ".json"

    def _record(self, entry: CatalogEntry, proof: FileProof, path: Path, mark: str) -> RawFile:
        before = catalog.latest(self.connection, entry.key)
        version = catalog.received(
            self.connection,
            entry.key,
            sha256=proof.sha256,
            size=proof.size,
            path=path,
            mark=mark,
        )
        new = before is None or before.version != version.version
        return RawFile(entry.key, path, proof.sha256, proof.size, version, new)

    def _drop_older(self, key: str, folder: Path, final: Path) -> None:
        """Of older versions only what is published, or being worked on, keeps its source."""
        versions = catalog.versions(self.connection, key)
        published = [one for one in versions if one.state == "published"][-1:]
        unfinished = [one for one in versions if one.state == "ingesting"]
        needed = {Path(one.path) for one in published + unfinished}
        for file in folder.iterdir():
            if file.is_file() and file != final and file not in needed:
                file.unlink()


def _as_before(version: FileVersion) -> RawFile:
    path = Path(version.path)
    return RawFile(version.key, path, version.sha256, version.size, version, received=False)


def _received(path: Path, kind: str, mark: str) -> Received:
    assert kind == "zip", "others are proved where they are"
    return Received(path, sha256_of(path), path.stat().st_size, "zip", mark)


def _expired(entry: CatalogEntry) -> BadFile:
    return BadFile(
        "expired",
        f"{entry.address}: its signature has ended, and its list has no newer one: look whether"
        " the list is published anew, then `lsats mrf find`",
    )


def _quarantined(folder: Path, found: Path, name: str) -> None:
    """The bytes that were rejected, for whoever wants to know; one of a file."""
    rejected = folder / "rejected"
    shutil.rmtree(rejected, ignore_errors=True)
    rejected.mkdir()
    found.rename(rejected / name)
    (folder / "download.json").unlink(missing_ok=True)


def _synced(folder: Path) -> None:
    """A rename is only lasting once its folder is written."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
