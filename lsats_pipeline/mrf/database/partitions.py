"""Shards: the parts of a file's tables that are copied in parallel, a transaction each.

A shard is the rows of neighbouring spans, in a PostgreSQL table, or four if they are prices. It is
there with all its rows and indexes, or not at all; the comment of its tables says what is in it, so
that the next load of the same content can use it.
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
from lsats_pipeline.mrf.database.copying import Copied, CopyPiece
from lsats_pipeline.mrf.database.normalization import Narrowed
from lsats_pipeline.mrf.database.table_definitions import (
    LOADED,
    SHARD,
    STORED,
    Stored,
    tables_of,
)
from lsats_pipeline.warehouse.database import Connection, become_etl, connect

# Half a GB in PostgreSQL, ten seconds of work that a killed load does again.
_MOST_ROWS = 5_000_000
# What is not worth a second connection.
_FEW_ROWS = 100_000


class Stopped(Exception):
    """Another shard has failed."""


class Contents(msgspec.Struct, kw_only=True, frozen=True):
    """What a table says of itself, in its comment; `shard` is the number of a shard's rows."""

    file: str
    rows: int
    substituted: int
    shard: int = 0


@dataclass(frozen=True)
class ParquetPart:
    """A Parquet file, and the spans its rows are of."""

    path: Path
    rows: int
    first: int
    last: int


@dataclass(frozen=True)
class Shard:
    """Rows of spans `first` to before `end` of a Parquet table of a file."""

    of: str
    file: str
    content: str
    number: str
    first: int
    end: int
    parts: tuple[ParquetPart, ...]

    @property
    def name(self) -> str:
        """The first of its tables."""
        return self.table(tables_of(self.of)[0])

    @property
    def tables(self) -> dict[str, str]:
        """Its tables, by the name of the whole one that each is of."""
        return {of.name: self.table(of) for of in tables_of(self.of)}

    def table(self, of: Stored) -> str:
        """Its table of these."""
        return f"{partition_of(of.name, self.file, self.content)}_{self.number}"

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
            file,
            content,
            f"{number}_{len(groups)}",
            group[0].first,
            max(part.last for part in group) + 1,
            tuple(group),
        )
        for name in LOADED
        for groups in [_groups(sorted(_parts(folder / name), key=_first), connections)]
        for number, group in enumerate(groups)
    ]


def copy(url: str, shard: Shard, stop: threading.Event, done: Callable[[int], None]) -> Contents:
    """Make the tables of a shard; `done` is called with the number of rows copied."""
    with connect(url) as connection:
        become_etl(connection)
        connection.execute("set local synchronous_commit = off")
        # Other shards are the parallel workers: the server's own would take a third more of it.
        connection.execute("set local max_parallel_maintenance_workers = 0")
        number = _create(connection, shard)
        copied = Narrowed() if shard.of == "in_network" else Copied(shard.of)
        for part in shard.parts:
            for piece in copied.pieces(part.path):
                if stop.is_set():
                    raise Stopped
                send(connection, shard.tables[piece.table], piece)
                done(copied.rows)
        done(copied.rows)
        contents = Contents(
            file=shard.file, rows=copied.rows, substituted=copied.substituted, shard=number
        )
        for of, name in shard.tables.items():
            relational.index(connection, name, STORED[of])
            relational.analyze(connection, name, STORED[of])
            comment(connection, name, contents)
    return contents


def send(connection: Connection, name: str, piece: CopyPiece) -> None:
    """One COPY. Frozen: the rows are as old as the table, and nobody sees it before."""
    columns = [field.name for field in STORED[piece.table].columns if field != SHARD]
    copy = sql.SQL("copy {} ({}) from stdin with (freeze{})").format(
        relational.table(name),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", format binary" if piece.binary else ""),
    )
    with connection.cursor().copy(copy) as stream:
        for data in piece.data:
            stream.write(data)


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


def _create(connection: Connection, shard: Shard) -> int:
    """The tables, empty; returns the number of the shard.

    The constraints spare PostgreSQL reading all rows again when the tables are attached.
    """
    row = connection.execute("select nextval('mrf.shards')").fetchone()
    number = int(row[0]) if row else 0
    for of, name in shard.tables.items():
        held = _of_file(shard) if STORED[of].by_file else _of_shard(number)
        table = relational.table(name)
        connection.execute(
            sql.SQL("create table {} (like {}, {})").format(table, relational.table(of), held)
        )
        if SHARD in STORED[of].columns:
            connection.execute(
                sql.SQL("alter table {} alter shard set default {}").format(
                    table, sql.Literal(number)
                )
            )
    return number


def _of_file(shard: Shard) -> sql.Composed:
    return sql.SQL(
        "constraint of_file check (file = {}), constraint of_spans check (span >= {} and span < {})"
    ).format(*map(sql.Literal, (shard.file, shard.first, shard.end)))


def _of_shard(number: int) -> sql.Composed:
    return sql.SQL("constraint of_shard check (shard = {})").format(sql.Literal(number))


def _parts(folder: Path) -> Iterator[ParquetPart]:
    for path in folder.glob("*.parquet"):
        # Footers need not have statistics, and these numbers are nearly all the same.
        spans = pq.read_table(path, columns=["span"])["span"]
        if len(spans):
            ends = pc.min_max(spans).as_py()
            yield ParquetPart(path, len(spans), ends["min"], ends["max"])


def _first(part: ParquetPart) -> tuple[int, str]:
    return part.first, part.path.name


def _groups(parts: list[ParquetPart], connections: int) -> list[list[ParquetPart]]:
    """Neighbouring parts, about as many rows each; cut only where no span is in two of them."""
    rows = sum(part.rows for part in parts)
    wanted = max(-(-rows // _MOST_ROWS), connections if rows > _FEW_ROWS else 1)
    groups: list[list[ParquetPart]] = []
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
