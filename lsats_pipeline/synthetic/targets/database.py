"""A world into PostgreSQL, all or nothing.

block ─ COPY ─▶ <world>_staging.<table>, committed block by block (a killed run goes on from there)
all blocks in ─▶ one transaction: a table not there yet is moved in and given its keys;
                 one that is there takes the rows by natural key

With a claim on a table or on blocks others write the rest of the world meanwhile: what is not
theirs alone is made first, in a transaction of its own (`register`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import psycopg
import pyarrow as pa
from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError, PermanentError
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets import Rendered, WriteCounts, ddl
from lsats_pipeline.synthetic.targets.claim import alone_for_now
from lsats_pipeline.synthetic.targets.ledger import Ledger, table_exists
from lsats_pipeline.synthetic.targets.session import Connection, Session
from lsats_pipeline.synthetic.targets.upsert import merge, rename_strangers
from lsats_pipeline.warehouse.comments import Words, comment

log = logging.getLogger(__name__)


class DatabaseTarget:
    """`clear`: rows of the tables that are there are deleted first, in the same transaction."""

    name = "db"

    def __init__(
        self, session: Session, world: World, options: WorldOptions, *, clear: bool = False
    ) -> None:
        self._session, self._world, self._clear = session, world, clear
        self._claim = session.claim
        self._staging = self._claim.staging
        self._kept = Ledger(world, options, world.name)
        self._staged = Ledger(world, options, self._staging, program())
        self._blocks: dict[str, dict[int, str]] = {}
        self._rows: dict[tuple[str, int], int] = {}
        self._tables: tuple[WorldTable, ...] = ()

    def open(self, tables: Sequence[WorldTable]) -> None:
        """Check what is there, and find what an earlier run has staged."""
        self._tables = tuple(tables)
        self._session.reliably(self._prepare)

    def write(self, table: WorldTable, block: Rendered) -> WriteCounts:
        """Stage a block, unless it is staged already."""
        before = self._session.retries
        self._rows[table.name, block.number] = block.batch.num_rows
        if self._blocks[table.name].get(block.number) != block.sha256:
            self._session.reliably(lambda c: self._stage(c, table, block))
            self._blocks[table.name][block.number] = block.sha256
        return WriteCounts(retries=self._session.retries - before)

    def finish(self) -> dict[str, WriteCounts]:
        """Publish everything at once."""
        try:
            return self._session.reliably(self._publish)
        except psycopg.IntegrityError as error:
            raise PermanentError(
                f"{_where(self._world, error)}; the database is as it was before"
            ) from error

    def abandon(self, *, resumable: bool) -> None:
        """Drop what is staged, or keep it for the next run."""
        if not resumable:
            self._session.reliably(self._drop_staging)

    def close(self) -> None:
        """Close the connection; what is staged stays for the next run."""
        self._session.close()

    def _prepare(self, connection: Connection) -> None:
        if not self._claim.whole_world:
            register(
                connection, self._world, self._tables, self._kept, make=bool(self._claim.blocks)
            )
        with connection.transaction():
            if self._kept.exists(connection) and not self._clear:
                self._kept.require_same(connection)
            require_parents(connection, self._world, self._tables)
            if self._staged.exists(connection) and self._staged.others(connection) is not None:
                self._drop_staging(connection)
            self._staged.make(connection)
            for table in self._tables:
                self._prepare_table(connection, table)

    def _prepare_table(self, connection: Connection, table: WorldTable) -> None:
        if not table_exists(connection, self._staging, table.name):
            connection.execute(ddl.bare_table(table.table, self._staging))
        self._staged.add_table(connection, table.name)
        self._blocks[table.name] = self._staged.blocks(connection, table.name)
        if self._blocks[table.name]:
            log.info(
                "🔁 %s.%s: %s blocks are staged already",
                self._world.name,
                table.name,
                len(self._blocks[table.name]),
            )

    def _stage(self, connection: Connection, table: WorldTable, block: Rendered) -> None:
        if block.number in self._blocks[table.name]:
            raise PermanentError(
                f"{self._world.name}.{table.name}, block {block.number}: was staged with other rows"
                " than are made now, so its generator depends on more than the seed"
            )
        with connection.transaction():
            copy_text(connection, sql.Identifier(self._staging, table.name), table, block.text)
            mark = (block.number, block.batch.num_rows, block.sha256)
            self._staged.add_blocks(connection, table.name, [mark])

    def _publish(self, connection: Connection) -> dict[str, WriteCounts]:
        if not self._staged.exists(connection):
            return {}  # the connection was lost just after the commit
        with connection.transaction():
            if self._claim.whole_world:
                self._kept.make(connection)
            if self._clear:
                clear(connection, self._world, self._tables, self._kept)
            written = {table.name: self._publish_table(connection, table) for table in self._tables}
            self._drop_staging(connection)
        for table in self._tables:
            connection.execute(sql.SQL("analyze {}").format(_kept(self._world, table)))
        return written

    def _publish_table(self, connection: Connection, table: WorldTable) -> WriteCounts:
        known = self._kept.blocks(connection, table.name)
        if table_exists(connection, self._world.name, table.name):
            strangers = 0 if known else count(connection, _kept(self._world, table))
            staged = sql.Identifier(self._staging, table.name)
            renamed = rename_strangers(connection, self._world, table, staged)
            alone = self._claim.whole_world
            written = merge(connection, self._world, table, staged, alone=alone).plus(renamed)
            if alone:  # a comment's lock is one that other writers would wait for
                comment(connection, [_words(self._world, table)])
        else:
            strangers, written = 0, self._adopt(connection, table)
        self._kept.add_table(connection, table.name, strangers)
        self._kept.add_blocks(connection, table.name, self._marks(table))
        return written

    def _adopt(self, connection: Connection, table: WorldTable) -> WriteCounts:
        """The staged table becomes the table: its rows are written once, its keys built at once."""
        if not self._claim.whole_world:
            lock_parents(connection, self._world, table)
        connection.execute(
            sql.SQL("alter table {} set schema {}").format(
                sql.Identifier(self._staging, table.name), sql.Identifier(self._world.name)
            )
        )
        for statement in ddl.keys(table.table):
            connection.execute(statement)
        comment(connection, [_words(self._world, table)])
        return WriteCounts(created=sum(rows for _, rows, _ in self._marks(table)))

    def _marks(self, table: WorldTable) -> list[tuple[int, int, str]]:
        return [
            (number, self._rows[table.name, number], mark)
            for number, mark in sorted(self._blocks[table.name].items())
            if (table.name, number) in self._rows
        ]

    def _drop_staging(self, connection: Connection) -> None:
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(self._staging))
        )


@cache
def program() -> str:
    """A hash of the files by which worlds are made: engine, generators, dictionaries."""
    folder = Path(__file__).parent.parent
    found = sorted(f for f in folder.rglob("*") if f.suffix in (".py", ".csv"))
    return sha256(b"".join(f.read_bytes() for f in found)).hexdigest()


def copy_text(
    connection: Connection, into: sql.Identifier, table: WorldTable, text: pa.Buffer
) -> None:
    """COPY lines of CSV into a table with the same columns."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in table.schema.names)
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(into, names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(memoryview(text))


def clear(connection: Connection, world: World, tables: Sequence[WorldTable], kept: Ledger) -> None:
    """Delete the rows of these tables, children first; nothing else is touched or cascades."""
    for table in reversed(tables):
        if table_exists(connection, world.name, table.name):
            connection.execute(sql.SQL("delete from {}").format(_kept(world, table)))
        kept.forget(connection, table.name)


def require_parents(connection: Connection, world: World, tables: Sequence[WorldTable]) -> None:
    """ConfigurationError when a table that these refer to is neither there nor among them."""
    names = {table.name for table in tables}
    for table in tables:
        for parent in table.parents:
            if parent not in names and not table_exists(connection, world.name, parent):
                raise ConfigurationError(
                    f"{world.name}.{table.name} refers to {world.name}.{parent}, which is not"
                    f" there: seed that first, or the whole world with `lsats seed {world.name}`"
                )


def register(
    connection: Connection,
    world: World,
    tables: Sequence[WorldTable],
    kept: Ledger,
    *,
    make: bool,
) -> None:
    """Enter tables in the world's record, and `make` those that are not there, with all keys.

    One at a time, so that of two writers with different options the second is refused.
    """
    with connection.transaction():
        alone_for_now(connection, f"{world.name}:record")
        if not kept.exists(connection):
            kept.make(connection)
        kept.require_same(connection)
        require_parents(connection, world, tables)
        for table in tables:
            strangers = 0
            if table_exists(connection, world.name, table.name):
                if not kept.blocks(connection, table.name):
                    strangers = count(connection, _kept(world, table))
            elif make:
                lock_parents(connection, world, table)
                connection.execute(ddl.bare_table(table.table))
                for statement in ddl.keys(table.table):
                    connection.execute(statement)
                comment(connection, [_words(world, table)])
            kept.add_table(connection, table.name, strangers)


def lock_parents(connection: Connection, world: World, table: WorldTable) -> None:
    """Take the locks that a new reference takes, in the same order for every table.

    Otherwise two writers that make tables wait for each other.
    """
    for parent in table.parents:
        connection.execute(
            sql.SQL("lock table {} in share row exclusive mode").format(
                sql.Identifier(world.name, parent)
            )
        )


def count(connection: Connection, table: sql.Identifier) -> int:
    """Rows of a table."""
    row = connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchone()
    assert row is not None
    return int(row[0])


def _kept(world: World, table: WorldTable) -> sql.Identifier:
    return sql.Identifier(world.name, table.name)


def _words(world: World, table: WorldTable) -> Words:
    columns = {column.name: column.comment or "" for column in table.table.columns}
    return Words("table", world.name, table.name, table.about, columns)


def _where(world: World, error: psycopg.Error) -> str:
    """The constraint and PostgreSQL's message about it."""
    reason = error.diag.message_detail or error.diag.message_primary or str(error)
    table = f"{world.name}.{error.diag.table_name}" if error.diag.table_name else world.name
    return f"{table}: {error.diag.constraint_name or 'a constraint'} is violated: {reason}"
