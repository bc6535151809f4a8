"""What each system knows, read from `campus.records` as of the day being served.

Every request asks anew, so moving `campus.world.served_day` moves all simulators at once. Records
are streamed in key order through server-side cursors; nothing is kept between requests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import NamedTuple, Self

import psycopg
from psycopg import sql

from lsats_pipeline.campus.simulators.faults import CREATE_TABLE, FaultCounts, Faults
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.warehouse.database import Connection, connect

CONNECTIONS = 8
EVERYTHING = sql.SQL("true")
BY_KEY = sql.SQL('record_key collate "C"')
# Stands in the payload for a byte that is no UTF-8 at all, which no text column could hold.
BROKEN_BYTE = "\ue0ff"
_BROKEN_FORMS = (BROKEN_BYTE.encode(), rb"\ue0ff")

_HAS_RECORDS = "select 1 where to_regclass('campus.records') is not null"
_MOMENT = """
select served_day, coalesce((select jsonb_object_agg(name, setting) from campus.faults), '{}')
from campus.world
"""
_RECORDS = sql.SQL("""
select record_key, convert_to(payload, 'UTF8'), fault
from campus.records
where system = {system} and entity = {entity}
  and valid_from <= {day} and (valid_to is null or {day} < valid_to) and {where}
""")


class Moment(NamedTuple):
    """The day being served and the faults in force when a request came in."""

    day: dt.date
    faults: Faults


class Record(NamedTuple):
    """One record: its key, its JSON as stored, and its own fault ('' or 'not_found')."""

    key: str
    payload: bytes
    fault: str


class RecordStore:
    """The tables of the campus world, read through a handful of connections."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._counts = FaultCounts()
        # Not the hub's pool: that has the rights of the pipeline, which is kept out of `campus`.
        self._slots: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(CONNECTIONS):
            self._slots.put(None)
        with self._connection() as connection:
            _require_campus(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for _ in range(self._slots.qsize()):
            if (connection := self._slots.get()) is not None:
                connection.close()

    def moment(self) -> Moment:
        """The day and the faults as of now."""
        with self._connection() as connection:
            try:
                row = connection.execute(_MOMENT).fetchone()
            except psycopg.errors.UndefinedTable:  # the world was built anew
                connection.execute(CREATE_TABLE)
                row = connection.execute(_MOMENT).fetchone()
        if row is None:
            raise ConfigurationError("campus.world is empty: build the campus first")
        return Moment(row[0], Faults(row[1], self._counts))

    def one(self, system: str, entity: str, key: str, day: dt.date) -> Record | None:
        """The record with this key on this day."""
        where = sql.SQL("record_key = {}").format(sql.Literal(key))
        with self._connection() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(_query(system, entity, day, where)).fetchone()
        return Record(*row) if row else None

    def stream(
        self,
        system: str,
        entity: str,
        day: dt.date,
        where: sql.Composable = EVERYTHING,
        *,
        order: sql.Composable = BY_KEY,
        offset: int = 0,
        limit: int | None = None,
        step: int = 1000,
    ) -> Generator[Record]:
        """All records that `where` lets through, `step` at a time."""
        part = sql.SQL(" order by {} offset {} limit {}").format(order, offset, limit)
        query = _query(system, entity, day, where) + part
        with (
            self._connection() as connection,
            connection.transaction(),
            connection.cursor("records", binary=True) as cursor,
        ):
            cursor.execute(query)
            while rows := cursor.fetchmany(step):
                for row in rows:
                    yield Record(*row)
                if len(rows) < step:
                    return

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        connection = self._slots.get()
        try:
            if connection is None or not _alive(connection):
                connection = connect(self._url, autocommit=True)
            yield connection
        finally:
            self._slots.put(connection)


def on_the_wire(payload: bytes) -> bytes:
    """The JSON as the system sends it: with its broken bytes really broken."""
    for form in _BROKEN_FORMS:
        payload = payload.replace(form, b"\xff")
    return payload


def has_broken_byte(payload: bytes) -> bool:
    """Whether some text in the JSON holds a byte that is no UTF-8."""
    return any(form in payload for form in _BROKEN_FORMS)


def after_key(key: str) -> sql.Composable:
    """What comes later than this key, in key order."""
    return sql.SQL("{} > {}").format(BY_KEY, sql.Literal(key))


def _query(system: str, entity: str, day: dt.date, where: sql.Composable) -> sql.Composed:
    return _RECORDS.format(system=system, entity=entity, day=day, where=where)


def _alive(connection: Connection) -> bool:
    """Whether the server still knows it: an embedded one may have been started anew."""
    try:
        connection.execute("")
    except psycopg.OperationalError:
        connection.close()
    return not connection.closed


def _require_campus(connection: Connection) -> None:
    name = connection.info.dbname
    if not name.endswith(("_demo", "_test")):
        raise ConfigurationError(
            f"the simulators only serve databases whose name ends in _demo or _test, not {name!r}"
        )
    if not connection.execute(_HAS_RECORDS).fetchall():
        raise ConfigurationError(f"database {name!r} holds no campus: build the campus world first")
    connection.execute(CREATE_TABLE)
