"""The catalogue of price files: what lists name, the versions received, and the state of each.

 a file      found ─▶ fetching ─▶ fetched | failed | rejected | abandoned ─▶ fetching again
 a version   received ─▶ ingesting ─▶ published | rejected | failed | abandoned ─▶ ingesting again
                 └─▶ same: these bytes are published under another key already

States are of the catalogue, never of file names; a step that is not drawn here is refused. Whoever
fetches or ingests holds the lock of the key; without it, `at work` means that a process died.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from psycopg import sql
from psycopg.rows import class_row

from lsats_pipeline.core.errors import ConfigurationError, PermanentError
from lsats_pipeline.mrf.sources.locations import Location, Scheme
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

T = TypeVar("T")

FILE_STEPS: dict[str, set[str]] = {
    "found": {"fetching"},
    "fetching": {"fetched", "failed", "rejected", "abandoned"},
    "fetched": {"fetching"},
    "failed": {"fetching"},
    "rejected": {"fetching"},
    "abandoned": {"fetching"},
    "unsupported": set(),
}
VERSION_STEPS: dict[str, set[str]] = {
    "received": {"ingesting", "same", "rejected"},
    "ingesting": {"published", "rejected", "failed", "abandoned"},
    "published": {"ingesting"},
    "same": {"ingesting"},
    "rejected": {"ingesting"},
    "failed": {"ingesting"},
    "abandoned": {"ingesting"},
}


@dataclass(frozen=True)
class CatalogEntry:
    """A file as the catalogue knows it. `query` is secret: for the request alone."""

    key: str
    address: str
    identity: str
    query: str | None = field(repr=False)
    scheme: Scheme
    kind: str
    description: str | None
    fault: str | None
    state: str
    code: str | None
    reason: str | None
    mark: str | None
    taken_mark: str | None
    taken_at: dt.datetime | None
    attempts: int
    retry_at: dt.datetime | None
    changed_at: dt.datetime
    first_seen: dt.datetime
    last_seen: dt.datetime

    @property
    def url(self) -> str:
        """With its query."""
        return f"{self.address}?{self.query}" if self.query else self.address

    @property
    def location(self) -> Location:
        """Where it is."""
        return Location(self.address, self.scheme, self.key, self.query or "", self.identity)

    @property
    def due(self) -> bool:
        """Whether there is something to fetch: nothing was yet, or it changed since."""
        return not self.fault and (self.taken_at is None or self.mark != self.taken_mark)


@dataclass(frozen=True)
class FileVersion:
    """One content of a file, and its state. `path` is where its bytes are."""

    key: str
    version: int
    sha256: str
    size: int
    path: str
    received_at: dt.datetime
    mark: str | None
    state: str
    code: str | None
    reason: str | None
    same_as_key: str | None
    same_as_version: int | None
    changed_at: dt.datetime


@dataclass(frozen=True)
class Due:
    """A file to be fetched; `run_key` tells this try from those of other versions, and before."""

    key: str
    run_key: str


@contextmanager
def locked(warehouse: Warehouse, key: str, wait: float = 0.0) -> Iterator[Connection]:
    """The connection (in autocommit) of the one process that works on a file; else Busy."""
    with warehouse.writer(f"mrf/{key}", wait=wait) as connection:
        yield connection


def entry(connection: Connection, key: str) -> CatalogEntry | None:
    """A file by its key."""
    return _first(connection, CatalogEntry, "mrf.files where key = %s", [key])


def known(connection: Connection, key: str) -> CatalogEntry:
    """The same; ConfigurationError when there is none."""
    found = entry(connection, key)
    if found is None:
        raise ConfigurationError(
            f"no price file has the key {key!r}: `lsats mrf status` lists them"
        )
    return found


def handled(connection: Connection) -> list[CatalogEntry]:
    """Every file that somebody tried to fetch, by key."""
    where = "mrf.files where state not in ('found', 'unsupported') order by key"
    return _all(connection, CatalogEntry, where, [])


def listed(connection: Connection) -> dict[str, int]:
    """How many others there are, by state."""
    rows = connection.execute(
        "select state, count(*) from mrf.files where state in ('found', 'unsupported')"
        " group by state order by state"
    ).fetchall()
    return dict(rows)


def latest(connection: Connection, key: str) -> FileVersion | None:
    """The newest version of a file."""
    where = "mrf.versions where key = %s order by version desc limit 1"
    return _first(connection, FileVersion, where, [key])


def versions(connection: Connection, key: str = "") -> list[FileVersion]:
    """All versions, oldest first; of one file or of all."""
    where = "mrf.versions where %s in ('', key) order by key, version"
    return _all(connection, FileVersion, where, [key])


def named_by_hand(connection: Connection, key: str) -> bool:
    """Whether somebody named a file, or put it into a folder, and not only a list has it."""
    row = connection.execute(
        "select exists (select from mrf.listings l join mrf.sources s using (source)"
        " where l.key = %s and s.kind in ('file', 'folder'))",
        [key],
    ).fetchone()
    return bool(row and row[0])


def plans(connection: Connection, key: str) -> list[dict[str, Any]]:
    """The plans that list a file, as their table of contents has them."""
    rows = connection.execute(
        "select distinct p.plans from mrf.listings l join mrf.plan_groups p using (plan_group)"
        " where l.key = %s",
        [key],
    ).fetchall()
    return [plan for (group,) in rows for plan in group]


# What is to be fetched now; after a transient failure a file waits for its retry time.
_DUE = """
    from mrf.files
    where fault is null and (taken_at is null or mark is distinct from taken_mark)
        and (retry_at is null or retry_at <= clock_timestamp()) and state <> 'fetching'
"""
# Another version, another try, or the same as before once more, after something else was there.
_RUN_KEY = "concat_ws('/', mark, taken_mark, taken_at, attempts)"


_MATCHING = """
    and (%(match)s = '%%' or key ilike %(match)s or address ilike %(match)s)
    and (%(plan)s = '' or exists (
        select from mrf.listings l join mrf.plan_groups p using (plan_group)
        where l.key = files.key
            and p.plans @> jsonb_build_array(jsonb_build_object('plan_id', %(plan)s::text))))
"""


def due(
    connection: Connection, limit: int | None = None, *, match: str = "*", plan: str = ""
) -> list[Due]:
    """The files to be fetched now, by key; of those that match a pattern, or are listed for a plan.

    In a pattern `*` stands for anything; it is compared with key and address, in whatever case.
    """
    like = re.sub(r"([\\%_])", r"\\\1", match).replace("*", "%")
    rows = connection.execute(
        sql.SQL(f"select key, {_RUN_KEY} {_DUE} {_MATCHING} order by key limit %(limit)s"),
        {"limit": limit, "match": like, "plan": plan},
    ).fetchall()
    return [
        Due(key, f"{key}:{hashlib.sha256(state.encode()).hexdigest()[:16]}") for key, state in rows
    ]


def due_count(connection: Connection) -> int:
    """How many files have to be fetched now."""
    row = connection.execute(sql.SQL(f"select count(*) {_DUE}")).fetchone()
    return int(row[0]) if row else 0


def move_file(
    connection: Connection, key: str, to: str, *, code: str = "", reason: str = ""
) -> None:
    """Bring a file to another state; PermanentError when the step is none of FILE_STEPS."""
    allowed = [state for state, steps in FILE_STEPS.items() if to in steps]
    moved = connection.execute(
        "update mrf.files set state = %(to)s, code = nullif(%(code)s, ''),"
        " reason = nullif(%(reason)s, ''), changed_at = clock_timestamp(),"
        " attempts = attempts + (%(to)s = 'fetching')::int"
        " where key = %(key)s and state = any(%(allowed)s)",
        {"to": to, "code": code, "reason": reason, "key": key, "allowed": allowed},
    )
    if not moved.rowcount:
        raise _refused(f"file {key}", known(connection, key).state, to)


def move_version(
    connection: Connection, version: FileVersion, to: str, *, code: str = "", reason: str = ""
) -> FileVersion:
    """Bring a version to another state; PermanentError when the step is none of VERSION_STEPS."""
    allowed = [state for state, steps in VERSION_STEPS.items() if to in steps]
    moved = connection.execute(
        "update mrf.versions set state = %(to)s, code = nullif(%(code)s, ''),"
        " reason = nullif(%(reason)s, ''), changed_at = clock_timestamp()"
        " where key = %(key)s and version = %(version)s and state = any(%(allowed)s)",
        {"to": to, "code": code, "reason": reason, "allowed": allowed,
         "key": version.key, "version": version.version},
    )  # fmt: skip
    now = _version(connection, version.key, version.version)
    if not moved.rowcount:
        raise _refused(f"version {version.version} of {version.key}", now.state, to)
    return now


def received(
    connection: Connection, key: str, *, sha256: str, size: int, path: Path, mark: str
) -> FileVersion:
    """Record what was received; the newest version as it is when it has the same content.

    The file is done then: it is due again when its mark changes.
    """
    with connection.transaction():
        connection.execute(
            "update mrf.files set mark = %(mark)s, taken_mark = %(mark)s, attempts = 0,"
            " taken_at = clock_timestamp(), retry_at = null where key = %(key)s",
            {"mark": mark, "key": key},
        )
        before = latest(connection, key)
        if before and before.sha256 == sha256:
            connection.execute(
                "update mrf.versions set path = %s, mark = %s where key = %s and version = %s",
                [str(path), mark, key, before.version],
            )
            return _version(connection, key, before.version)
        number = before.version + 1 if before else 1
        connection.execute(
            "insert into mrf.versions (key, version, sha256, size, path, mark)"
            " values (%s, %s, %s, %s, %s, %s)",
            [key, number, sha256, size, str(path), mark],
        )
        return _same_elsewhere(connection, _version(connection, key, number))


def postpone(connection: Connection, key: str, seconds: float) -> None:
    """A file with a transient failure is not due for so long."""
    connection.execute(
        "update mrf.files set retry_at = clock_timestamp() + make_interval(secs => %s)"
        " where key = %s",
        [seconds, key],
    )


def record_check(connection: Connection, key: str, mark: str | None) -> None:
    """Record that the server of a file was asked; with another mark the file is due."""
    connection.execute(
        "update mrf.files set asked_at = clock_timestamp(), mark = coalesce(%s, mark),"
        " retry_at = case when %s::text is null then retry_at end where key = %s",
        [mark, mark, key],
    )


def settle(connection: Connection, key: str, mark: str) -> None:
    """What is there is known, and may be of no use: the file is due when it looks different."""
    connection.execute(
        "update mrf.files set mark = %s, taken_mark = %s, taken_at = clock_timestamp(),"
        " attempts = 0 where key = %s",
        [mark, mark, key],
    )


def abandon(connection: Connection) -> list[str]:
    """Mark what processes that died were working on; the keys. Cheap when there is nothing."""
    return [
        key
        for table in ("files", "versions")
        for key in _at_work(connection, table)
        if _abandoned(connection, table, key)
    ]


def _at_work(connection: Connection, table: str) -> list[str]:
    state = "fetching" if table == "files" else "ingesting"
    rows = connection.execute(
        sql.SQL("select distinct key from mrf.{} where state = {}").format(
            sql.Identifier(table), sql.Literal(state)
        )
    ).fetchall()
    return [key for (key,) in rows]


def _abandoned(connection: Connection, table: str, key: str) -> bool:
    """Only while holding the lock that its worker would hold."""
    state, due = ("fetching", ", taken_at = null") if table == "files" else ("ingesting", "")
    with connection.transaction():
        free = connection.execute(
            "select pg_try_advisory_xact_lock(hashtextextended('lsats:mrf/' || %s, 0))", [key]
        ).fetchone()
        if not free or not free[0]:
            return False
        changed = connection.execute(
            sql.SQL(
                "update mrf.{} set state = 'abandoned', changed_at = clock_timestamp(),"
                " reason = 'the process that worked on it ended' {} where key = %s and state = {}"
            ).format(sql.Identifier(table), sql.SQL(due), sql.Literal(state)),
            [key],
        )
    return changed.rowcount > 0


def _same_elsewhere(connection: Connection, version: FileVersion) -> FileVersion:
    """When another key has published these bytes, they are not parsed again; lineage says so."""
    other = connection.execute(
        "select v.key, v.version from mrf.versions v where v.sha256 = %s and v.key <> %s"
        " and v.state = 'published' and not exists (select from mrf.versions later"
        " where later.key = v.key and later.version > v.version) order by v.key limit 1",
        [version.sha256, version.key],
    ).fetchone()
    if other is None:
        return version
    connection.execute(
        "update mrf.versions set same_as_key = %s, same_as_version = %s"
        " where key = %s and version = %s",
        [*other, version.key, version.version],
    )
    return move_version(connection, version, "same", reason=f"published as {other[0]}")


def _version(connection: Connection, key: str, number: int) -> FileVersion:
    where = "mrf.versions where key = %s and version = %s"
    found = _first(connection, FileVersion, where, [key, number])
    if found is None:
        raise ConfigurationError(f"{key} has no version {number}: `lsats mrf status` lists them")
    return found


def _refused(what: str, state: str, to: str) -> PermanentError:
    return PermanentError(
        f"{what} is {state} and cannot become {to}: another process may work on it"
    )


def _first(connection: Connection, kind: type[T], where: str, params: Sequence[Any]) -> T | None:
    found = _all(connection, kind, where, params)
    return found[0] if found else None


def _all(connection: Connection, kind: type[T], where: str, params: Sequence[Any]) -> list[T]:
    columns = ", ".join(kind.__annotations__)
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(sql.SQL(f"select {columns} from {where}"), params).fetchall()
