"""Staged rows into an existing table, in sets: by natural key, without touching other rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import sql

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.synthetic.spec import World, WorldTable
from lsats_pipeline.synthetic.targets import WriteCounts
from lsats_pipeline.synthetic.targets.session import Connection

log = logging.getLogger(__name__)
_CREATED, _UPDATED = "created_at", "updated_at"
_EXAMPLES = 10
_ROUNDS = 3  # a replacement may clash in turn, hardly ever twice

_MERGE = sql.SQL(
    """
    with written as (
        insert into {table} as kept ({names})
        select {names} from {staged}
        on conflict ({key}) do update set {assignments}
        {where}
        returning (xmax = 0) as created
    )
    select count(*) filter (where created), count(*) from written
    """
)
_CLASHES = sql.SQL(
    """
    from {staged} as staged
    join {table} as stranger on stranger.{column} = staged.{column}
    where ({strangers}) is distinct from ({ours})
    """
)


def merge(
    connection: Connection,
    world: World,
    table: WorldTable,
    staged: sql.Composable,
    *,
    alone: bool = True,
) -> WriteCounts:
    """Insert what is new, update what differs, leave what is equal.

    `alone`: nobody else writes the world, so that its references may be taken off for a while.
    """
    if alone and _empty(connection, world, table):
        with references_checked_at_once(connection, world, table):
            return _merged(connection, world, table, staged)
    return _merged(connection, world, table, staged)


def _merged(
    connection: Connection, world: World, table: WorldTable, staged: sql.Composable
) -> WriteCounts:
    names = table.schema.names
    changing = [name for name in names if name not in table.natural_key]
    row = connection.execute(
        _MERGE.format(
            table=sql.Identifier(world.name, table.name),
            staged=staged,
            names=_names(names),
            key=_names(table.natural_key),
            assignments=sql.SQL(", ").join(_assignment(table, name) for name in changing)
            or sql.SQL("{0} = excluded.{0}").format(sql.Identifier(table.natural_key[0])),
            where=sql.SQL("") if table.stamped else _if_different(changing),
        )
    ).fetchone()
    assert row is not None
    total = _count(connection, sql.SQL("from {}").format(staged))
    return WriteCounts(created=row[0], updated=row[1] - row[0], unchanged=total - row[1])


def rename_strangers(
    connection: Connection, world: World, table: WorldTable, staged: sql.Composable
) -> WriteCounts:
    """Give staged rows another value where a row that is not ours has theirs."""
    renamed, examples = 0, list[str]()
    for column, replacement in (table.renamed or {}).items():
        clashes = _CLASHES.format(
            staged=staged,
            table=sql.Identifier(world.name, table.name),
            column=sql.Identifier(column),
            strangers=_names(table.natural_key, "stranger"),
            ours=_names(table.natural_key, "staged"),
        )
        found = _resolve(connection, table, staged, column, replacement, clashes, examples)
        if found:
            log.warning(
                "⚠️ %s.%s: %s values of %s were taken by other rows and were replaced,"
                " for example %s",
                world.name,
                table.name,
                f"{found:,}",
                column,
                ", ".join(examples[:_EXAMPLES]),
            )
        renamed += found
    return WriteCounts(renamed=renamed, examples=tuple(examples[:_EXAMPLES]))


@contextmanager
def references_checked_at_once(
    connection: Connection, world: World, table: WorldTable
) -> Iterator[None]:
    """Within the block the table has no foreign keys; afterwards those it had, checked in one join.

    Row by row they cost ten times what storing the rows does.
    """
    name = sql.Identifier(world.name, table.name)
    keys = connection.execute(
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and contype = 'f'",
        [name.as_string()],
    ).fetchall()
    for key, _ in keys:
        connection.execute(
            sql.SQL("alter table {} drop constraint {}").format(name, sql.Identifier(key))
        )
    yield
    for key, definition in keys:
        connection.execute(
            sql.SQL("alter table {} add constraint {} {}").format(
                name, sql.Identifier(key), sql.SQL(definition)
            )
        )


def _resolve(
    connection: Connection,
    table: WorldTable,
    staged: sql.Composable,
    column: str,
    replacement: str,
    clashes: sql.Composable,
    examples: list[str],
) -> int:
    first = 0
    for _ in range(_ROUNDS):
        found = _count(connection, clashes)
        if not found:
            return first
        first = first or found
        select = sql.SQL("select staged.{} {} order by 1 limit {}")
        rows = connection.execute(
            select.format(sql.Identifier(column), clashes, sql.Literal(_EXAMPLES))
        )
        examples += [str(row[0]) for row in rows.fetchall()]
        connection.execute(
            sql.SQL("update {} set {} = {} where {} in (select staged.{} {})").format(
                staged,
                sql.Identifier(column),
                sql.SQL(replacement),
                sql.Identifier(column),
                sql.Identifier(column),
                clashes,
            )
        )
    raise PermanentError(f"{table.name}.{column}: replacements of clashing values clash as well")


def _empty(connection: Connection, world: World, table: WorldTable) -> bool:
    name = sql.Identifier(world.name, table.name)
    row = connection.execute(sql.SQL("select exists (select from {})").format(name)).fetchone()
    return not (row and row[0])


def _assignment(table: WorldTable, name: str) -> sql.Composable:
    column = sql.Identifier(name)
    if table.stamped and name == _CREATED:
        return sql.SQL("{0} = kept.{0}").format(column)
    if table.stamped and name == _UPDATED:
        # After the last one, even where a world's day is ahead of the clock.
        return sql.SQL(
            "{0} = greatest(clock_timestamp(), kept.{0} + interval '1 microsecond')"
        ).format(column)
    return sql.SQL("{0} = excluded.{0}").format(column)


def _if_different(names: list[str]) -> sql.Composable:
    if not names:
        return sql.SQL("where false")
    return sql.SQL("where ({}) is distinct from ({})").format(
        _names(names, "kept"), _names(names, "excluded")
    )


def _names(names: Any, alias: str = "") -> sql.Composed:
    return sql.SQL(", ").join(
        sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names
    )


def _count(connection: Connection, rest: sql.Composable) -> int:
    row = connection.execute(sql.SQL("select count(*) {}").format(rest)).fetchone()
    assert row is not None
    return int(row[0])
