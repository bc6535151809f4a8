"""Creates a campus and advances it day by day: the only way that its tables change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import psycopg

from lsats_pipeline.campus import store
from lsats_pipeline.campus.blocks import blocks_of, changes
from lsats_pipeline.campus.world import ADDITIONS, LEAST_MACHINES, Campus, CampusState
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.warehouse.safety import require_synthetic_database

__all__ = ["LEAST_PEOPLE", "MOST_PEOPLE", "CampusState", "advance", "create", "exists", "world"]

LEAST_PEOPLE, MOST_PEOPLE = 200, 1_000_000
MOST_MACHINES = 1_000_000
BATCH = 2000  # people in a block, and between two writes

Connection = psycopg.Connection[Any]


def create(
    connection: Connection,
    *,
    seed: int,
    people: int,
    first_day: dt.date,
    machines: int | None = None,
    additions: Iterable[str] = ADDITIONS,
    batch: int = BATCH,
) -> None:
    """Make schema `campus` and fill it with the first day, in one transaction.

    Does nothing when the same campus is already there (on whatever day). Raises ConfigurationError
    when another one is, when the size is out of range, or when the database is not for synthetic
    data. `connection` must have no transaction open. `machines`: how many there are at first,
    by default one for 20 people. `additions`: what it has of what campuses have learned since the
    first ones; one that is there keeps its own. `batch` trades memory for speed, nothing else.
    """
    require_synthetic_database(connection.info.dbname)
    if not LEAST_PEOPLE <= people <= MOST_PEOPLE:
        raise ConfigurationError(f"{people} people: a campus has {LEAST_PEOPLE} to {MOST_PEOPLE}")
    made = Campus(seed, people, first_day, additions=frozenset(additions))
    campus = _sized(made, machines)
    with connection.transaction():
        store.lock_creation(connection)
        if not _is_there(connection, campus):
            store.make_schema(connection, campus)
            _write_day(connection, campus, 0, batch)
            store.add_keys(connection)


def advance(connection: Connection, day: dt.date, *, batch: int = BATCH) -> None:
    """Advance the campus to `day`, one transaction a day, and serve that day.

    Does nothing when it is there already. Raises ConfigurationError when there is no campus or when
    it is past `day`. `connection` must have no transaction open.
    """
    require_synthetic_database(connection.info.dbname)
    while _advance_one_day(connection, day, batch):
        pass


def exists(connection: Connection) -> bool:
    """Whether there is a campus in this database."""
    return world(connection) is not None


def world(connection: Connection) -> CampusState | None:
    """Which campus this database holds and where it is, or None."""
    with connection.transaction():
        return store.read_world(connection)


def _sized(campus: Campus, machines: int | None) -> Campus:
    if machines is None or machines == campus.machines:
        return campus
    if not LEAST_MACHINES <= machines <= MOST_MACHINES:
        raise ConfigurationError(
            f"{machines} machines: a campus has {LEAST_MACHINES} to {MOST_MACHINES}"
        )
    return campus._replace(wanted_machines=machines)


def _is_there(connection: Connection, campus: Campus) -> bool:
    found = store.read_world(connection)
    if found and found.campus[:4] != campus[:4]:
        raise ConfigurationError(
            f"database {connection.info.dbname!r} already holds another campus: "
            f"{_described(found.campus)}, wanted {_described(campus)}; "
            "use the same numbers, or another database"
        )
    return found is not None


def _described(campus: Campus) -> str:
    text = f"seed {campus.seed}, {campus.people} people from {campus.first_day}"
    return text + (f", {campus.machines} machines" if campus.wanted_machines else "")


def _advance_one_day(connection: Connection, until: dt.date, batch: int) -> bool:
    """One day, whole or not at all; False when nothing was left to do."""
    with connection.transaction():
        found = store.read_world(connection, lock=True)
        if found is None:
            raise ConfigurationError("there is no campus in this database; create one first")
        if found.day > until:
            raise ConfigurationError(f"the campus is at {found.day} and cannot go back to {until}")
        if found.day < until:
            day = found.campus.day(found.day) + 1
            _write_day(connection, found.campus, day, batch)
            store.set_day(connection, found.campus.date(day))
        elif found.served_day != until:
            store.set_day(connection, until)
        return found.day < until


def _write_day(connection: Connection, campus: Campus, day: int, batch: int) -> None:
    """Write all that is different from the day before; on day 0 that is everything."""
    writer = store.Writer(connection, campus.date(day), batch)
    for block in blocks_of(campus, day, batch):
        writer.add(changes(block), len(block.numbers))
    writer.flush()
