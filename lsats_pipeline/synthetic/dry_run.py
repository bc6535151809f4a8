"""A dry run: what would be written, some rows of it, and how long it would take. Writes nothing.

Two blocks of every table are generated, validated and rendered; for a database they are also
stored, with keys and indexes, in a transaction that is rolled back. The estimate comes from that.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from psycopg import Rollback, sql

from lsats_pipeline.synthetic.blocks import make
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.seeding import Seeding
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.targets import ddl
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.synthetic.targets.database import copy_text
from lsats_pipeline.synthetic.targets.session import Connection, Session
from lsats_pipeline.synthetic.validation import Verification


@dataclass(frozen=True)
class TablePlan:
    """What would be written to one table; `seconds` is estimated."""

    table: str
    rows: int
    blocks: int
    megabytes: float
    seconds: float
    examples: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class DryRun:
    """What a seeding would do."""

    world: str
    tables: tuple[TablePlan, ...]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def seconds(self) -> float:
        """Estimated, of all tables."""
        return sum(table.seconds for table in self.tables)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line a table."""
        return tuple(
            f"{t.table}: would write {t.rows:,} rows in {t.blocks} blocks, about"
            f" {t.megabytes:.1f} MB and {t.seconds:.1f} s"
            for t in self.tables
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        tables = [asdict(table) for table in self.tables]
        return {
            "world": self.world,
            "rows": self.rows,
            "seconds": round(self.seconds, 2),
            "tables": tables,
        }


def plan_seeding(seeding: Seeding, url: str = "", examples: int = 3) -> DryRun:
    """What `seed` would do; `url` when it would write to a database."""
    if seeding.world.required:
        seeding.world.required(seeding.options)
    # Nothing of the world is touched: only other dry runs are waited for.
    claim = Claim(seeding.world.name, "dry_run")
    session = Session(url, seeding.world.name, claim=claim) if url else None
    try:
        plans = tuple(_plan(seeding, table, session, examples) for table in seeding.chosen)
    finally:
        if session:
            session.close()
    return DryRun(seeding.world.name, plans)


def _plan(seeding: Seeding, table: WorldTable, session: Session | None, examples: int) -> TablePlan:
    blocks = list(table.blocks(seeding.world.name, seeding.options))
    if (numbers := seeding.blocks.get(table.name)) is not None:
        blocks = [blocks[number] for number in numbers]
    if not blocks:
        return TablePlan(table.name, 0, 0, 0.0, 0.0, ())
    # The first block also pays for what all blocks share: dictionaries, plans.
    first, warm = _timed(seeding, table, blocks[0], session)
    again, _ = _timed(seeding, table, blocks[min(1, len(blocks) - 1)], session)
    rows = sum(map(len, blocks))
    share = rows / warm.num_rows
    return TablePlan(
        table.name,
        rows,
        len(blocks),
        share * csv_text(warm).size / 2**20,
        max(0.0, first - again) + again * share,
        tuple(warm.slice(0, examples).to_pylist()),
    )


def _timed(
    seeding: Seeding, table: WorldTable, block: Block, session: Session | None
) -> tuple[float, pa.RecordBatch]:
    """Seconds that a block takes, and its rows."""
    started = time.perf_counter()
    batch = make(table, block).batch
    verification = Verification(seeding.world, seeding.options, [table.name], incomplete=True)
    verification.add(table.name, batch)
    text = csv_text(batch)
    if session is not None:
        session.reliably(lambda connection: _copied(connection, table, text))
    return time.perf_counter() - started, batch


def _copied(connection: Connection, table: WorldTable, text: pa.Buffer) -> None:
    """Store a block with keys and indexes in a schema of its own, and roll it back."""
    scratch = table.table.to_metadata(sa.MetaData(), schema=f"{table.table.schema}_dry_run")
    with connection.transaction() as transaction:
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(str(scratch.schema))))
        connection.execute(ddl.bare_table(scratch))
        copy_text(connection, sql.Identifier(str(scratch.schema), scratch.name), table, text)
        for statement in ddl.keys(scratch, references=False):
            connection.execute(statement)
        raise Rollback(transaction)
