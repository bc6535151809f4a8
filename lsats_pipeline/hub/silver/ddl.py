"""The silver tables in the database, kept equal to what is declared.

Every table has a twin `<table>_history` with the versions that were superseded or removed. A
changed declaration adds and drops columns and makes the next build work every row out again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import LiteralString, NamedTuple

from psycopg import sql

from lsats_pipeline.hub.silver import sql_model
from lsats_pipeline.hub.silver.integrated import integrated_rows
from lsats_pipeline.hub.silver.spec import IntegratedTable, SqlColumn, SqlModel, StagingTable, Table
from lsats_pipeline.hub.silver.sql_model import sql_model_rows
from lsats_pipeline.hub.silver.staging import staging_rows
from lsats_pipeline.warehouse.database import Connection, declared, remember_declaration, sql_file

FUNCTIONS = Path(__file__).parent / "functions.sql"
_FUNCTION = re.compile(
    r"^create or replace function silver\.(\w+)\(.*?;(?=\n\n|\n*\Z)", re.M | re.S
)
_CALL = re.compile(r"\bsilver\.(\w+)\(")


class Field(NamedTuple):
    """A column of a silver table. `compared`: whether a difference makes a new version."""

    name: str
    sql_type: LiteralString
    compared: bool = True
    about: str = ""
    personal: bool = False
    kept: bool = False


_QUALITY = (
    Field("data_quality_score", "numeric(3,2)", about="1.00 is best; see quality_flags"),
    Field(
        "quality_flags", "jsonb", about="what the score was lowered for, and what is worth knowing"
    ),
)
_INTEGRATED_TAIL = (
    Field("sources", "jsonb", about="the systems that know it"),
    Field("source_system", "text", about="the same, sorted and joined by +"),
    Field("source_entity_id", "text", about="the key"),
    Field("field_sources", "jsonb", about="which system each value was taken from"),
    *_QUALITY,
    Field("source_raw_ids", "jsonb", compared=False, about="the bronze row of each system"),
)


# Bronze rows behind a row: that another one says the same makes no new version.
_PROVENANCE = frozenset({"source_raw_ids", "consolidated_raw_ids"})


def fields(table: Table) -> tuple[Field, ...]:
    """The columns that a build works out, in order; run and times are added by the build."""
    if isinstance(table, IntegratedTable):
        key = Field(table.key, "text", about="the key")
        columns = [Field(c.name, c.sql_type, True, c.about, c.personal) for c in table.columns]
        return (key, *columns, *_INTEGRATED_TAIL)
    if isinstance(table, SqlModel):
        return (*(_sql_model_field(c) for c in table.columns), *_QUALITY)
    declared_fields = [
        Field(c.name, c.sql_type, True, c.about or c.origin, c.personal) for c in table.all_columns
    ]
    provenance = [Field("raw_id", "uuid", compared=False, about="the bronze row it was read from")]
    if table.detail is not None:
        provenance.append(Field("detail_raw_id", "uuid", compared=False, about="and its detail"))
    identity = Field("external_id", "text", about="the record's identity in bronze")
    system = Field("source_system", "text", about="the system it came from")
    return (identity, *declared_fields, *_QUALITY, system, *provenance)


def rows(table: Table) -> sql.Composable:
    """The SELECT that works out the rows of the keys in the temporary table `keys`."""
    if isinstance(table, SqlModel):
        return sql_model_rows(table)
    return staging_rows(table) if isinstance(table, StagingTable) else integrated_rows(table)


def preparations(table: Table) -> Iterable[sql.Composable]:
    """What must have run before `rows`, in order."""
    return sql_model.preparations(table) if isinstance(table, SqlModel) else ()


def scope_column(table: Table) -> str:
    """The column that the keys of a build mean."""
    return table.scope_column if isinstance(table, SqlModel) else table.identity


def _sql_model_field(column: SqlColumn) -> Field:
    about = column.about or column.origin
    compared = not column.kept and column.name not in _PROVENANCE
    return Field(column.name, column.sql_type, compared, about, column.personal, column.kept)


# By identity: a declaration is made once and never changes, and its parts cannot all be hashed.
_fingerprints: dict[int, tuple[Table, str]] = {}


def fingerprint(table: Table) -> str:
    """Changes whenever the table's columns, the SQL that fills them or a function in it change.

    Worked out once: it means to write the table's whole SQL.
    """
    if id(table) not in _fingerprints:
        _fingerprints[id(table)] = (table, _fingerprint(table))
    return _fingerprints[id(table)][1]


def _fingerprint(table: Table) -> str:
    text = "".join(part.as_string(None) for part in (*preparations(table), rows(table)))
    parts = [repr(fields(table)), *(functions()[name] for name in _called_by(text)), text]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@cache
def functions() -> dict[str, str]:
    """The text of every function that silver tables share, by its name."""
    text = FUNCTIONS.read_text(encoding="utf-8")
    return {found[1]: found[0] for found in _FUNCTION.finditer(text)}


def _called_by(text: str) -> list[str]:
    """The functions that a text calls, and those that they call, in the order of their names."""
    found: set[str] = set()
    calls = set(_CALL.findall(text))
    while new := calls & functions().keys() - found:
        found |= new
        calls = {name for one in new for name in _CALL.findall(functions()[one])}
    return sorted(found)


def declare_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """Create or alter every table whose declaration differs from the database."""
    tables = tuple(tables)
    connection.execute("select pg_advisory_xact_lock(hashtextextended('lsats:declare', 0))")
    connection.execute(sql_file(FUNCTIONS))
    stale = [t for t in tables if declared(connection, f"silver.{t.name}") != fingerprint(t)]
    for table in stale:
        _declare(connection, table)
        remember_declaration(connection, f"silver.{table.name}", fingerprint(table))
    for table in tables:
        _index(connection, table, tables)


def _declare(connection: Connection, table: Table) -> None:
    current, history = table.name, f"{table.name}_history"
    columns = fields(table)
    _create(connection, current, columns, CURRENT_TAIL)
    _create(connection, history, columns, HISTORY_TAIL)
    if not _has_primary_key(connection, current):
        connection.execute(
            sql.SQL("alter table {} add primary key ({})").format(
                _silver(current), sql.Identifier(table.identity)
            )
        )
    _index_on(connection, history, table.identity)
    _index_on(connection, history, "closed_by")
    _index_on(connection, current, "ingestion_run_id")
    _grant(connection, current, history)


_RUN = Field("ingestion_run_id", "uuid", about="the run that wrote this version")
_CREATED = Field("created_at", "timestamptz", about="when the row first came to the table")
CURRENT_TAIL = (
    _RUN,
    _CREATED,
    Field("updated_at", "timestamptz", about="since when this version holds"),
)
HISTORY_TAIL = (
    _RUN,
    _CREATED,
    Field("valid_from", "timestamptz", about="since when this version held"),
    Field("valid_to", "timestamptz", about="when it was superseded or removed"),
    Field("closed_by", "uuid", about="the run that superseded or removed it"),
)


def _create(
    connection: Connection, name: str, columns: tuple[Field, ...], tail: tuple[Field, ...]
) -> None:
    """Create the table, or give it the columns that it lacks and take those it should not have."""
    wanted = {f.name: f.sql_type for f in (*columns, *tail)}
    connection.execute(sql.SQL("create table if not exists {} ()").format(_silver(name)))
    present = _columns(connection, name)
    changes = [_drop(c) for c, kind in present.items() if wanted.get(c) != kind]
    changes += [_add(c, kind) for c, kind in wanted.items() if present.get(c) != kind]
    if changes:
        connection.execute(
            sql.SQL("alter table {} {}").format(_silver(name), sql.SQL(", ").join(changes))
        )


def _add(name: str, kind: str) -> sql.Composed:
    # Identities are compared byte by byte: faster, and the same on every server.
    order = ' collate "C"' if kind == "text" else ""
    return sql.SQL("add column {} {}").format(sql.Identifier(name), sql.SQL(kind + order))


def _drop(name: str) -> sql.Composed:
    return sql.SQL("drop column {}").format(sql.Identifier(name))


def _columns(connection: Connection, name: str) -> dict[str, str]:
    found = connection.execute(
        "select attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone',"
        " 'timestamptz') from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped order by attnum",
        [f"silver.{name}"],
    ).fetchall()
    return {row[0]: row[1] for row in found}


def _has_primary_key(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "select exists (select from pg_index where indrelid = %s::regclass and indisprimary)",
        [f"silver.{name}"],
    ).fetchone()
    return bool(row and row[0])


def _index(connection: Connection, table: Table, tables: tuple[Table, ...]) -> None:
    """One index per column by which rows are found; the key when it is not the identity."""
    columns: dict[str, None] = {}
    if isinstance(table, SqlModel):
        columns = dict.fromkeys(c for c in (table.scope, *table.indexes) if c)
    if isinstance(table, StagingTable):
        columns = dict.fromkeys(
            (*table.key, *table.indexes) if len(table.key) == 1 else table.indexes
        )
    for merged in (t for t in tables if isinstance(t, IntegratedTable)):
        aliases = {i.alias: i.table.name for i in merged.inputs}
        for used in merged.inputs:
            if used.table.name == table.name:
                columns[used.on] = None
        for part in merged.parts:
            if part.table.name == table.name:
                columns[part.on] = None
        for lookup in merged.lookups:
            if lookup.table.name == table.name:
                columns[lookup.key] = None
            if aliases[lookup.input_alias] == table.name:
                columns[lookup.match_column] = None
    for column in columns:
        _index_on(connection, table.name, column)


def _index_on(connection: Connection, name: str, column: str) -> None:
    index = f"{name}_by_{column}"
    if len(index.encode()) > 63:
        index = f"{name[:30]}_{hashlib.sha256(index.encode()).hexdigest()[:12]}"
    connection.execute(
        sql.SQL("create index if not exists {} on {} ({})").format(
            sql.Identifier(index), _silver(name), sql.Identifier(column)
        )
    )


def _grant(connection: Connection, *names: str) -> None:
    for name in names:
        table = _silver(name)
        connection.execute(
            sql.SQL("grant select, insert, update, delete on {} to lsats_etl").format(table)
        )
        connection.execute(sql.SQL("grant select on {} to lsats_reader").format(table))


def _silver(name: str) -> sql.Identifier:
    return sql.Identifier("silver", name)
