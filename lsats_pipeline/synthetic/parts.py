"""A part of a world, a table or some blocks of it, made while others make other parts.

missing parents ─▶ each whole, unless another run has just made it ─▶ the part itself

Any part can come first, and any number of them side by side: nobody holds one claim while waiting
for another table's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import psycopg

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.synthetic.choices import BATCH
from lsats_pipeline.synthetic.pipeline import TARGETS, build_pipeline
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.stored_worlds import missing_blocks, verify_database
from lsats_pipeline.synthetic.targets.claim import Claim, alone_for_now
from lsats_pipeline.synthetic.targets.database import DatabaseTarget, clear
from lsats_pipeline.synthetic.targets.ledger import Ledger, seeded, table_exists
from lsats_pipeline.synthetic.targets.session import Connection, Session
from lsats_pipeline.synthetic.validation import Results, Verification
from lsats_pipeline.warehouse.database import connect

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destination:
    """Where parts of a world go, and how: `to` and the others as `lsats seed` has them."""

    to: str
    url: str
    folder: Path
    skip: bool = False
    batch_size: int = BATCH

    @property
    def in_database(self) -> bool:
        """Whether the database is a target."""
        return "db" in TARGETS[self.to]


class MadeParent(NamedTuple):
    """Blocks of a table that were made because rows of another refer to it."""

    table: WorldTable
    blocks: tuple[int, ...]  # none: all of them
    rows: int


def seed_part(seeding: Seeding, where: Destination) -> SeedReport:
    """Seed one table, or the blocks of it that `seeding` names; raises what went wrong."""
    (table,) = seeding.chosen
    claim = Claim(seeding.world.name, table.name, tuple(seeding.blocks.get(table.name, ())))
    report = seed(
        *build_pipeline(
            seeding,
            where.to,
            where.url,
            where.folder,
            skip=where.skip,
            batch_size=where.batch_size,
            claim=claim,
        )
    )
    if report.error:
        raise report.error
    return report


def seed_missing_parents(seeding: Seeding, url: str) -> list[MadeParent]:
    """Seed what the rows of a table refer to and what is not in: whole tables, parents first."""
    (table,) = seeding.chosen
    made = list[MadeParent]()
    for parent in _ancestors(seeding.world, table):
        for numbers in _missing(url, seeding, parent):
            report = _seed_unless_there(seeding, url, parent, numbers)
            if report is not None:
                made.append(MadeParent(parent, numbers, report.rows))
    return made


def results_of(seeding: Seeding, where: Destination, report: SeedReport | None) -> Results | None:
    """How the rules fare: over the stored table once all its blocks are in, before over the part.

    Rules that look at tables still to come are evaluated over what these will be (`seed` makes it).
    None when nothing was made and blocks are still missing.
    """
    (table,) = seeding.chosen
    if where.in_database and not where.skip:
        needed = Verification(seeding.world, seeding.options, [table.name]).tables
        with connect(where.url) as connection:
            there = seeded(connection, seeding.world.name)
        tables = [seeding.world.table(name) for name in {table.name, *needed}]
        if not any(missing_blocks(t, seeding.options, there.get(t.name)) for t in tables):
            return verify_database(where.url, seeding.world, [table.name])
    return report.results if report else None


def clear_once(
    world: World, options: WorldOptions, url: str, tables: Sequence[str], run: str
) -> None:
    """Delete the rows of these tables, children first, once for a run and these options.

    Busy when another run writes the world.
    """
    chosen = [table for table in world.tables if table.name in tables]
    kept = Ledger(world, options, world.name)
    with connect(url, autocommit=True) as connection, connection.transaction():
        # Steps of one run side by side: the first clears, the others find that it has.
        alone_for_now(connection, f"{world.name}:clearing")
        kept.make(connection)
        chosen_by = sha256(options.model_dump_json().encode()).hexdigest()[:12]
        if not kept.clears_for(connection, f"{run} {chosen_by}"):
            return
        Claim(world.name).take_for_transaction(connection)
        try:
            clear(connection, world, chosen, kept)
        except psycopg.IntegrityError as error:
            raise PermanentError(
                f"rows of {error.diag.schema_name}.{error.diag.table_name} refer to rows that"
                " `clear` would delete: run their tables too; the database is as it was before"
            ) from error
    log.info("🧹 %s: rows of %s were deleted", world.name, ", ".join(t.name for t in chosen))


def _ancestors(world: World, table: WorldTable) -> Iterator[WorldTable]:
    """What a table refers to, directly or not, parents first."""
    names, waiting = set[str](), list(table.parents)
    while waiting:
        name = waiting.pop()
        names.add(name)
        waiting += set(world.table(name).parents) - names
    return (each for each in world.tables if each.name in names)


def _missing(url: str, seeding: Seeding, table: WorldTable) -> Iterator[tuple[int, ...]]:
    """What there is to make of a table: nothing, all of it at once (), or block by block."""
    blocks = [block.number for block in table.blocks(seeding.world.name, seeding.options)]
    there = _blocks_now(url, seeding, table)
    if not there and blocks:
        yield ()
        # Another run may have made some of it, and no more, while this one waited for its turn.
        there = _blocks_now(url, seeding, table)
    yield from ((number,) for number in blocks if number not in there)


def _seed_unless_there(
    seeding: Seeding, url: str, table: WorldTable, numbers: tuple[int, ...]
) -> SeedReport | None:
    """None when another run has made them while this one waited for its turn."""
    world, options = seeding.world, seeding.options
    session = Session(url, world.name, claim=Claim(world.name, table.name, numbers))
    there = session.reliably(lambda connection: blocks_in(connection, seeding, table))
    blocks = {table.name: numbers} if numbers else {}
    part = replace(seeding, tables=(table.name,), blocks=blocks, rejects=None, verify_stored=None)
    if there.issuperset(numbers) and there:
        session.close()
        return None
    log.info("🧱 %s.%s is not all there: making %s", world.name, table.name, numbers or "it")
    report = seed(part, [DatabaseTarget(session, world, options)])
    if report.error:
        raise report.error
    return report


def _blocks_now(url: str, seeding: Seeding, table: WorldTable) -> set[int]:
    with connect(url) as connection:
        return blocks_in(connection, seeding, table)


def blocks_in(connection: Connection, seeding: Seeding, table: WorldTable) -> set[int]:
    """Numbers of the blocks of a table that are stored."""
    kept = Ledger(seeding.world, seeding.options, seeding.world.name)
    there = kept.exists(connection) and table_exists(connection, seeding.world.name, table.name)
    return set(kept.blocks(connection, table.name)) if there else set()
