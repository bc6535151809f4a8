"""Find price files: read what sources name, and bring the catalogue up to date.

 sources ──unchanged since?──▶ nothing is read
    └──changed──▶ entries ──COPY──▶ temporary tables ──merge_listed.sql──▶ mrf.files, mrf.listings

A source is taken in whole or not at all. What is in the catalogue tells new from known, so a tick
that finds nothing costs a look at each source, one at each local file, and one query.
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

from lsats_pipeline.core.errors import LsatsError, PermanentError
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog, tables_of_contents
from lsats_pipeline.mrf.sources.catalog import Due
from lsats_pipeline.mrf.sources.catalog_merge import MOST_KEYS, merge
from lsats_pipeline.mrf.sources.locations import Location, redacted
from lsats_pipeline.mrf.sources.resume import mark_of
from lsats_pipeline.mrf.sources.tables_of_contents import ListingSource, files_of, source_named
from lsats_pipeline.mrf.sources.transfer import Downloads
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

# A tick does not wait long for another look; a download whose address ended does.
_LOCK_WAIT, _RENEWAL_WAIT = 10.0, 600.0
# Of fetched files so many are looked at in a tick: five thousand a day.
_LOOKS_AT_ONCE, _LOOKING_SECONDS = 20, 20.0
# A list is read again because a signature ended at most so often.
_RENEWAL_SECONDS = 600.0


@dataclass(frozen=True)
class Looked:
    """What one source gave. `read` says whether it had to be read; an error, that it could not.

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
    """What all sources gave, and what is to be fetched now, whoever named it.

    `due` has the first MOST_KEYS.
    """

    looked: list[Looked]
    due: list[Due]
    due_count: int
    abandoned: list[str] = field(default_factory=list)

    @property
    def new(self) -> list[str]:
        """Keys of files that nobody named before."""
        return [key for one in self.looked for key in one.new]

    @property
    def changed(self) -> list[str]:
        """Keys of files that were received already, and are not the same any more."""
        return [key for one in self.looked for key in one.changed]

    @property
    def unsupported(self) -> list[str]:
        """Keys of new files that cannot be fetched."""
        return [key for one in self.looked for key in one.unsupported]

    @property
    def cursor(self) -> str:
        """The same as long as the same is due: what a sensor keeps between its ticks."""
        told = [str(self.due_count), *(one.run_key for one in self.due)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]

    @property
    def errors(self) -> list[tuple[str, LsatsError]]:
        """Sources that could not be read, and why."""
        return [(one.source, one.error) for one in self.looked if one.error]


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

    Busy when another process is looking just now. A source that cannot be read is an error in its
    report, and the others are read all the same.
    When none are named, files that were fetched some days ago are looked at too.
    `again` reads unchanged ones too; a dry run leaves the catalogue as it was.
    """
    used = downloads or Downloads.of(warehouse, settings)
    with warehouse.writer("mrf/find", wait=_LOCK_WAIT) as connection:
        looking = _Looking(connection, used, home, settings.ask_minutes, again)
        with connection.transaction(force_rollback=True) if dry_run else nullcontext():
            abandoned = catalog.abandon(connection)
            looked = [looking.look(text) for text in sources or settings.source_list]
            if not sources and not dry_run:
                looked.append(_look_at_fetched(connection, used, settings.recheck_days))
            due = catalog.due(connection, MOST_KEYS)
            return Discovery(looked, due, catalog.due_count(connection), abandoned)


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
    with downloads.hosts.warehouse.writer("mrf/find", wait=_RENEWAL_WAIT) as writing:
        looking = _Looking(writing, downloads, home, 0, again=True)
        for kind, source, query in rows:
            looking.look_at(ListingSource(kind, f"{source}?{query}" if query else source))
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
class _Before:
    """What was known of a source when it was looked at last; whether the same is allowed now."""

    mark: str | None = None
    asked_at: dt.datetime | None = None
    allowed: bool = True


@dataclass(frozen=True)
class _Looking:
    """One look at sources."""

    connection: Connection
    downloads: Downloads
    home: Path
    ask_minutes: float
    again: bool

    def look(self, text: str) -> Looked:
        """At a source as somebody wrote it."""
        try:
            source = source_named(text)
        except LsatsError as error:
            return Looked(redacted(text), error=error)
        except OSError as error:
            return Looked(
                redacted(text), error=PermanentError(f"{error.filename}: {error.strerror}")
            )
        return self.look_at(source)

    def look_at(self, source: ListingSource) -> Looked:
        """At one that is understood; an error leaves the catalogue as it was."""
        told: LsatsError
        try:
            return self._remote(source) if self._has_to_be_asked(source) else self._own(source)
        except LsatsError as error:
            told = error
        except psycopg.DataError as error:
            # Its context has whole rows, with what is secret in them.
            told = PermanentError(
                f"{source.name}: {error.diag.message_primary}: please report this"
            )
        except OSError as error:
            told = PermanentError(f"{error.filename or source.name}: {error.strerror or error}")
        self._asked(source)
        return Looked(source.name, source.kind, error=told)

    def _has_to_be_asked(self, source: ListingSource) -> bool:
        return not source.is_local and source.kind != "file"

    def _own(self, source: ListingSource) -> Looked:
        """A folder, a file, or a list on this disk."""
        mark = tables_of_contents.mark_of(Path(source.where)) if source.is_local else None
        lasting = source.kind in ("table_of_contents", "list")
        before = self._before(source)
        if lasting and not self.again and before.allowed and mark == before.mark:
            return self._unchanged(source)
        return self._taken(source, None, mark)

    def _remote(self, source: ListingSource) -> Looked:
        before = self._before(source)
        read_it = self.again or not before.allowed
        if not read_it and before.asked_at and self._asked_lately(before.asked_at):
            return self._unchanged(source)
        folder = self.home / "mrf" / "lists" / _folder_of(source.location)
        known = "" if read_it else before.mark or ""
        text = source.kind == "list"
        got = self.downloads.download(source.location, folder, known, text=text)
        if got is None:
            self._asked(source)
            return self._unchanged(source)
        try:
            return self._taken(source, got.path, got.mark)
        finally:
            shutil.rmtree(folder)

    def _before(self, source: ListingSource) -> _Before:
        row = self.connection.execute(
            "select mark, asked_at, policy = %s or policy is null from mrf.sources"
            " where source = %s",
            [self.downloads.policy.stamp, source.name],
        ).fetchone()
        return _Before(*row) if row else _Before()

    def _asked(self, source: ListingSource) -> None:
        """It was asked, and what it names is known as before; the next tick leaves it alone."""
        self.connection.execute(
            "insert into mrf.sources (source, query, kind, asked_at) values"
            " (%s, %s, %s, clock_timestamp())"
            " on conflict (source) do update set asked_at = excluded.asked_at",
            [source.name, source.location.query or None, source.kind],
        )

    def _asked_lately(self, asked_at: dt.datetime) -> bool:
        age = dt.datetime.now(dt.UTC) - asked_at
        return age < dt.timedelta(minutes=self.ask_minutes)

    def _unchanged(self, source: ListingSource) -> Looked:
        """The list is the same; the local files that it names may not be."""
        changed = _look_at_local_files(self.connection, source.name)
        counts = Counter(changed=len(changed))
        return Looked(source.name, source.kind, changed=tuple(changed), counts=counts)

    def _taken(self, source: ListingSource, copy: Path | None, mark: str | None) -> Looked:
        policy = self.downloads.policy
        with self.connection.transaction():
            merged = merge(self.connection, source, files_of(source, copy), policy)
            self.connection.execute(
                "update mrf.sources set mark = %s, policy = %s, asked_at = clock_timestamp(),"
                " read_at = clock_timestamp(), entries = %s, malformed = %s where source = %s",
                [mark, policy.stamp, merged.entries, merged.malformed, source.name],
            )
        return Looked(
            source.name, source.kind, True, merged.entries, merged.new, merged.changed,
            merged.unsupported, merged.counts, merged.faults, merged.malformed,
            tuple(merged.examples),
        )  # fmt: skip


def _look_at_fetched(connection: Connection, downloads: Downloads, days: float) -> Looked:
    """Fetched files that look different on their servers now; a few at a time are asked for.

    What a server says nothing of (no tag, date or length) cannot be told, and is left alone.
    """
    rows = connection.execute(
        "select key from mrf.files where scheme in ('https', 'http') and fault is null"
        " and taken_at is not null and mark = taken_mark and mark <> %(nothing)s"
        " and coalesce(asked_at, taken_at) < clock_timestamp() - make_interval(secs => %(age)s)"
        " and exists (select from mrf.listings l where l.key = files.key)"
        " order by coalesce(asked_at, taken_at) limit %(most)s",
        {"nothing": mark_of("", "", 0), "age": days * 86400, "most": _LOOKS_AT_ONCE if days else 0},
    ).fetchall()
    ends = time.monotonic() + _LOOKING_SECONDS
    changed = tuple(
        key
        for (key,) in rows
        if time.monotonic() < ends and _looks_different(connection, downloads, key)
    )
    counts = Counter(changed=len(changed))
    return Looked("fetched files", "files", bool(rows), len(rows), changed=changed, counts=counts)


def _looks_different(connection: Connection, downloads: Downloads, key: str) -> bool:
    entry = catalog.known(connection, key)
    mark = downloads.looks(entry.location, entry.mark or "")
    catalog.looked_at(connection, key, mark)
    return mark is not None


def _folder_of(location: Location) -> str:
    digest = hashlib.sha256(f"{location.address}\n{location.identity}".encode()).hexdigest()
    return f"{location.stem}--{digest[:12]}"


def _look_at_local_files(connection: Connection, source: str) -> list[str]:
    """Keys of the source's local files that look different from before; one stat each."""
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
