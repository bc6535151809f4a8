"""Merge of a source's entries into the catalogue: a temporary table, then a few statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.mrf.sources.locations import Location
from lsats_pipeline.mrf.sources.policy import AddressPolicy
from lsats_pipeline.mrf.sources.tables_of_contents import (
    Entry,
    Listed,
    ListingSource,
    MalformedListing,
    Plans,
)
from lsats_pipeline.warehouse.database import Connection, sql_file

_STAGE = Path(__file__).with_name("stage_listed.sql")
_MERGE = Path(__file__).with_name("merge_listed.sql")
_STAGED = ("address", "identity", "query", "scheme", "stem", "kind", "description", "fault", "mark",
           "plan_group", "digest", "plans")  # fmt: skip
_MAX_EXAMPLES = 20
# A list may name millions; nobody starts so many runs at once.
MOST_KEYS = 10_000


@dataclass
class MergeCounts:
    """The result of a merge: counts, and the first MOST_KEYS keys of each kind."""

    entries: int = 0
    malformed: int = 0
    examples: list[str] = field(default_factory=list)
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)


def merge(
    connection: Connection,
    source: ListingSource,
    entries: Iterable[Entry],
    policy: AddressPolicy | None = None,
) -> MergeCounts:
    """Bring the catalogue up to what a source names; only what differs is written.

    Run it inside a transaction. With a policy, files that a list names and that the settings do
    not allow have a fault; what somebody named by hand, or put into a folder, is wanted.
    """
    connection.execute(sql_file(_STAGE))
    connection.execute(
        "insert into mrf.sources (source, query, kind) values (%s, %s, %s)"
        " on conflict (source) do update set query = excluded.query, kind = excluded.kind",
        [source.name, source.location.query or None, source.kind],
    )
    connection.execute(
        "insert into listed_source values (%s, %s)", [source.name, source.kind == "folder"]
    )
    listed_by_others = source.kind in ("table_of_contents", "list")
    merged = _copy_entries(connection, entries, _Faults(policy if listed_by_others else None))
    connection.execute(sql_file(_MERGE))
    return _with_results(connection, merged)


def _copy_entries(connection: Connection, entries: Iterable[Entry], faults: _Faults) -> MergeCounts:
    """Into the temporary table, as they come: a list may be longer than memory."""
    merged = MergeCounts()
    names = sql.SQL(", ").join(map(sql.Identifier, _STAGED))
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy listed ({}) from stdin").format(names)) as copy,
    ):
        for entry in entries:
            if isinstance(entry, MalformedListing):
                merged.malformed += 1
                if len(merged.examples) < _MAX_EXAMPLES:
                    merged.examples.append(redacted(entry.about))
            elif isinstance(entry, Plans):
                copy.write_row((*[None] * 9, entry.group, entry.digest, entry.plans))
            else:
                merged.entries += 1
                copy.write_row(_row(entry, faults.of(entry)))
    return merged


def _row(entry: Listed, fault: str) -> tuple[object, ...]:
    at = entry.location
    about = (entry.description or "").replace("\0", "\ufffd")
    return (at.address, at.identity, at.query or None, at.scheme, at.stem, entry.kind,
            about or None, fault or None, entry.mark, entry.group, None, None)  # fmt: skip


class _Faults:
    """Why files cannot be fetched; what is allowed is decided once for a host."""

    def __init__(self, policy: AddressPolicy | None) -> None:
        self._policy = policy
        self._of_host: dict[str, str] = {}

    def of(self, entry: Listed) -> str:
        at = entry.location
        fault = at.fault or self._of_the_settings(at)
        missing = at.scheme == "file" and entry.mark is None
        return fault or ("missing: no such file" if missing else "")

    def _of_the_settings(self, at: Location) -> str:
        if self._policy is None:
            return ""
        if at.scheme == "file":
            return self._policy.fault(at)
        host = "/".join(at.address.split("/", 3)[:3])
        if host not in self._of_host:
            self._of_host[host] = self._policy.fault(at)
        return self._of_host[host]


def _with_results(connection: Connection, merged: MergeCounts) -> MergeCounts:
    rows = connection.execute("select what, count(*) from merged group by what").fetchall()
    faults = connection.execute(
        "select fault, count(*) from listed_once where fault is not null group by fault"
        " order by count(*) desc, fault limit %s",
        [_MAX_EXAMPLES],
    ).fetchall()
    merged.counts, merged.faults = Counter(dict(rows)), dict(faults)
    merged.new, merged.changed, merged.unsupported = (
        _keys(connection, what) for what in ("new", "changed", "unsupported")
    )
    return merged


def _keys(connection: Connection, what: str) -> tuple[str, ...]:
    rows = connection.execute(
        "select key from merged where what = %s order by key limit %s", [what, MOST_KEYS]
    ).fetchall()
    return tuple(key for (key,) in rows)
