"""A world into PostgreSQL batch by batch: what cannot be stored is set aside, the rest goes on.

batch ─ COPY ─▶ temporary table ─ by natural key ─▶ table, in one transaction
  └─ refused ─▶ halves ─▶ ... ─▶ the rows at fault ─▶ rejects file, each with its reason
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import psycopg
import pyarrow as pa
from psycopg import sql

from lsats_pipeline.synthetic.choices import LEAST_BATCH, MOST_BATCH
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.rejects import Rejects
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets import Rendered, WriteCounts, ddl
from lsats_pipeline.synthetic.targets.database import (
    clear,
    copy_text,
    count,
    register,
    require_parents,
)
from lsats_pipeline.synthetic.targets.ledger import Ledger, table_exists
from lsats_pipeline.synthetic.targets.session import Connection, Session
from lsats_pipeline.synthetic.targets.upsert import merge, rename_strangers

log = logging.getLogger(__name__)
_BATCH_TABLE = "seeding_batch"
_GOOD_BEFORE_GROWTH = 5
_GROWTH = 1.25


class BatchSize:
    """Rows that go at once: half of them after a failure or over the memory limit, then more."""

    def __init__(self, first: int, too_much: Callable[[], bool]) -> None:
        self.rows, self._most, self._too_much = first, max(first, MOST_BATCH), too_much
        self._good = 0

    def succeeded(self) -> None:
        """A batch went in whole."""
        if self._too_much():
            self.failed()
            return
        self._good += 1
        if self._good >= _GOOD_BEFORE_GROWTH:
            self._set(int(self.rows * _GROWTH))

    def failed(self) -> None:
        """A batch did not, or memory is short."""
        self._set(self.rows // 2)

    def _set(self, rows: int) -> None:
        self._good = 0
        bounded = min(max(rows, LEAST_BATCH), self._most)
        if bounded != self.rows:
            log.info("📦 batches of %s rows instead of %s", f"{bounded:,}", f"{self.rows:,}")
        self.rows = bounded


class BatchTarget:
    """Every batch is a transaction; a killed run leaves whole batches, and a second finds them."""

    name = "db"

    def __init__(
        self,
        session: Session,
        world: World,
        options: WorldOptions,
        rejects: Rejects,
        size: BatchSize,
        *,
        clear: bool = False,
    ) -> None:
        self._session, self._world, self._clear = session, world, clear
        self._rejects, self._size = rejects, size
        self._kept = Ledger(world, options, world.name)
        self._tables: tuple[WorldTable, ...] = ()

    def open(self, tables: Sequence[WorldTable]) -> None:
        """Check what is there, and make the tables that are not."""
        self._tables = tuple(tables)
        self._session.reliably(self._prepare)

    def write(self, table: WorldTable, block: Rendered) -> WriteCounts:
        """Store a block in batches."""
        before, written, at = self._session.retries, WriteCounts(), 0
        while at < block.batch.num_rows:
            batch = block.batch.slice(at, self._size.rows)
            at += batch.num_rows
            written = written.plus(self._store(table, batch))
        mark = (block.number, block.batch.num_rows, block.sha256)
        self._session.reliably(lambda c: self._kept.add_blocks(c, table.name, [mark]))
        return written._replace(retries=self._session.retries - before)

    def finish(self) -> dict[str, WriteCounts]:
        """Let the planner know of the rows; they are all visible already."""
        self._session.reliably(self._analyze)
        return {}

    def abandon(self, *, resumable: bool) -> None:
        """What is in stays: that is what this way of writing is for."""

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _prepare(self, connection: Connection) -> None:
        if not self._session.claim.whole_world:
            register(connection, self._world, self._tables, self._kept, make=True)
            return
        with connection.transaction():
            if self._kept.exists(connection) and not self._clear:
                self._kept.require_same(connection)
            require_parents(connection, self._world, self._tables)
            self._kept.make(connection)
            if self._clear:
                clear(connection, self._world, self._tables, self._kept)
            for table in self._tables:
                self._prepare_table(connection, table)

    def _prepare_table(self, connection: Connection, table: WorldTable) -> None:
        strangers = 0
        if not table_exists(connection, self._world.name, table.name):
            connection.execute(ddl.bare_table(table.table))
            for statement in ddl.keys(table.table):
                connection.execute(statement)
        elif not self._kept.blocks(connection, table.name):
            strangers = count(connection, sql.Identifier(self._world.name, table.name))
        self._kept.add_table(connection, table.name, strangers)

    def _analyze(self, connection: Connection) -> None:
        for table in self._tables:
            name = sql.Identifier(self._world.name, table.name)
            connection.execute(sql.SQL("analyze {}").format(name))

    def _store(self, table: WorldTable, batch: pa.RecordBatch) -> WriteCounts:
        """A batch, or what of it can be stored: the rows at fault are found by halving."""
        try:
            written = self._session.reliably(lambda c: self._upsert(c, table, batch))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if batch.num_rows == 1:
                return self._set_aside(table, batch, error)
            self._size.failed()
            half = batch.num_rows // 2
            return self._store(table, batch.slice(0, half)).plus(
                self._store(table, batch.slice(half))
            )
        self._size.succeeded()
        return written

    def _upsert(
        self, connection: Connection, table: WorldTable, batch: pa.RecordBatch
    ) -> WriteCounts:
        staged = sql.Identifier(_BATCH_TABLE)
        with connection.transaction():
            connection.execute(ddl.temporary_table(table.table, _BATCH_TABLE))
            copy_text(connection, staged, table, csv_text(batch))
            renamed = rename_strangers(connection, self._world, table, staged)
            alone = self._session.claim.whole_world
            return merge(connection, self._world, table, staged, alone=alone).plus(renamed)

    def _set_aside(
        self, table: WorldTable, row: pa.RecordBatch, error: psycopg.Error
    ) -> WriteCounts:
        rule = error.diag.constraint_name or type(error).__name__
        self._rejects.add(table, row, rule, error.diag.message_primary or str(error))
        return WriteCounts(rejected=1)
