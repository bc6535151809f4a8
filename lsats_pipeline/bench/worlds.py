"""The synthetic worlds' figures: what the predecessors took, floors of the same run, ratios.

lsats seed, a process of its own ─▶ seconds, memory (server included)
the same rows as files ─▶ bare COPY and keys: the floor
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from psycopg import sql

from lsats_pipeline.bench.figures import Figure, seconds
from lsats_pipeline.bench.processes import Cost, cost_of
from lsats_pipeline.bench.scratch import scratch_database
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.synthetic.blocks import make
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.dry_run import plan_seeding
from lsats_pipeline.synthetic.seed_options import choose
from lsats_pipeline.synthetic.seeding import Seeding
from lsats_pipeline.synthetic.spec import WorldTable
from lsats_pipeline.synthetic.targets import ddl
from lsats_pipeline.synthetic.targets.database import copy_text
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.warehouse.database import Connection, connect

ADMIN = {"DB_USER_ADMIN_UUID": str(uuid.UUID(int=1, version=4))}
# What, world, flags, which seconds, and how many: from what the predecessors took on a machine like
# this (domain/world_retail.md 9, world_studio.md 8, a tenth of it), for jobs from its issue.
_REFERENCE: tuple[tuple[str, str, tuple[str, ...], str, float], ...] = (
    ("retail, 2.2 million snapshot rows", "retail", (), "processor", 15.6),
    ("jobs, 100,000 rows", "jobs", (), "wall", 10.0),
    ("studio, 10,000 a table", "studio", (
        "--users", "10000", "--content-items", "10000", "--content-items-auto", "10000",
    ), "wall", 2.59),
    ("studio, 242,948 rows", "studio", (), "wall", 10.1),
)  # fmt: skip


def figures(settings: HubSettings) -> Iterator[Figure]:
    """Every world at its reference volume, then the engine's ratios."""
    for what, name, flags, kind, goal in _REFERENCE:
        with scratch_database(settings) as url:
            cost = cost_of(["seed", name, *flags, "--database-url", url], url, ADMIN)
            spent = cost.processor if kind == "processor" else cost.wall
            unit = "CPU s" if kind == "processor" else "s"
            yield Figure(f"{what}: {unit}", spent, goal, detail=cost.line)
            if name == "retail":
                yield _time_left(cost)
            yield Figure(f"{what}: peak MB", cost.megabytes, 1024, detail=cost.line)
        yield _against_floor(settings, name, what, cost)
    yield _workers()
    with scratch_database(settings) as url:
        yield _bulk_against_single_rows(url)
    yield from _estimate(settings)


def _time_left(cost: Cost) -> Figure:
    """The time left as estimated after a quarter of the rows against what it took."""
    blocks = cost.output["batches"]
    quarter = next(b for b in blocks if b["done"] * 4 >= b["total"])
    left = quarter["seconds_left"]
    took = blocks[-1]["elapsed"] - quarter["elapsed"]
    detail = f"estimated {left:.1f} s after a quarter, took {took:.1f} s"
    return Figure("time left off by", abs(left - took) / took, 0.2, detail=detail)


def _against_floor(settings: HubSettings, name: str, what: str, cost: Cost) -> Figure:
    """The whole seeding against COPY of prepared lines and building the keys and indexes."""
    declared = world(name)
    options = declared.options(**cost.output["options"])
    with scratch_database(settings) as url:
        session = Session(url, name)
        connection = session.connection()
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(name)))
        copied = keyed = 0.0
        for table in declared.tables:
            texts = [csv_text(make(table, b).batch) for b in table.blocks(name, options)]
            copied += seconds(partial(_copied, connection, table, texts))
            keyed += seconds(partial(_keyed, connection, table))
        session.close()
    floor = copied + keyed
    detail = (
        f"bare COPY {copied:.1f} s, keys and indexes {keyed:.1f} s; seeded {cost.wall:.1f} s with"
        " start, rules, hashes, statistics"
    )
    return Figure(f"{what}: seeded against bare COPY", cost.wall / floor, 2.0, detail=detail)


def _copied(connection: Connection, table: WorldTable, texts: list[pa.Buffer]) -> None:
    connection.execute(ddl.bare_table(table.table))
    for text in texts:
        copy_text(connection, sql.Identifier(str(table.table.schema), table.name), table, text)


def _keyed(connection: Connection, table: WorldTable) -> None:
    for statement in ddl.keys(table.table):
        connection.execute(statement)


def _workers() -> Figure:
    """Text by two processes against one, without a database."""
    with tempfile.TemporaryDirectory() as folder:
        one, two = (_text_seconds(Path(folder), workers) for workers in (1, 2))
    detail = f"one {one:.1f} s, two {two:.1f} s to make and write the text of world studio"
    return Figure("text by two workers against one", two / one, 0.7, detail=detail)


def _text_seconds(folder: Path, workers: int) -> float:
    flags = ["--to", "csv", "--out", str(folder), "--workers", str(workers)]
    output = _run(["seed", "studio", *flags, "--table", "content_items_auto"])
    return float(output["seconds"])


def _run(arguments: list[str]) -> Mapping[str, Any]:
    cost = cost_of(arguments, "", ADMIN)
    output: Mapping[str, Any] = cost.output
    return output


def _bulk_against_single_rows(url: str) -> Figure:
    """10,000 customers by INSERT, one by one in one transaction, against COPY."""
    table = world("retail").table("customers")
    options = choose(world("retail"), {"customers": 10_000})
    batch = make(table, next(table.blocks("retail", options))).batch
    rows, names = batch.to_pylist(), table.schema.names
    statement = sql.SQL("insert into retail.customers values ({})").format(
        sql.SQL(", ").join(map(sql.Placeholder, names))
    )
    with connect(url, autocommit=True) as connection:
        connection.execute("create schema retail")
        connection.execute(ddl.bare_table(table.table))

        def single() -> None:
            with connection.transaction():
                for row in rows:
                    connection.execute(statement, row)

        def bulk() -> None:
            text = csv_text(batch)
            copy_text(connection, sql.Identifier("retail", "customers"), table, text)

        slow, fast = seconds(single), seconds(bulk)
    detail = f"{len(rows):,} rows: one by one {slow:.2f} s, COPY {fast:.3f} s"
    return Figure("COPY against rows one by one, times", slow / fast, 10, True, detail)


def _estimate(settings: HubSettings) -> Iterator[Figure]:
    """What a dry run estimates against the seeding itself."""
    declared = world("jobs")
    with scratch_database(settings) as url:
        estimated = plan_seeding(Seeding(declared, choose(declared)), url).seconds
        cost = cost_of(["seed", "jobs", "--database-url", url, "--workers", "1"], url, {})
    took = float(cost.output["seconds"])
    off = abs(estimated - took) / took
    detail = f"estimated {estimated:.1f} s, took {took:.1f} s"
    yield Figure("a dry run's estimate off by", off, 0.5, detail=detail)
