"""Keeps the campus in PostgreSQL: makes the schema, fills it, closes and opens the rows of a day.

    Changes --> rows that end (their keys by COPY, one UPDATE a batch), rows that begin (COPY)

Rows pass in batches, so memory does not grow with the campus.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from lsats_pipeline.campus.blocks import Changes, Rows
from lsats_pipeline.campus.facts import TABLES, CampusTable
from lsats_pipeline.campus.world import Campus, CampusState

Connection = psycopg.Connection[Any]


def read_world(connection: Connection, *, lock: bool = False) -> CampusState | None:
    """The row of `campus.world`, or None when there is no campus; `lock` keeps others from it."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('campus.world')::text")
        if cursor.fetchone() == (None,):
            return None
        query = "select seed, people, first_day, day, served_day, wanted_machines from campus.world"
        row = cursor.execute(f"{query} for update" if lock else query).fetchone()
        return replace(CampusState(*row), additions=_additions(connection)) if row else None


def _additions(connection: Connection) -> frozenset[str]:
    """None for a campus of before there were any."""
    if connection.execute("select to_regclass('campus.additions')::text").fetchone() == (None,):
        return frozenset()
    return frozenset(name for (name,) in connection.execute("select name from campus.additions"))


def lock_creation(connection: Connection) -> None:
    """Keep others from making a campus here until this transaction ends."""
    connection.execute("select pg_advisory_xact_lock(hashtext('synthetic world campus'))")


def make_schema(connection: Connection, campus: Campus) -> None:
    """Create the tables, empty but for the row that says which campus this is."""
    _run_file(connection, "schema.sql")
    _run_file(connection, "comments.sql")
    connection.execute(
        "insert into campus.world (seed, people, first_day, wanted_machines, day, served_day)"
        " values (%s, %s, %s, %s, %s, %s)",
        (*campus[:4], campus.first_day, campus.first_day),
    )
    connection.execute(
        "insert into campus.additions select unnest(%s::text[])", [sorted(campus.additions)]
    )


def add_keys(connection: Connection) -> None:
    """Create keys and indexes, and let the planner know the sizes."""
    _run_file(connection, "keys.sql")
    for table in TABLES:
        connection.execute(sql.SQL("analyze {}").format(_name(table)))


def set_day(connection: Connection, day: dt.date) -> None:
    """Move the campus, and what the simulators serve, to a day."""
    connection.execute("update campus.world set day = %s, served_day = %s", (day, day))


class Writer:
    """Collects changes and writes them when there are many; call `flush` at the end."""

    def __init__(self, connection: Connection, day: dt.date, batch: int) -> None:
        self._connection = connection
        self._day = day
        self._batch = batch
        self._closed: tuple[Rows, ...] = tuple([] for _ in TABLES)
        self._opened: tuple[Rows, ...] = tuple([] for _ in TABLES)
        self._waiting = 0

    def add(self, changes: Changes, count: int) -> None:
        """Add what is different about so many people, machines, ..."""
        for kept, more in ((self._closed, changes.closed), (self._opened, changes.opened)):
            for rows, new in zip(kept, more, strict=True):
                rows.extend(new)
        self._waiting += count
        if self._waiting >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        for table, closed, opened in zip(TABLES, self._closed, self._opened, strict=True):
            if closed:
                _close(self._connection, table, closed, self._day)
            if opened:
                _copy(self._connection, _name(table), table.columns, opened)
            closed.clear()
            opened.clear()
        self._waiting = 0


def _close(connection: Connection, table: CampusTable, keys: Rows, day: dt.date) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.key))
    closing = sql.Identifier(f"closing_{table.name}")
    connection.execute(
        sql.SQL(
            "create temporary table if not exists {} on commit drop as"
            " select {} from {} with no data"
        ).format(closing, columns, _name(table))
    )
    connection.execute(sql.SQL("truncate {}").format(closing))
    _copy(connection, closing, table.key, keys)
    connection.execute(
        sql.SQL(
            "update {} as kept set valid_to = {} from {} as gone"
            " where kept.valid_to is null and ({}) = ({})"
        ).format(
            _name(table),
            sql.Literal(day),
            closing,
            sql.SQL(", ").join(sql.Identifier("kept", name) for name in table.key),
            sql.SQL(", ").join(sql.Identifier("gone", name) for name in table.key),
        )
    )


def _copy(
    connection: Connection,
    table: sql.Identifier,
    columns: tuple[str, ...],
    rows: Rows,
) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _name(table: CampusTable) -> sql.Identifier:
    return sql.Identifier("campus", table.name)


def _run_file(connection: Connection, name: str) -> None:
    connection.execute(files(__package__).joinpath(name).read_bytes())
