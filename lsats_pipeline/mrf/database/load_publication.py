"""The last step of a load: the tables of a file become visible in one transaction, or do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.core.errors import TransientError
from lsats_pipeline.mrf.database import relational
from lsats_pipeline.mrf.database.partitions import (
    Contents,
    Shard,
    comment,
    partition_of,
    prefix_of,
)
from lsats_pipeline.mrf.database.table_definitions import LOADED, STORED, Stored, tables_of
from lsats_pipeline.mrf.workspace import Published
from lsats_pipeline.warehouse.database import Connection

# How long readers may hold up the last step; others queue behind it, so it waits in short tries.
_TRIES, _TRY_MS, _PAUSE = 40, 1500, 0.5
# What was a table before, and may still hold files that are to be taken out.
_FORMER = ("in_network",)
ALL_TABLES = (*STORED, *_FORMER)


@dataclass(frozen=True)
class Copies:
    """The shards of a file, all of them copied, and the rows of each Parquet table."""

    published: Published
    content: str
    shards: Sequence[Shard]
    done: dict[str, Contents]
    rows: dict[str, int]

    @property
    def substituted(self) -> int:
        """Stored values in which a NUL was replaced."""
        return sum(contents.substituted for contents in self.done.values())


def publish(connection: Connection, copies: Copies) -> None:
    """The new content in the place of the old, in one step; then statistics for the planner."""

    def swap() -> None:
        forget(connection, copies.published.file)
        for name in LOADED:
            if shards := [shard for shard in copies.shards if shard.of == name]:
                _attach(connection, copies, name, shards)
        _record_loaded(connection, copies)

    patiently(connection, swap)
    patiently(connection, lambda: relational.analyze_whole(connection))


def forget(connection: Connection, file: str) -> None:
    """Drop the partitions of a file, shards and all."""
    for name in ALL_TABLES:
        partitions = connection.execute(
            "select relid::regclass::text from pg_partition_tree(to_regclass(%s))"
            " where level = 1 and starts_with(relid::regclass::text, %s)",
            [f"mrf.{name}", f"mrf.{prefix_of(name, file)}"],
        ).fetchall()
        for (partition,) in partitions:
            table = relational.table(partition.removeprefix("mrf."))
            connection.execute(sql.SQL("drop table {}").format(table))
    connection.execute("delete from mrf.loaded where file = %s", [file])


def _attach(connection: Connection, copies: Copies, name: str, shards: Sequence[Shard]) -> None:
    """The shards of a Parquet table become partitions. No row is read: constraints prove them."""
    for of in tables_of(name):
        if of.by_file:
            _attach_file(connection, copies, of, shards)
            continue
        for shard in shards:
            connection.execute(
                sql.SQL("alter table {} attach partition {} for values in ({})").format(
                    relational.table(of.name), relational.table(shard.table(of)),
                    sql.Literal(copies.done[shard.name].shard),
                )
            )  # fmt: skip


def _attach_file(
    connection: Connection, copies: Copies, of: Stored, shards: Sequence[Shard]
) -> None:
    """The file's partition, and its shards in that."""
    file, partition = copies.published.file, partition_of(of.name, shards[0].file, copies.content)
    parts = {
        "table": relational.table(of.name),
        "partition": relational.table(partition),
        "file": sql.Literal(file),
    }
    connection.execute(
        sql.SQL(
            "create table {partition} (like {table}, constraint of_file check (file = {file}))"
            " partition by range (span)"
        ).format(**parts)
    )
    for shard in shards:
        connection.execute(
            sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
                parts["partition"], relational.table(shard.table(of)),
                sql.Literal(shard.first), sql.Literal(shard.end),
            )
        )  # fmt: skip
    rows = copies.rows[of.of]
    contents = Contents(file=file, rows=rows, substituted=copies.substituted)
    comment(connection, partition, contents)
    connection.execute(
        sql.SQL("alter table {table} attach partition {partition} for values in ({file})").format(
            **parts
        )
    )


def _record_loaded(connection: Connection, copies: Copies) -> None:
    published = copies.published
    connection.execute(
        "insert into mrf.loaded (file, content, sha256, version, reporting_entity, last_updated_on,"
        " row_counts, nul_substituted) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            published.file, copies.content, published.sha256, published.version,
            published.reporting_entity, published.last_updated_on, Jsonb(copies.rows),
            copies.substituted,
        ],
    )  # fmt: skip


def patiently(connection: Connection, work: Callable[[], None]) -> None:
    """Do it in a transaction; when readers are in the way, again after a pause."""
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("set local lock_timeout = {}").format(sql.Literal(_TRY_MS))
                )
                work()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            time.sleep(_PAUSE)
        else:
            return
    raise TransientError(
        "readers of the tables of schema mrf keep them locked: end their transactions"
        " (`select * from pg_stat_activity`), and run the same command again; it only has the last"
        " step left"
    )
