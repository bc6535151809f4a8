"""A stored world validated as it lies: in a database, or as files. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets.files import options_of, read_files
from lsats_pipeline.synthetic.targets.ledger import Seeded, seeded, table_exists
from lsats_pipeline.synthetic.targets.readback import stored_rows
from lsats_pipeline.synthetic.targets.session import Connection
from lsats_pipeline.synthetic.validation import Results, Verification, verify
from lsats_pipeline.warehouse.database import connect

Read = Callable[[str], Iterator[Any]]


def verify_database(
    url: str,
    world: World,
    tables: Sequence[str] | None = None,
    *,
    rejected: Mapping[str, int] | None = None,
) -> Results:
    """All rules over all rows in a database; the options are those that it was seeded with.

    `tables`: only the rules of these. `rejected`: rows that were set aside on purpose, by table.
    Rows that were there before the world came are allowed for. Where blocks of those tables are
    still missing, rules over whole tables are left out. ConfigurationError when a table that is
    needed was never seeded.
    """
    with connect(url, autocommit=True) as connection:
        there = seeded(connection, world.name)
        names = list(tables or (t.name for t in world.tables))
        options = _options(world, there, names, connection.info.dbname)
        incomplete = any(missing_blocks(world.table(name), options, there[name]) for name in names)
        verification = Verification(world, options, names, incomplete=incomplete)
        _require(connection, world, verification)
        rejected = rejected or {}
        verification.adjusted = {
            name: table.strangers - rejected.get(name, 0) for name, table in there.items()
        }
        return _validated(
            verification, lambda name: stored_rows(connection, world, world.table(name))
        )


def verify_files(
    folder: Path,
    world: World,
    kind: str,
    tables: Sequence[str] | None = None,
    *,
    rejected: Mapping[str, int] | None = None,
) -> Results:
    """The same over `folder/<table>.<kind>`."""
    verification = Verification(world, options_of(world, folder), tables)
    verification.adjusted = {name: -count for name, count in (rejected or {}).items()}
    return _validated(verification, lambda name: read_files(folder, world.table(name), kind))


def _validated(verification: Verification, read: Read) -> Results:
    rows: Iterator[tuple[str, pa.Table]] = (
        (name, batch) for name in verification.tables for batch in read(name)
    )
    return verify(verification, rows)


def _options(
    world: World, there: Mapping[str, Seeded], names: Sequence[str], database: str
) -> WorldOptions:
    for name in names:
        if name not in there:
            raise ConfigurationError(
                f"database {database!r} holds no {world.name}.{name}: seed it first,"
                f" `lsats seed {world.name}`"
            )
    return world.options(**there[names[0]].options)


def missing_blocks(table: WorldTable, options: WorldOptions, there: Seeded | None) -> int:
    """How many blocks of a table are not in."""
    return len(list(table.blocks("", options))) - (there.blocks if there else 0)


def _require(connection: Connection, world: World, verification: Verification) -> None:
    for name in verification.tables:
        if not table_exists(connection, world.name, name):
            raise ConfigurationError(
                f"{world.name}.{name} is gone from database {connection.info.dbname!r}:"
                f" `lsats seed {world.name}` brings it back"
            )
