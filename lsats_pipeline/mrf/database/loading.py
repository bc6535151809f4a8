"""A published file into PostgreSQL: shards in parallel, then visible in one transaction.

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
from typing import Literal, NamedTuple

import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError, PermanentError, TransientError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.mrf.database import relational
from lsats_pipeline.mrf.database.load_publication import (
    ALL_TABLES,
    Copies,
    forget,
    patiently,
    publish,
)
from lsats_pipeline.mrf.database.partitions import (
    Contents,
    Shard,
    Stopped,
    copy,
    shards_of,
    whole,
)
from lsats_pipeline.mrf.database.table_definitions import LOADED, PROVIDER_FILES
from lsats_pipeline.mrf.text.reading import sha256_of
from lsats_pipeline.mrf.workspace import LAYOUT, Published, Workspace
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection

# PostgreSQL took 7.5 times the bytes of the Parquet files with its indexes (docs/decisions/0021).
GROWTH = 12
# A change of what the tables hold of a file: what is loaded in another way is loaded anew.
LOAD_LAYOUT = 2


class LoadPace(NamedTuple):
    """How far a load is: rows, and the bytes of the source's text that they stand for."""

    rows: int
    of_rows: int
    text: int
    of_text: int


Progress = Callable[[LoadPace], None]


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
    with workspace.locked(), _writer_connection(warehouse, file) as connection:
        published = _published(workspace)
        _declare(warehouse, connection)
        content = content_of(published, workspace.final)
        if found := _loaded(connection, file, content):
            return Loaded(file, "unchanged", *found, time.monotonic() - begun)
        shards = shards_of(workspace.final, file, content, connections)
        done = _left(connection, file, shards)
        waiting = [shard for shard in shards if shard.name not in done]
        _room_for(waiting, server)
        pacing = _Pacing(published, shards, progress)
        done |= _copied(warehouse.url, waiting, connections, pacing)
        rows = _counted(published, workspace.final, shards, done)
        publish(connection, Copies(published, content, shards, done, rows))
        substituted = sum(contents.substituted for contents in done.values())
    seconds = time.monotonic() - begun
    return Loaded(file, "loaded", rows, substituted, seconds, len(shards) - len(waiting))


def unload_file(warehouse: Warehouse, file: str) -> int:
    """Take a file out of the tables; returns how many rows there were. Its Parquet stays."""
    with _writer_connection(warehouse, file) as connection:
        row = None
        if relational.is_declared(connection) or relational.holds_files(connection):
            row = connection.execute(
                "select row_counts from mrf.loaded where file = %s", [file]
            ).fetchone()
            _left(connection, file, ())
        if row is None:
            return 0
        patiently(connection, lambda: forget(connection, file))
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


def content_of(published: Published, folder: Path) -> str:
    """The same for the same file of which the same was made, its provider files included."""
    text = f"{LAYOUT} {LOAD_LAYOUT} {published.sha256} {sorted(published.sums.rows.items())}"
    text += f" {published.sums.cents} {published.sums.allowed_cents}"
    for part in sorted((folder / PROVIDER_FILES).glob("*.parquet")):
        text += f" {part.name} {sha256_of(part)}"
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _writer_connection(warehouse: Warehouse, file: str) -> Iterator[Connection]:
    """The connection of the one who loads this file; errors of the server as ours."""
    try:
        with warehouse.writer(f"mrf-load/{file}") as connection:
            yield connection
    except psycopg.errors.DiskFull as error:
        raise PermanentError(
            f"{file}: the database server has no room left ({str(error).strip()}): make some, or"
            " leave the file as Parquet, which takes an eighth"
        ) from error
    except psycopg.OperationalError as error:
        raise TransientError(
            f"{file}: the database was lost while loading ({str(error).strip()}): what was there"
            " before still is; run the same command again, and it goes on from there"
        ) from error


def _published(workspace: Workspace) -> Published:
    if (published := workspace.published) is None:
        raise ConfigurationError(
            f"there is nothing published as {workspace.file}: `lsats mrf run FILE` first, and"
            " `lsats mrf status` for what there is"
        )
    return published


def _declare(warehouse: Warehouse, connection: Connection) -> None:
    if relational.is_declared(connection):
        if not relational.is_explained(connection):
            with warehouse.owner() as owner:
                relational.explain(owner)
        return
    if relational.holds_files(connection):
        raise ConfigurationError(
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
    """What a load before left of these shards, by their names; all else of the file is dropped."""
    wanted = {table: shard for shard in shards for table in shard.tables.values()}
    done = {}
    for name in ALL_TABLES:
        for table, contents in whole(connection, name, file).items():
            if contents and table in wanted:
                done[wanted[table].name] = contents
            else:
                connection.execute(sql.SQL("drop table {}").format(relational.table(table)))
    return done


def _room_for(shards: Sequence[Shard], server: Path | None) -> None:
    if server is None:
        return
    needed, free = GROWTH * sum(shard.size for shard in shards), shutil.disk_usage(server).free
    if free < needed:
        raise PermanentError(
            f"{server} has {free:,} bytes free, and the rows may need {needed:,}, {GROWTH} times"
            " their Parquet files: make room, or query the Parquet files as they are"
        )


class _Pacing:
    """Reports the progress of shards that are copied in parallel."""

    def __init__(
        self, published: Published, shards: Sequence[Shard], progress: Progress | None
    ) -> None:
        self._rows = dict.fromkeys((shard.name for shard in shards), 0)
        self._of_rows = sum(shard.rows for shard in shards)
        self._of_text = published.text
        self._progress = progress
        self._one_at_a_time = threading.Lock()

    def of(self, shard: Shard) -> Callable[[int], None]:
        """To be called with the rows of a shard that are copied."""

        def done(rows: int) -> None:
            with self._one_at_a_time:
                self._rows[shard.name] = rows
                if self._progress:
                    self._progress(self._pace())

        return done

    def _pace(self) -> LoadPace:
        rows = sum(self._rows.values())
        text = self._of_text * rows // max(self._of_rows, 1)
        return LoadPace(rows, self._of_rows, text, self._of_text)


def _copied(
    url: str, shards: Sequence[Shard], connections: int, pacing: _Pacing
) -> dict[str, Contents]:
    """Copy shards in parallel; the first failure stops the others."""
    stop = threading.Event()

    def one(shard: Shard) -> Contents:
        try:
            return copy(url, shard, stop, pacing.of(shard))
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
    return {s.name: future.result() for s, future in zip(shards, running, strict=True)}


def _counted(
    published: Published, folder: Path, shards: Sequence[Shard], done: dict[str, Contents]
) -> dict[str, int]:
    """Rows by Parquet table; PermanentError unless they are those of the published file."""
    rows = dict.fromkeys(LOADED, 0)
    for shard in shards:
        rows[shard.of] += done[shard.name].rows
    for name, found in rows.items():
        written = _written(published, folder, name)
        if found != written:
            raise PermanentError(
                f"{published.file}: {name} has {written:,} rows as published, and {found:,} were"
                " copied: please report this"
            )
    return rows


def _written(published: Published, folder: Path, name: str) -> int:
    """Rows of a table; provider files come later than the account of a file, and have their own."""
    if name == PROVIDER_FILES:
        parts = (folder / name).glob("*.parquet")
        return sum(pq.read_metadata(part).num_rows for part in parts)
    inline = published.sums.rows.get("inline_groups", 0) * (name == "provider_references")
    return published.sums.rows.get(name, 0) + inline
