"""A published file into PostgreSQL: shards beside each other, then visible in one transaction.

parts ─▶ shards, tables nobody sees yet: COPY and indexes, a transaction each ─▶ counted
      ─▶ one transaction: the file's old partitions go, the new ones come, `mrf.loaded` says so

Whatever is killed, readers see the old content until that transaction. Shards that are whole stay
for the next load of the same content, which goes on from there.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.errors import FixConfiguration, GiveUp, TryAgain
from lsats_pipeline.mrf.database import relational
from lsats_pipeline.mrf.database.shards import (
    Contents,
    Shard,
    Stopped,
    comment,
    copy,
    prefix_of,
    shards_of,
    whole,
)
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.workspace import LAYOUT, Published, Workspace
from lsats_pipeline.settings import HubSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

# PostgreSQL took 13 times the bytes of the Parquet files with its indexes (docs/decisions/0021).
GROWTH = 20
# How long readers may hold up the last step; others queue behind it, so it waits in short tries.
_TRIES, _TRY_MS, _PAUSE = 40, 1500, 0.5

Progress = Callable[[Literal["load"], int, int], None]
"""Called with bytes of Parquet done, and in all."""


@dataclass(frozen=True)
class Loaded:
    """What became of one file. `substituted` values had a NUL, which PostgreSQL does not store."""

    file: str
    state: Literal["loaded", "unchanged"]
    rows: dict[str, int]
    substituted: int
    seconds: float
    shards_resumed: int = 0


def load_file(
    warehouse: Warehouse,
    exports: Path,
    file: str,
    *,
    connections: int,
    server: Path | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Bring a published file into the tables; the same content again changes nothing.

    `server` is the folder of a server on this machine, to see whether there is room.
    """
    begun = time.monotonic()
    workspace = Workspace(exports, file)
    with workspace.locked(), _writing(warehouse, file) as connection:
        published = _published(workspace)
        _declare(warehouse, connection)
        content = content_of(published)
        if found := _loaded(connection, file, content):
            return Loaded(file, "unchanged", *found, time.monotonic() - begun)
        shards = shards_of(workspace.final, file, content, connections)
        done = _left(connection, file, shards)
        waiting = [shard for shard in shards if shard.table not in done]
        _room_for(waiting, server)
        done |= _copied(warehouse.url, waiting, connections, progress)
        rows = _counted(published, shards, done)
        substituted = sum(contents.substituted for contents in done.values())
        _publish(connection, published, shards, rows, substituted)
    seconds = time.monotonic() - begun
    return Loaded(file, "loaded", rows, substituted, seconds, len(shards) - len(waiting))


def unload_file(warehouse: Warehouse, file: str) -> int:
    """Take a file out of the tables; returns how many rows there were. Its Parquet stays."""
    with _writing(warehouse, file) as connection:
        row = None
        if relational.is_declared(connection) or relational.holds_files(connection):
            row = connection.execute(
                "select row_counts from mrf.loaded where file = %s", [file]
            ).fetchone()
            _left(connection, file, ())
        if row is None:
            return 0
        _patiently(connection, lambda: _forget(connection, file))
    return sum(row[0].values())


def loaded_files(warehouse: Warehouse) -> list[str]:
    """The files that the tables hold."""
    with warehouse.connection() as connection:
        if not relational.holds_files(connection):
            return []
        rows = connection.execute("select file from mrf.loaded order by file").fetchall()
    return [row[0] for row in rows]


def server_folder(settings: HubSettings) -> Path | None:
    """Where the database's files are; None for a server that may be on another machine."""
    return None if settings.database_url else settings.lsats_home / "postgres"


def content_of(published: Published) -> str:
    """The same for the same file of which the same was made."""
    text = f"{LAYOUT} {published.sha256} {sorted(published.sums.rows.items())}"
    text += f" {published.sums.cents} {published.sums.allowed_cents}"
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _writing(warehouse: Warehouse, file: str) -> Iterator[Connection]:
    """The connection of the one who loads this file; errors of the server as ours."""
    try:
        with warehouse.writer(f"mrf-load/{file}") as connection:
            yield connection
    except psycopg.errors.DiskFull as error:
        raise GiveUp(
            f"{file}: the database server has no room left ({str(error).strip()}): make some, or"
            " leave the file as Parquet, which takes about a twentieth"
        ) from error
    except psycopg.OperationalError as error:
        raise TryAgain(
            f"{file}: the database was lost while loading ({str(error).strip()}): what was there"
            " before still is; run the same command again, and it goes on from there"
        ) from error


def _published(workspace: Workspace) -> Published:
    if (published := workspace.published) is None:
        raise FixConfiguration(
            f"there is nothing published as {workspace.file}: `lsats mrf run FILE` first, and"
            " `lsats mrf status` for what there is"
        )
    return published


def _declare(warehouse: Warehouse, connection: Connection) -> None:
    if relational.is_declared(connection):
        return
    if relational.holds_files(connection):
        raise FixConfiguration(
            "the tables of schema mrf were made by another version, and hold files: take them out"
            " with `lsats mrf unload --all`, and load them again"
        )
    with warehouse.owner() as owner:
        relational.declare(owner)


def _loaded(connection: Connection, file: str, content: str) -> tuple[dict[str, int], int] | None:
    row = connection.execute(
        "select row_counts, nul_substituted from mrf.loaded where file = %s and content = %s",
        [file, content],
    ).fetchone()
    return (row[0], row[1]) if row else None


def _left(connection: Connection, file: str, shards: Sequence[Shard]) -> dict[str, Contents]:
    """What a load before left of these shards; what else is left of the file is dropped."""
    wanted = {shard.table for shard in shards}
    done = {}
    for name in TABLES:
        for table, contents in whole(connection, name, file).items():
            if contents and table in wanted:
                done[table] = contents
            else:
                connection.execute(sql.SQL("drop table {}").format(relational.table(table)))
    return done


def _room_for(shards: Sequence[Shard], server: Path | None) -> None:
    if server is None:
        return
    needed, free = GROWTH * sum(shard.size for shard in shards), shutil.disk_usage(server).free
    if free < needed:
        raise GiveUp(
            f"{server} has {free:,} bytes free, and the rows may need {needed:,}, {GROWTH} times"
            " their Parquet files: make room, or query the Parquet files as they are"
        )


def _copied(
    url: str, shards: Sequence[Shard], connections: int, progress: Progress | None
) -> dict[str, Contents]:
    """Copy shards beside each other; the first failure stops the others."""
    total, at, stop = sum(shard.size for shard in shards), 0, threading.Event()
    counting = threading.Lock()

    def done(size: int) -> None:
        nonlocal at
        with counting:
            at += size
            if progress:
                progress("load", at, total)

    def one(shard: Shard) -> Contents:
        try:
            return copy(url, shard, stop, done)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(connections) as threads:
        running = [threads.submit(one, shard) for shard in shards]
        try:
            failures = [error for future in running if (error := future.exception())]
        except BaseException:  # somebody wants to stop
            stop.set()
            threads.shutdown(cancel_futures=True)
            raise
    for error in failures:
        if not isinstance(error, Stopped):
            raise error
    return {s.table: future.result() for s, future in zip(shards, running, strict=True)}


def _counted(
    published: Published, shards: Sequence[Shard], done: dict[str, Contents]
) -> dict[str, int]:
    """Rows by table; GiveUp unless they are those of the published file."""
    rows = dict.fromkeys(TABLES, 0)
    for shard in shards:
        rows[shard.of] += done[shard.table].rows
    for name, found in rows.items():
        written = published.sums.rows.get(name, 0)
        written += published.sums.rows.get("inline_groups", 0) * (name == "provider_references")
        if found != written:
            raise GiveUp(
                f"{published.file}: {name} has {written:,} rows as published, and {found:,} were"
                " copied: please report this"
            )
    return rows


def _publish(
    connection: Connection,
    published: Published,
    shards: Sequence[Shard],
    rows: dict[str, int],
    substituted: int,
) -> None:
    def swap() -> None:
        _forget(connection, published.file)
        for name in TABLES:
            if of_table := [shard for shard in shards if shard.of == name]:
                contents = Contents(file=published.file, rows=rows[name], substituted=substituted)
                _attach(connection, name, of_table, contents)
        _remember(connection, published, rows, substituted)

    _patiently(connection, swap)


def _forget(connection: Connection, file: str) -> None:
    """Drop the partitions of a file, shards and all."""
    for name in TABLES:
        partitions = connection.execute(
            "select relid::regclass::text from pg_partition_tree(%s::regclass)"
            " where level = 1 and starts_with(relid::regclass::text, %s)",
            [f"mrf.{name}", f"mrf.{prefix_of(name, file)}"],
        ).fetchall()
        for (partition,) in partitions:
            table = relational.table(partition.removeprefix("mrf."))
            connection.execute(sql.SQL("drop table {}").format(table))
    connection.execute("delete from mrf.loaded where file = %s", [file])


def _attach(connection: Connection, name: str, shards: Sequence[Shard], contents: Contents) -> None:
    """The file's partition, and its shards in that. No row is read: constraints prove them."""
    file = contents.file
    partition = shards[0].partition
    parts = {
        "table": relational.table(name),
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
                parts["partition"], relational.table(shard.table),
                sql.Literal(shard.first), sql.Literal(shard.end),
            )
        )  # fmt: skip
    comment(connection, partition, contents)
    connection.execute(
        sql.SQL("alter table {table} attach partition {partition} for values in ({file})").format(
            **parts
        )
    )


def _remember(
    connection: Connection, published: Published, rows: dict[str, int], substituted: int
) -> None:
    connection.execute(
        "insert into mrf.loaded (file, content, sha256, version, reporting_entity, last_updated_on,"
        " row_counts, nul_substituted) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            published.file, content_of(published), published.sha256, published.version,
            published.reporting_entity, published.last_updated_on, Jsonb(rows), substituted,
        ],
    )  # fmt: skip


def _patiently(connection: Connection, work: Callable[[], None]) -> None:
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
    raise TryAgain(
        "readers of the tables of schema mrf keep them locked: end their transactions"
        " (`select * from pg_stat_activity`), and run the same command again; it only has the last"
        " step left"
    )
