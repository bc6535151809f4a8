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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from lsats_pipeline.errors import BadFile, GiveUp, LsatsError
from lsats_pipeline.mrf import catalog
from lsats_pipeline.mrf.catalog import Due
from lsats_pipeline.mrf.downloading import Downloads
from lsats_pipeline.mrf.listing import (
    Entry,
    Listed,
    Malformed,
    Plans,
    Source,
    files_of,
    mark_of,
    source_named,
)
from lsats_pipeline.mrf.locations import Location, redacted
from lsats_pipeline.settings import MrfSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection, sql_file

_STAGE = Path(__file__).with_name("stage_listed.sql")
_MERGE = Path(__file__).with_name("merge_listed.sql")
_STAGED = ("address", "identity", "query", "scheme", "stem", "kind", "description", "fault", "mark",
           "plan_group", "digest", "plans")  # fmt: skip
_LOCK_WAIT = 600.0
# A list is read again because a signature ended at most so often.
_RENEWAL_SECONDS = 600.0
_SHOWN = 20
# A list may name millions; nobody starts so many runs at once.
MOST_KEYS = 10_000


@dataclass(frozen=True)
class Looked:
    """What one source gave. `read` says whether it had to be read; an error, that it could not.

    The keys are the first MOST_KEYS; `counts` has how many are new, changed and unsupported.
    """

    source: str
    kind: str = ""
    read: bool = False
    entries: int = 0
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    examples: tuple[str, ...] = ()
    error: LsatsError | None = None


@dataclass(frozen=True)
class Found:
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
) -> Found:
    """Read the sources (by default those of LSATS_MRF_SOURCES) that changed since.

    One that cannot be read is an error in its report, and the others are read all the same.
    `again` reads unchanged ones too; a dry run leaves the catalogue as it was.
    """
    used = downloads or Downloads.of(warehouse, settings)
    with warehouse.writer("mrf/find", wait=_LOCK_WAIT) as connection:
        looking = _Looking(connection, used, home, settings.ask_minutes, again)
        with connection.transaction(force_rollback=dry_run):
            abandoned = catalog.abandon(connection)
            looked = [looking.look(text) for text in sources or settings.source_list]
            due = catalog.due(connection, MOST_KEYS)
            return Found(looked, due, catalog.due_count(connection), abandoned)


def renew(connection: Connection, downloads: Downloads, home: Path, key: str) -> bool:
    """Read the lists of a file again; whether its address has another query now.

    For signed addresses that have ended. Of many files of one list the first reads it for all.
    """
    before = catalog.known(connection, key).query
    rows = connection.execute(
        "select s.kind, s.source, s.query from mrf.sources s where s.source in"
        " (select l.source from mrf.listings l where l.key = %s) and s.kind <> 'folder'"
        " and s.read_at < clock_timestamp() - make_interval(secs => %s)",
        [key, _RENEWAL_SECONDS],
    ).fetchall()
    with downloads.hosts.warehouse.writer("mrf/find", wait=_LOCK_WAIT) as writing:
        looking = _Looking(writing, downloads, home, 0, again=True)
        for kind, source, query in rows:
            looking.look_at(Source(kind, f"{source}?{query}" if query else source))
    return catalog.known(connection, key).query != before


def add(connection: Connection, source: str) -> str:
    """Enter a file or address that somebody named; its key."""
    where = source_named(source)
    named = Source("file", where.where)
    with connection.transaction():
        _merge(connection, named, files_of(named))
    row = connection.execute(
        "select key from mrf.files where (address, identity) = (%s, %s)",
        [named.location.address, named.location.identity],
    ).fetchone()
    assert row is not None, "it was merged just now"
    return str(row[0])


@dataclass(frozen=True)
class _Before:
    """What was known of a source when it was looked at last."""

    mark: str | None = None
    asked_at: dt.datetime | None = None


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
            return Looked(redacted(text), error=GiveUp(f"{error.filename}: {error.strerror}"))
        return self.look_at(source)

    def look_at(self, source: Source) -> Looked:
        """At one that is understood; an error leaves the catalogue as it was."""
        try:
            with self.connection.transaction():
                return self._remote(source) if self._has_to_be_asked(source) else self._own(source)
        except LsatsError as error:
            return Looked(source.name, source.kind, error=error)
        except psycopg.DataError as error:
            # Its context has whole rows, with what is secret in them.
            told = GiveUp(f"{source.name}: {error.diag.message_primary}: please report this")
            return Looked(source.name, source.kind, error=told)
        except OSError as error:
            told = GiveUp(f"{error.filename or source.name}: {error.strerror or error}")
            return Looked(source.name, source.kind, error=told)

    def _has_to_be_asked(self, source: Source) -> bool:
        return not source.is_local and source.kind != "file"

    def _own(self, source: Source) -> Looked:
        """A folder, a file, or a list on this disk."""
        mark = mark_of(Path(source.where)) if source.is_local else None
        lasting = source.kind in ("table_of_contents", "list")
        if lasting and not self.again and mark == _before(self.connection, source).mark:
            return self._unchanged(source)
        return self._taken(source, None, mark)

    def _remote(self, source: Source) -> Looked:
        before = _before(self.connection, source)
        if not self.again and before.asked_at and self._asked_lately(before.asked_at):
            return self._unchanged(source)
        folder = self.home / "mrf" / "lists" / _folder_of(source.location)
        known = "" if self.again else before.mark or ""
        got = self.downloads.download(source.location, folder, known)
        if got is None:
            self.connection.execute(
                "update mrf.sources set asked_at = clock_timestamp() where source = %s",
                [source.name],
            )
            return self._unchanged(source)
        try:
            return self._taken(source, got.path, got.mark)
        finally:
            shutil.rmtree(folder)

    def _asked_lately(self, asked_at: dt.datetime) -> bool:
        age = dt.datetime.now(dt.UTC) - asked_at
        return age < dt.timedelta(minutes=self.ask_minutes)

    def _unchanged(self, source: Source) -> Looked:
        """The list is the same; the local files that it names may not be."""
        changed = _look_at_local_files(self.connection, source.name)
        counts = Counter(changed=len(changed))
        return Looked(source.name, source.kind, changed=tuple(changed), counts=counts)

    def _taken(self, source: Source, copy: Path | None, mark: str | None) -> Looked:
        counts = _merge(self.connection, source, self._within_roots(source, files_of(source, copy)))
        self.connection.execute(
            "update mrf.sources set mark = %s, asked_at = clock_timestamp(),"
            " read_at = clock_timestamp(), entries = %s, malformed = %s where source = %s",
            [mark, counts.entries, counts.malformed, source.name],
        )
        new, changed, unsupported = map(self._merged, ("new", "changed", "unsupported"))
        rows = self.connection.execute("select what, count(*) from merged group by what").fetchall()
        return Looked(
            source.name, source.kind, True, counts.entries, new, changed, unsupported,
            Counter(dict(rows)), counts.malformed, tuple(counts.examples),
        )  # fmt: skip

    def _merged(self, what: str) -> tuple[str, ...]:
        rows = self.connection.execute(
            "select key from merged where what = %s order by key limit %s", [what, MOST_KEYS]
        ).fetchall()
        return tuple(key for (key,) in rows)

    def _within_roots(self, source: Source, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Files of this machine that a list names are wanted from the allowed folders only."""
        trusted = source.kind in ("folder", "file")
        for entry in entries:
            if trusted or not isinstance(entry, Listed) or entry.location.scheme != "file":
                yield entry
                continue
            try:
                self.downloads.policy.local(entry.location.path)
            except BadFile as error:
                yield _with_fault(entry, f"{error.code}: no folder of LSATS_MRF_ROOTS has it")
            else:
                yield entry


@dataclass
class _Counts:
    entries: int = 0
    malformed: int = 0
    examples: list[str] = field(default_factory=list)


def _merge(connection: Connection, source: Source, entries: Iterable[Entry]) -> _Counts:
    connection.execute(sql_file(_STAGE))
    connection.execute(
        "insert into mrf.sources (source, query, kind) values (%s, %s, %s)"
        " on conflict (source) do update set query = excluded.query, kind = excluded.kind",
        [source.name, source.location.query or None, source.kind],
    )
    connection.execute(
        "insert into listed_source values (%s, %s)", [source.name, source.kind == "folder"]
    )
    counts = _copied(connection, entries)
    connection.execute(sql_file(_MERGE))
    return counts


def _copied(connection: Connection, entries: Iterable[Entry]) -> _Counts:
    """Into the temporary table, as they come: a list may be longer than memory."""
    counts = _Counts()
    names = sql.SQL(", ").join(map(sql.Identifier, _STAGED))
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy listed ({}) from stdin").format(names)) as copy,
    ):
        for entry in entries:
            if isinstance(entry, Malformed):
                counts.malformed += 1
                if len(counts.examples) < _SHOWN:
                    counts.examples.append(redacted(entry.about))
            else:
                counts.entries += isinstance(entry, Listed)
                copy.write_row(_row(entry))
    return counts


def _row(entry: Listed | Plans) -> tuple[object, ...]:
    if isinstance(entry, Plans):
        return (*[None] * 9, entry.group, entry.digest, entry.plans)
    at = entry.location
    missing = at.scheme == "file" and not at.fault and entry.mark is None
    fault = "missing: no such file" if missing else at.fault
    about = (entry.description or "").replace("\0", "\ufffd")
    return (at.address, at.identity, at.query or None, at.scheme, at.stem, entry.kind,
            about or None, fault or None, entry.mark, entry.group, None, None)  # fmt: skip


def _with_fault(entry: Listed, fault: str) -> Listed:
    at = entry.location
    location = Location(at.address, at.scheme, at.stem, at.query, at.identity, fault)
    return Listed(location, entry.kind, entry.description, entry.group, entry.mark)


def _before(connection: Connection, source: Source) -> _Before:
    row = connection.execute(
        "select mark, asked_at from mrf.sources where source = %s", [source.name]
    ).fetchone()
    return _Before(*row) if row else _Before()


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
        (key, now) for key, address, before in rows if (now := mark_of(Path(address))) != before
    ]
    for key, now in differing:
        connection.execute(
            "update mrf.files set mark = coalesce(%s, mark), retry_at = null, fault ="
            " case when %s::text is null then 'missing: no such file' end where key = %s",
            [now, now, key],
        )
    return [key for key, now in differing if now]
