"""Price files as PostgreSQL tables: the columns of `tables.py`, a partition for every file.

mrf.in_network   partitioned by file ──▶ in_network_<file>_<content>, by span ──▶ shards
mrf.loaded       which content of which file the tables hold
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import LiteralString

import pyarrow as pa
from psycopg import sql

from lsats_pipeline.mrf.rows.tables import TABLES
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
# Only what the documented queries use: each costs a load a tenth of its time, or more.
INDEXES: dict[str, tuple[tuple[LiteralString, str], ...]] = {
    "in_network": (("btree", "billing_code"),),
    "provider_references": (("btree", "provider_group_id"), ("gin", "npi")),
    "allowed_amounts": (("btree", "billing_code"),),
    "rejects": (),
}


def table(name: str) -> sql.Identifier:
    """A table of the schema."""
    return sql.Identifier(SCHEMA, name)


def columns(name: str) -> sql.Composed:
    """The columns of a table with their types; text is compared byte for byte, which is faster."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), _type(field.type))
        for field in TABLES[name]
    )


def fingerprint() -> str:
    """Changes with every table, index or view."""
    parts = [columns(name).as_string(None) for name in TABLES]
    parts.append(repr(INDEXES))
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
    for name in TABLES:
        _declare(connection, name)
    connection.execute(sql_file(_VIEWS))
    remember_declaration(connection, SCHEMA, fingerprint())


def _declare(connection: Connection, name: str) -> None:
    parts = {"table": table(name), "columns": columns(name)}
    for statement in (
        "drop table if exists {table} cascade",
        "create table {table} ({columns}) partition by list (file)",
        "alter table {table} alter file set not null, alter span set not null",
        "alter table {table} owner to lsats_etl",
        "grant select on {table} to lsats_reader",
    ):
        connection.execute(sql.SQL(statement).format(**parts))
    index(connection, name, name)


def index(connection: Connection, name: str, of: str) -> None:
    """The indexes of a table of the schema, made like the table `of`."""
    for method, column in INDEXES[of]:
        connection.execute(
            sql.SQL("create index on {} using {} ({})").format(
                table(name), sql.SQL(method), sql.Identifier(column)
            )
        )


def analyze(connection: Connection, name: str, of: str) -> None:
    """Statistics of the columns that rows are looked for by; autovacuum sees to the others."""
    connection.execute("set local default_statistics_target = 30")
    found = [sql.Identifier(column) for _, column in INDEXES[of]]
    if found:
        connection.execute(
            sql.SQL("analyze {} ({})").format(table(name), sql.SQL(", ").join(found))
        )


def _type(kind: pa.DataType) -> sql.Composable:
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return sql.SQL("jsonb")
    listed = pa.types.is_list(kind)
    inner = kind.value_type if listed else kind
    plain = inner.value_type if pa.types.is_dictionary(inner) else inner
    parts = [sql.SQL(_TYPES[plain]), sql.SQL("[]" if listed else "")]
    parts.append(sql.SQL(' collate "C"' if pa.types.is_string(plain) else ""))
    return sql.Composed(parts)
