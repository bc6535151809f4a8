"""The versions of one silver row, what changed between them, and where each value came from.

silver.<table>_history (older) + silver.<table> (newest) ─▶ versions ─▶ changes ─▶ bronze evidence
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.spec import IntegratedTable, SqlModel, Table
from lsats_pipeline.warehouse.database import Connection

_NEAR = 5
# Facts about the row, shown next to its values instead of among them.
_ASIDE = frozenset({"field_sources", "source_raw_ids", "raw_id", "detail_raw_id"})
_VERSIONS = """
with version as (
    select {names}, ingestion_run_id, valid_from, valid_to from {history}
    where {identity} = any({keys})
    union all
    select {names}, ingestion_run_id, updated_at, null from {current}
    where {identity} = any({keys})
)
select version.*
from version
join unnest({keys}::text[], {since}::timestamptz[], {until}::timestamptz[])
    as tenure (key, since, until)
    on tenure.key = version.{identity}::text
    and (tenure.since is null or version.valid_from >= tenure.since)
    and (tenure.until is null or version.valid_from < tenure.until)
order by version.valid_from, version.valid_to nulls last
"""
# Whom a key means, or meant: the present row, and each person who gave the key up.
_PEOPLE = """
select distinct {key} from (
    select past.{key} from {renames} as past where past.{former} = {wanted} and not past.is_conflict
    union all
    select {wanted} where exists (select from {current} where {key} = {wanted}) or not exists (
        select from {renames} as past where past.{former} = {wanted} and not past.is_conflict)
) as person order by 1
"""
# Former keys of a row, each until it was given up, and since the one before gave it up.
_TENURES = """
select past.{former} as key, (
        select max(other.left_at) from {renames} as other
        where other.{former} = past.{former} and other.left_at < past.left_at
            and other.{key} <> past.{key} and not other.is_conflict
    ) as since, past.left_at as until
from {renames} as past
where past.{key} = {wanted} and not past.is_conflict
union all
select {wanted}, (
        select max(other.left_at) from {renames} as other
        where other.{former} = {wanted} and not other.is_conflict
    ), null
"""
_EVIDENCE = """
select raw.raw_id, raw.source_system || '_' || raw.entity_type as stream, raw.external_id,
    raw.partition_key as day, raw.ingestion_run_id as run_id, raw.ingested_at
from bronze.raw_entities raw where raw.raw_id = any(%s)
"""
_SAME = "lower({}::text) = {}"
_PREFIXED = """
select {key}::text from {current} where starts_with(lower({key}::text), %s) order by 1 limit %s
"""


@dataclass(frozen=True)
class Evidence:
    """A bronze row that a version was worked out from."""

    raw_id: UUID
    stream: str
    external_id: str
    day: dt.date
    run_id: UUID
    ingested_at: dt.datetime


@dataclass(frozen=True)
class Change:
    """A column whose value differs from the version before. `source`: that of the new value."""

    column: str
    before: Any
    after: Any
    source: str


@dataclass(frozen=True)
class RowVersion:
    """One version: valid from, until (None: still). `sources` names the origin of each value."""

    valid_from: dt.datetime
    valid_to: dt.datetime | None
    run_id: UUID
    values: dict[str, Any]
    sources: dict[str, str]
    evidence: dict[str, Evidence]
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True)
class History:
    """All versions of one row of a silver table, oldest first."""

    table: str
    key: str
    versions: tuple[RowVersion, ...]

    @property
    def removed_at(self) -> dt.datetime | None:
        """When the row left the table; None while it is in it."""
        return self.versions[-1].valid_to

    def as_of(self, moment: dt.datetime) -> RowVersion:
        """The version that held at a moment; ConfigurationError when there was none."""
        for version in self.versions:
            ends = version.valid_to
            if version.valid_from <= moment and (ends is None or moment < ends):
                return version
        first = self.versions[0].valid_from
        raise ConfigurationError(
            f"silver.{self.table} had no {self.key!r} at {moment:%Y-%m-%d %H:%M}: it is known from"
            f" {first:%Y-%m-%d %H:%M} on"
            + (f", until {self.removed_at:%Y-%m-%d %H:%M}" if self.removed_at else "")
        )


def table_named(name: str, tables: Iterable[Table]) -> Table:
    """The declared table; ConfigurationError names near matches."""
    known = {table.name: table for table in tables}
    bare = name.removeprefix("silver.").removeprefix("silver/")
    if bare not in known:
        near = difflib.get_close_matches(bare, known, n=3) or sorted(known)
        raise ConfigurationError(f"no silver table {name!r}; did you mean {' or '.join(near)}?")
    return known[bare]


def histories(connection: Connection, table: Table, key: str) -> list[History]:
    """The histories of the rows with this key: their identity, or the table's declared key.

    Several when several records claim the key. ConfigurationError, with near matches, when none
    does.
    """
    identities = _identities(connection, table, key)
    if not identities:
        near = _near(connection, table, key)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ConfigurationError(f"silver.{table.name} has no {_key(table)} {key!r}{hint}")
    people = [one for i in identities for one in _people(connection, table, i)]
    found = (_history(connection, table, person) for person in dict.fromkeys(people))
    return [history for history in found if history.versions]


def _people(connection: Connection, table: Table, identity: str) -> list[str]:
    """The rows that an identity means or meant: several when it was given up and taken again."""
    if not isinstance(table, IntegratedTable) or not table.renames:
        return [identity]
    query = sql.SQL(_PEOPLE).format(wanted=sql.Literal(identity), **_rename_places(table))
    return [row[0] for row in connection.execute(query).fetchall()]


def _tenures(connection: Connection, table: Table, identity: str) -> list[tuple[Any, ...]]:
    """(identity, since, until) of all identities that the row has had."""
    if not isinstance(table, IntegratedTable) or not table.renames:
        return [(identity, None, None)]
    query = sql.SQL(_TENURES).format(wanted=sql.Literal(identity), **_rename_places(table))
    return connection.execute(query).fetchall()


def _rename_places(table: IntegratedTable) -> dict[str, sql.Composable]:
    assert table.renames
    return {
        "renames": sql.Identifier("silver", table.renames.name),
        "key": sql.Identifier(table.key),
        "former": sql.Identifier(f"former_{table.key}"),
        "current": sql.Identifier("silver", table.name),
    }


def _history(connection: Connection, table: Table, identity: str) -> History:
    keys, since, until = zip(*_tenures(connection, table, identity), strict=True)
    query = sql.SQL(_VERSIONS).format(
        names=_names(fields(table)),
        keys=sql.Literal(list(keys)),
        since=sql.Literal([str(moment) if moment else None for moment in since]),
        until=sql.Literal([str(moment) if moment else None for moment in until]),
        **_places(table),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query).fetchall()
    evidence = _evidence(connection, [i for row in rows for i in _raw_ids(table, row).values()])
    versions: list[RowVersion] = []
    for row in rows:
        previous = versions[-1] if versions else None
        versions.append(_version(table, row, evidence, previous))
    return History(table.name, identity, tuple(versions))


def _version(
    table: Table, row: dict[str, Any], evidence: dict[UUID, Evidence], previous: RowVersion | None
) -> RowVersion:
    values = {f.name: row[f.name] for f in fields(table) if f.name not in _ASIDE}
    sources = _sources(table, row)
    ids = _raw_ids(table, row)
    return RowVersion(
        row["valid_from"],
        row["valid_to"],
        row["ingestion_run_id"],
        values,
        sources,
        {name: evidence[i] for name, i in ids.items() if i in evidence},
        _changes(previous, values, sources),
    )


def _changes(
    previous: RowVersion | None, values: dict[str, Any], sources: dict[str, str]
) -> tuple[Change, ...]:
    if previous is None:
        return ()
    return tuple(
        Change(name, previous.values.get(name), value, sources.get(name, ""))
        for name, value in values.items()
        if previous.values.get(name) != value
    )


def _sources(table: Table, row: dict[str, Any]) -> dict[str, str]:
    """What each value was taken from: the winning system, or the field of the record."""
    if "field_sources" in row:
        return dict(row["field_sources"] or {})
    return {c.name: c.origin for c in table.all_columns if c.origin}


def _raw_ids(table: Table, row: dict[str, Any]) -> dict[str, UUID]:
    """The bronze rows behind a version, by the system or call that gave them."""
    if "source_raw_ids" in row:
        return {system: UUID(i) for system, i in (row["source_raw_ids"] or {}).items()}
    named = {"list": row.get("raw_id"), "detail": row.get("detail_raw_id")}
    return {name: i for name, i in named.items() if i is not None}


def _evidence(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Evidence]:
    rows = connection.execute(_EVIDENCE, [list(ids)]).fetchall()
    return {row[0]: Evidence(*row) for row in rows}


def _identities(connection: Connection, table: Table, key: str) -> list[str]:
    """Identities of current and past rows with the key; as written, else in lower case.

    Where a table is known by other columns too, rows that have the key in any of them.
    """
    columns = dict.fromkeys((table.identity, _key(table)))
    for wanted in dict.fromkeys((key, key.strip().lower())):
        for column in columns:
            query = sql.SQL(
                "select {identity} from {current} where {column}::text = {key}"
                " union select {identity} from {history} where {column}::text = {key} order by 1"
            ).format(column=sql.Identifier(column), key=sql.Literal(wanted), **_places(table))
            if rows := connection.execute(query).fetchall():
                return [str(row[0]) for row in rows]
    return _by_lookup_columns(connection, table, key) if isinstance(table, SqlModel) else []


def _by_lookup_columns(connection: Connection, table: SqlModel, key: str) -> list[str]:
    """Identities of rows that have, or had, the key in one of `lookup_columns`, in any case."""
    if not table.lookup_columns:
        return []
    listed = [f.name for f in fields(table) if f.sql_type == "jsonb"]
    wanted = sql.Literal(key.strip().lower())
    tests = [
        sql.SQL("lower({}::text)::jsonb @> to_jsonb({}::text)" if n in listed else _SAME).format(
            sql.Identifier(n), wanted
        )
        for n in table.lookup_columns
    ]
    query = sql.SQL(
        "select {identity} from {current} where {tests}"
        " union select {identity} from {history} where {tests} order by 1"
    ).format(tests=sql.SQL(" or ").join(tests), **_places(table))
    return [str(row[0]) for row in connection.execute(query).fetchall()]


def _near(connection: Connection, table: Table, key: str) -> list[str]:
    """Keys with the same beginning, the most similar first."""
    column = sql.Identifier(_key(table))
    wanted = key.strip().lower()
    for length in range(len(wanted), 0, -1):
        query = sql.SQL(_PREFIXED).format(key=column, **_places(table))
        rows = connection.execute(query, [wanted[:length], 200]).fetchall()
        if rows:
            found = [str(row[0]) for row in rows]
            return difflib.get_close_matches(wanted, found, n=_NEAR, cutoff=0) or found[:_NEAR]
    return []


def _key(table: Table) -> str:
    """The column people know a row by."""
    if isinstance(table, IntegratedTable):
        return table.key
    return table.key[0] if table.key else table.identity


def _places(table: Table) -> dict[str, sql.Composable]:
    return {
        "identity": sql.Identifier(table.identity),
        "current": sql.Identifier("silver", table.name),
        "history": sql.Identifier("silver", f"{table.name}_history"),
    }


def _names(columns: Iterable[Field]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
