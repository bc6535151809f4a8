"""Price files as PostgreSQL tables, as `table_definitions.py` declares them, and views.

mrf.rejects ...            partitioned by file ──▶ rejects_<file>_<content>, by span ──▶ shards
mrf.in_network_prices ...  partitioned by shard
mrf.loaded                 which content of which file the tables hold
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import pyarrow as pa
from psycopg import sql

from lsats_pipeline.mrf.database.table_definitions import STORED, Stored
from lsats_pipeline.mrf.rows.glossary import GLOSSARY
from lsats_pipeline.warehouse.database import (
    Connection,
    declared,
    remember_declaration,
    sql_file,
)

SCHEMA = "mrf"
_VIEWS = Path(__file__).parent / "relational.sql"
_TYPES: dict[pa.DataType, LiteralString] = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
}
# What `relational.sql` makes besides the declared tables.
_FURTHER = ("loaded", "in_network", "prices_with_providers")
_COMMENTS = "mrf comments"
_KINDS = {"r": "table", "p": "table", "v": "view"}
# What an index is built in. A tree for GIN that does not fit the processor's cache costs more than
# many small ones: of 809,000 NPIs 1.20 s with 4 MB, 1.72 with 128, and the index is a quarter less.
_MEMORY: dict[str, LiteralString] = {"btree": "128MB", "gin": "4MB"}
# From then on a partitioned table can be looked at without its partitions.
_ANALYZE_ONLY = 180000


def table(name: str) -> sql.Identifier:
    """A table of the schema."""
    return sql.Identifier(SCHEMA, name)


def columns(of: Stored) -> sql.Composed:
    """The columns of a table with their types; text is compared byte for byte, which is faster."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), type_of(field.type))
        for field in of.columns
    )


def fingerprint() -> str:
    """Changes with every table, index or view."""
    parts = [f"{of.name} {columns(of).as_string(None)} {of.indexes!r}" for of in STORED.values()]
    parts.append(sql_file(_VIEWS).as_string(None))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_declared(connection: Connection) -> bool:
    """Whether the database has the tables as they are now."""
    return declared(connection, SCHEMA) == fingerprint()


def holds_files(connection: Connection) -> bool:
    """Whether anything is loaded."""
    found = connection.execute("select to_regclass('mrf.loaded') is not null").fetchone()
    if not found or not found[0]:
        return False
    return connection.execute("select 1 from mrf.loaded limit 1").fetchone() is not None


def declare(connection: Connection) -> None:
    """Make the tables anew, as the owner; nothing may be loaded in tables of another make."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('lsats:declare', 0))")
    if is_declared(connection):
        return
    connection.execute("create schema if not exists mrf")
    connection.execute("grant usage, create on schema mrf to lsats_etl")
    connection.execute("grant usage on schema mrf to lsats_reader")
    _drop_others(connection)
    for of in STORED.values():
        _declare(connection, of)
    connection.execute(sql_file(_VIEWS))
    remember_declaration(connection, SCHEMA, fingerprint())
    explain(connection)


def is_explained(connection: Connection) -> bool:
    """Whether the database has the words about the columns as they are now."""
    return declared(connection, _COMMENTS) == _fingerprint_of_words()


def explain(connection: Connection) -> None:
    """Say what every column means, as the owner; the words are no part of how tables are made."""
    relations = connection.execute(
        "select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid"
        " where relnamespace = 'mrf'::regnamespace and relname = any (%s)"
        " and attnum > 0 and not attisdropped",
        [[*STORED, *_FURTHER]],
    ).fetchall()
    for name, column in relations:
        connection.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                table(name), sql.Identifier(column), sql.Literal(GLOSSARY[column])
            )
        )
    remember_declaration(connection, _COMMENTS, _fingerprint_of_words())


def _fingerprint_of_words() -> str:
    return hashlib.sha256(f"{fingerprint()} {GLOSSARY!r}".encode()).hexdigest()


def _drop_others(connection: Connection) -> None:
    """What has the name of a table or view, and may be the other of the two."""
    found = connection.execute(
        "select relname, relkind from pg_class where relnamespace = 'mrf'::regnamespace"
        " and relname = any (%s) and relkind in ('r', 'p', 'v')",
        [[*STORED, "in_network"]],
    ).fetchall()
    for name, kind in found:
        connection.execute(sql.SQL("drop {} {} cascade").format(sql.SQL(_KINDS[kind]), table(name)))


def _declare(connection: Connection, of: Stored) -> None:
    parts = {
        "table": table(of.name),
        "columns": columns(of),
        "key": sql.Identifier("file" if of.by_file else "shard"),
        "place": sql.Identifier("span" if of.by_file else "shard"),
    }
    for statement in (
        "create table {table} ({columns}) partition by list ({key})",
        "alter table {table} alter {key} set not null, alter {place} set not null",
        "alter table {table} owner to lsats_etl",
        "grant select on {table} to lsats_reader",
    ):
        connection.execute(sql.SQL(statement).format(**parts))
    index(connection, of.name, of)


def index(connection: Connection, name: str, of: Stored) -> None:
    """The indexes of a table of the schema, made like those of the table `of`."""
    for wanted in of.indexes:
        memory = sql.Literal(_MEMORY[wanted.method])
        connection.execute(sql.SQL("set local maintenance_work_mem = {}").format(memory))
        connection.execute(
            sql.SQL("create {} on {} using {} ({})").format(
                sql.SQL("unique index" if wanted.unique else "index"), table(name),
                sql.SQL(wanted.method), _listed(wanted.columns),
            )
        )  # fmt: skip


def analyze(connection: Connection, name: str, of: Stored) -> None:
    """Statistics of the columns that rows are looked for by; autovacuum sees to the others."""
    if found := _looked_for(of):
        connection.execute("set local default_statistics_target = 30")
        connection.execute(sql.SQL("analyze {} ({})").format(table(name), _listed(found)))


def analyze_whole(connection: Connection) -> None:
    """Statistics of the tables as a whole: without them a join reads every price of every file.

    Nobody else makes them, for autovacuum leaves partitioned tables alone. Before PostgreSQL 18
    this looks at the partitions once more.
    """
    only = "only " if connection.info.server_version >= _ANALYZE_ONLY else ""
    connection.execute("set local default_statistics_target = 30")
    for of in STORED.values():
        if found := _looked_for(of):
            connection.execute(
                sql.SQL("analyze {} {} ({})").format(sql.SQL(only), table(of.name), _listed(found))
            )


def _looked_for(of: Stored) -> list[str]:
    return list(dict.fromkeys(name for index in of.indexes for name in index.columns))


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def type_of(kind: pa.DataType) -> sql.Composable:
    """PostgreSQL's type for a column of Parquet."""
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return sql.SQL("jsonb")
    listed = pa.types.is_list(kind)
    inner = kind.value_type if listed else kind
    plain = inner.value_type if pa.types.is_dictionary(inner) else inner
    parts = [sql.SQL(_TYPES[plain]), sql.SQL("[]" if listed else "")]
    parts.append(sql.SQL(' collate "C"' if pa.types.is_string(plain) else ""))
    return sql.Composed(parts)
