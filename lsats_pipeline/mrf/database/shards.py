"""Shards: the parts of a file's table that are copied beside each other, a transaction each.

A shard is a PostgreSQL table of neighbouring spans. It is there with all its rows and indexes, or
not at all; its comment says what is in it, so that the next load of the same content can use it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import sql

from lsats_pipeline.mrf.database import relational
from lsats_pipeline.mrf.database.copying import Copied
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.warehouse.database import Connection, become_etl, connect

# About 1.5 GB in PostgreSQL, half a minute of work that a killed load does again.
_MOST_ROWS = 5_000_000
# What is not worth a second connection.
_FEW_ROWS = 100_000


class Stopped(Exception):
    """Another shard has failed."""


class Contents(msgspec.Struct, kw_only=True, frozen=True):
    """What a shard says of itself, in its comment."""

    file: str
    rows: int
    substituted: int


@dataclass(frozen=True)
class Part:
    """A Parquet file, and the spans its rows are of."""

    path: Path
    rows: int
    first: int
    last: int


@dataclass(frozen=True)
class Shard:
    """Rows of spans `first` to before `end` of one table of a file."""

    of: str
    partition: str
    table: str
    file: str
    first: int
    end: int
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many its Parquet files say they have."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of its Parquet files."""
        return sum(part.path.stat().st_size for part in self.parts)


def prefix_of(name: str, file: str) -> str:
    """How the names of all partitions of a file's table begin."""
    return f"{name}_{hashlib.blake2b(file.encode(), digest_size=6).hexdigest()}_"


def partition_of(name: str, file: str, content: str) -> str:
    """The partition that holds this content of a file."""
    return f"{prefix_of(name, file)}{content[:10]}"


def shards_of(folder: Path, file: str, content: str, connections: int) -> list[Shard]:
    """The shards of a published file, always the same for the same content and connections."""
    return [
        Shard(
            name,
            partition_of(name, file, content),
            f"{partition_of(name, file, content)}_{number}_{len(groups)}",
            file,
            group[0].first,
            max(part.last for part in group) + 1,
            tuple(group),
        )
        for name in TABLES
        for groups in [_groups(sorted(_parts(folder / name), key=_first), connections)]
        for number, group in enumerate(groups)
    ]


def copy(url: str, shard: Shard, stop: threading.Event, done: Callable[[int], None]) -> Contents:
    """Make the table of a shard; `done` is told the bytes of each Parquet file copied."""
    copied = Copied(shard.of)
    name = relational.table(shard.table)
    with connect(url) as connection:
        become_etl(connection)
        connection.execute("set local synchronous_commit = off")
        connection.execute("set local maintenance_work_mem = '128MB'")
        _create(connection, shard)
        with connection.cursor().copy(
            # Frozen: the rows are as old as the table, and nobody sees it before.
            sql.SQL("copy {} from stdin with (freeze)").format(name)
        ) as stream:
            for part in shard.parts:
                for text in copied.texts(part.path):
                    if stop.is_set():
                        raise Stopped
                    stream.write(text)
                done(part.path.stat().st_size)
        relational.index(connection, shard.table, shard.of)
        relational.analyze(connection, shard.table, shard.of)
        contents = Contents(file=shard.file, rows=copied.rows, substituted=copied.substituted)
        comment(connection, shard.table, contents)
    return contents


def whole(connection: Connection, name: str, file: str) -> dict[str, Contents | None]:
    """Tables of a file that are no partition of anything: shards of loads that did not finish."""
    found = connection.execute(
        "select c.relname, obj_description(c.oid, 'pg_class') from pg_class c"
        " where c.relnamespace = 'mrf'::regnamespace and c.relkind in ('r', 'p')"
        " and starts_with(c.relname, %s) and not c.relispartition",
        [prefix_of(name, file)],
    ).fetchall()
    return {name: _contents(text) for name, text in found}


def comment(connection: Connection, table: str, contents: Contents) -> None:
    """Say in the table's comment what is in it."""
    text = msgspec.json.encode(contents).decode()
    connection.execute(
        sql.SQL("comment on table {} is {}").format(relational.table(table), sql.Literal(text))
    )


def _create(connection: Connection, shard: Shard) -> None:
    """The constraints spare PostgreSQL reading all rows again when the shard is attached."""
    connection.execute(
        sql.SQL(
            "create table {} (like {}, constraint of_file check (file = {}),"
            " constraint of_spans check (span >= {} and span < {}))"
        ).format(
            relational.table(shard.table), relational.table(shard.of),
            *map(sql.Literal, (shard.file, shard.first, shard.end)),
        )
    )  # fmt: skip


def _parts(folder: Path) -> Iterator[Part]:
    for path in folder.glob("*.parquet"):
        # Footers need not have statistics, and these numbers are nearly all the same.
        spans = pq.read_table(path, columns=["span"])["span"]
        if len(spans):
            ends = pc.min_max(spans).as_py()
            yield Part(path, len(spans), ends["min"], ends["max"])


def _first(part: Part) -> tuple[int, str]:
    return part.first, part.path.name


def _groups(parts: list[Part], connections: int) -> list[list[Part]]:
    """Neighbouring parts, about as many rows each; cut only where no span is in two of them."""
    rows = sum(part.rows for part in parts)
    wanted = max(-(-rows // _MOST_ROWS), connections if rows > _FEW_ROWS else 1)
    groups: list[list[Part]] = []
    taken = last = 0
    for part in parts:
        full = taken * wanted >= rows * len(groups)
        if not groups or (full and part.first > last):
            groups.append([])
        groups[-1].append(part)
        taken, last = taken + part.rows, max(last, part.last)
    return groups


def _contents(text: str | None) -> Contents | None:
    try:
        return msgspec.json.decode(text or "", type=Contents)
    except msgspec.MsgspecError:
        return None
