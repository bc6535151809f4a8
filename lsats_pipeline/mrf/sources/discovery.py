"""Find price files: read what sources name, and bring the catalogue up to date.

 sources ──unchanged since?──▶ nothing is read
    └──changed──▶ entries ──COPY──▶ temporary tables ──merge_listed.sql──▶ mrf.files, mrf.listings

A source is merged whole or not at all. The catalogue tells new from known, so a tick that finds
nothing costs one check of each source, one stat of each local file, and one query.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.errors import LsatsError, PermanentError
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog, tables_of_contents
from lsats_pipeline.mrf.sources.catalog import Due
from lsats_pipeline.mrf.sources.catalog_merge import MOST_KEYS, merge
from lsats_pipeline.mrf.sources.locations import Location
from lsats_pipeline.mrf.sources.resume import mark_of
from lsats_pipeline.mrf.sources.tables_of_contents import ListingSource, files_of, source_named
from lsats_pipeline.mrf.sources.transfer import Downloads
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

# A tick does not wait long for another reader; a download whose address has expired does.
_LOCK_WAIT, _RENEWAL_WAIT = 10.0, 600.0
# So many fetched files are checked in a tick: five thousand a day.
_RECHECKS_PER_TICK, _RECHECK_SECONDS = 20, 20.0
# A list is read again because a signature ended at most so often.
_RENEWAL_SECONDS = 600.0


@dataclass(frozen=True)
class SourceResult:
    """The result of one source. `read`: whether it had to be read; `error`: why it could not be.

    The keys are the first MOST_KEYS; `counts` has how many are new, changed and unsupported,
    `faults` how many of all that it names cannot be fetched, by the reason.
    """

    source: str
    kind: str = ""
    read: bool = False
    entries: int = 0
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    malformed: int = 0
    examples: tuple[str, ...] = ()
    error: LsatsError | None = None


@dataclass(frozen=True)
class Discovery:
    """The results of all sources, and what is to be fetched now, whoever named it.

    `due` has the first MOST_KEYS.
    """

    results: list[SourceResult]
    due: list[Due]
    due_count: int
    abandoned: list[str] = field(default_factory=list)

    @property
    def new(self) -> list[str]:
        """Keys of files that nobody named before."""
        return [key for one in self.results for key in one.new]

    @property
    def changed(self) -> list[str]:
        """Keys of files that were received already, and are not the same any more."""
        return [key for one in self.results for key in one.changed]

    @property
    def unsupported(self) -> list[str]:
        """Keys of new files that cannot be fetched."""
        return [key for one in self.results for key in one.unsupported]

    @property
    def cursor(self) -> str:
        """The same as long as the same is due: what a sensor keeps between its ticks."""
        content = [str(self.due_count), *(one.run_key for one in self.due)]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:32]

    @property
    def errors(self) -> list[tuple[str, LsatsError]]:
        """Sources that could not be read, and why."""
        return [(one.source, one.error) for one in self.results if one.error]


def find(
    warehouse: Warehouse,
    settings: MrfSettings,
    home: Path,
    sources: Sequence[str] = (),
    *,
    downloads: Downloads | None = None,
    again: bool = False,
    dry_run: bool = False,
) -> Discovery:
    """Read the sources (by default those of LSATS_MRF_SOURCES) that changed since.

    Busy when another process is reading sources. A source that cannot be read is an error in its
    report, and the others are read all the same.
    When none are named, files that were fetched some days ago are checked too.
    `again` reads unchanged ones too; a dry run leaves the catalogue as it was.
    """
    used = downloads or Downloads.of(warehouse, settings)
    with warehouse.writer("mrf/find", wait=_LOCK_WAIT) as connection:
        reader = _SourceReader(connection, used, home, settings.ask_minutes, again)
        with connection.transaction(force_rollback=True) if dry_run else nullcontext():
            abandoned = catalog.abandon(connection)
            results = [reader.read_named(text) for text in sources or settings.source_list]
            if not sources and not dry_run:
                results.append(_recheck_fetched(connection, used, settings.recheck_days))
            due = catalog.due(connection, MOST_KEYS)
            return Discovery(results, due, catalog.due_count(connection), abandoned)


def renew(
    connection: Connection, downloads: Downloads, home: Path, key: str, used: str | None
) -> bool:
    """Read the lists of a file again; whether its address has another query than the used one.

    For signed addresses that have ended. Of many files of one list the first reads it for all.
    """
    rows = connection.execute(
        "select s.kind, s.source, s.query from mrf.sources s where s.source in"
        " (select l.source from mrf.listings l where l.key = %s) and s.kind <> 'folder'"
        " and s.read_at < clock_timestamp() - make_interval(secs => %s)",
        [key, _RENEWAL_SECONDS],
    ).fetchall()
    with downloads.breaker.warehouse.writer("mrf/find", wait=_RENEWAL_WAIT) as writer:
        reader = _SourceReader(writer, downloads, home, 0, again=True)
        for kind, source, query in rows:
            reader.read(ListingSource(kind, f"{source}?{query}" if query else source))
    return catalog.known(connection, key).query != used


def add(connection: Connection, source: str) -> str:
    """Enter a file or address that somebody named; its key."""
    where = source_named(source)
    named = ListingSource("file", where.where)
    with connection.transaction():
        merge(connection, named, files_of(named))
    row = connection.execute(
        "select key from mrf.files where (address, identity) = (%s, %s)",
        [named.location.address, named.location.identity],
    ).fetchone()
    assert row is not None, "it was merged just now"
    return str(row[0])


@dataclass(frozen=True)
class _LastRead:
    """The state of a source when it was last read; whether the policy is still the same."""

    mark: str | None = None
    asked_at: dt.datetime | None = None
    allowed: bool = True


@dataclass(frozen=True)
class _SourceReader:
    """Reads sources into the catalogue."""

    connection: Connection
    downloads: Downloads
    home: Path
    ask_minutes: float
    again: bool

    def read_named(self, text: str) -> SourceResult:
        """Read a source as somebody wrote it."""
        try:
            source = source_named(text)
        except LsatsError as error:
            return SourceResult(redacted(text), error=error)
        except OSError as error:
            return SourceResult(
                redacted(text), error=PermanentError(f"{error.filename}: {error.strerror}")
            )
        return self.read(source)

    def read(self, source: ListingSource) -> SourceResult:
        """Read a source; an error leaves the catalogue as it was."""
        failure: LsatsError
        try:
            return (
                self._read_remote(source)
                if self._is_remote_list(source)
                else self._read_local(source)
            )
        except LsatsError as error:
            failure = error
        except psycopg.DataError as error:
            # Its context has whole rows, with what is secret in them.
            failure = PermanentError(
                f"{source.name}: {error.diag.message_primary}: please report this"
            )
        except OSError as error:
            failure = PermanentError(f"{error.filename or source.name}: {error.strerror or error}")
        self._record_asked(source)
        return SourceResult(source.name, source.kind, error=failure)

    def _is_remote_list(self, source: ListingSource) -> bool:
        return not source.is_local and source.kind != "file"

    def _read_local(self, source: ListingSource) -> SourceResult:
        """A folder, a file, or a list on this disk."""
        mark = tables_of_contents.mark_of(Path(source.where)) if source.is_local else None
        lasting = source.kind in ("table_of_contents", "list")
        before = self._before(source)
        if lasting and not self.again and before.allowed and mark == before.mark:
            return self._unchanged(source)
        return self._merge(source, None, mark)

    def _read_remote(self, source: ListingSource) -> SourceResult:
        before = self._before(source)
        read_it = self.again or not before.allowed
        if not read_it and before.asked_at and self._asked_recently(before.asked_at):
            return self._unchanged(source)
        folder = self.home / "mrf" / "lists" / _folder_of(source.location)
        known = "" if read_it else before.mark or ""
        text = source.kind == "list"
        got = self.downloads.download(source.location, folder, known, text=text)
        if got is None:
            self._record_asked(source)
            return self._unchanged(source)
        try:
            return self._merge(source, got.path, got.mark)
        finally:
            shutil.rmtree(folder)

    def _before(self, source: ListingSource) -> _LastRead:
        row = self.connection.execute(
            "select mark, asked_at, policy = %s or policy is null from mrf.sources"
            " where source = %s",
            [self.downloads.policy.stamp, source.name],
        ).fetchone()
        return _LastRead(*row) if row else _LastRead()

    def _record_asked(self, source: ListingSource) -> None:
        """It was asked, and what it names is known as before; the next tick leaves it alone."""
        self.connection.execute(
            "insert into mrf.sources (source, query, kind, asked_at) values"
            " (%s, %s, %s, clock_timestamp())"
            " on conflict (source) do update set asked_at = excluded.asked_at",
            [source.name, source.location.query or None, source.kind],
        )

    def _asked_recently(self, asked_at: dt.datetime) -> bool:
        age = dt.datetime.now(dt.UTC) - asked_at
        return age < dt.timedelta(minutes=self.ask_minutes)

    def _unchanged(self, source: ListingSource) -> SourceResult:
        """The list is the same; the local files that it names may not be."""
        changed = _recheck_local_files(self.connection, source.name)
        counts = Counter(changed=len(changed))
        return SourceResult(source.name, source.kind, changed=tuple(changed), counts=counts)

    def _merge(self, source: ListingSource, copy: Path | None, mark: str | None) -> SourceResult:
        policy = self.downloads.policy
        with self.connection.transaction():
            merged = merge(self.connection, source, files_of(source, copy), policy)
            self.connection.execute(
                "update mrf.sources set mark = %s, policy = %s, asked_at = clock_timestamp(),"
                " read_at = clock_timestamp(), entries = %s, malformed = %s where source = %s",
                [mark, policy.stamp, merged.entries, merged.malformed, source.name],
            )
        return SourceResult(
            source.name, source.kind, True, merged.entries, merged.new, merged.changed,
            merged.unsupported, merged.counts, merged.faults, merged.malformed,
            tuple(merged.examples),
        )  # fmt: skip


def _recheck_fetched(connection: Connection, downloads: Downloads, days: float) -> SourceResult:
    """Fetched files that are different on their servers now; a few at a time are checked.

    Without a tag, date or length from the server no change can be detected: those are skipped.
    """
    rows = connection.execute(
        "select key from mrf.files where scheme in ('https', 'http') and fault is null"
        " and taken_at is not null and mark = taken_mark and mark <> %(nothing)s"
        " and coalesce(asked_at, taken_at) < clock_timestamp() - make_interval(secs => %(age)s)"
        " and exists (select from mrf.listings l where l.key = files.key)"
        " order by coalesce(asked_at, taken_at) limit %(most)s",
        {
            "nothing": mark_of("", "", 0),
            "age": days * 86400,
            "most": _RECHECKS_PER_TICK if days else 0,
        },
    ).fetchall()
    ends = time.monotonic() + _RECHECK_SECONDS
    changed = tuple(
        key
        for (key,) in rows
        if time.monotonic() < ends and _changed_at_source(connection, downloads, key)
    )
    counts = Counter(changed=len(changed))
    return SourceResult(
        "fetched files", "files", bool(rows), len(rows), changed=changed, counts=counts
    )


def _changed_at_source(connection: Connection, downloads: Downloads, key: str) -> bool:
    entry = catalog.known(connection, key)
    mark = downloads.changed_mark(entry.location, entry.mark or "")
    catalog.record_check(connection, key, mark)
    return mark is not None


def _folder_of(location: Location) -> str:
    digest = hashlib.sha256(f"{location.address}\n{location.identity}".encode()).hexdigest()
    return f"{location.stem}--{digest[:12]}"


def _recheck_local_files(connection: Connection, source: str) -> list[str]:
    """Keys of the source's local files that have changed; one stat each."""
    rows = connection.execute(
        "select key, address, mark from mrf.files f where scheme = 'file'"
        " and (fault is null or fault like 'missing%%')"
        " and exists (select from mrf.listings l where l.key = f.key and l.source = %s)",
        [source],
    ).fetchall()
    differing = [
        (key, now)
        for key, address, before in rows
        if (now := tables_of_contents.mark_of(Path(address))) != before
    ]
    for key, now in differing:
        connection.execute(
            "update mrf.files set mark = coalesce(%s, mark), retry_at = null, fault ="
            " case when %s::text is null then 'missing: no such file' end where key = %s",
            [now, now, key],
        )
    return [key for key, now in differing if now]
