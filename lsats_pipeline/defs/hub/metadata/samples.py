"""A few rows to look at. Dagster's UI has no login of its own, so nobody may be known from them.

Shown is what cannot be about a person: yes or no, times, scores, flags, and the text of columns not
declared personal, unless it looks like an address or a number to call. The rest is three dots. And
where rows are people, a column's values are listed without their rows: a title, a department
and a city on one line would identify somebody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg import sql

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.hub.metadata.subject import Subject
from lsats_pipeline.defs.markdown import HIDDEN, ROWS, in_rows
from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.spec import IntegratedTable, Table
from lsats_pipeline.warehouse import Warehouse

_LONGEST = 34  # of one value; rows are columns of the sample
# jsonb written by the engines themselves, out of names that stand in declarations.
_OURS = {"quality_flags", "sources", "field_sources"}
_UNINTERESTING = {"raw_id", "detail_raw_id", "source_raw_ids"}
# A mail address, a telephone number, or an appointment, wherever it may have slipped in.
_IDENTIFYING = re.compile(r"@|\d{3}[-. )]*\d{3}[-. ]*\d{4}|\d{7,}")

_VERSIONS = sql.SQL(
    """
    select is_removed, ingested_at,
        (select count(*) from jsonb_object_keys(raw_data)), octet_length(raw_data::text),
        encode(substring(content_hash for 4), 'hex')
    from bronze.raw_entities where ingestion_run_id = {run} limit {rows}
    """
)


def sample(warehouse: Warehouse, subject: Subject, report: Report) -> str:
    """Markdown; empty when there is nothing to show. Reads a handful of rows by an index."""
    if subject.table is not None:
        return _silver(warehouse, subject.table, report)
    return _landed(warehouse, report)


def _landed(warehouse: Warehouse, report: Report) -> str:
    """Some versions that the run brought, from outside: their contents are personal by nature."""
    query = _VERSIONS.format(run=sql.Literal(report.run_id), rows=sql.Literal(ROWS))
    rows = [
        ["removed" if removed else "landed", f"{at:%Y-%m-%d %H:%M}", members, size, mark]
        for removed, at, members, size, mark in warehouse.query(query)
    ]
    return in_rows(["what", "observed", "members", "bytes", "content hash"], rows)


def _silver(warehouse: Warehouse, table: Table, report: Report) -> str:
    """One line per column: most tables are too wide to lie flat."""
    sampled = [field for field in fields(table) if field.name not in _UNINTERESTING]
    rows = _rows(warehouse, table, sampled, report)
    people = about_people(table)
    if people and len(rows) < ROWS:  # so few would still be somebody
        return ""
    columns = [
        [masked(row[i], field, table, people) for row in rows] for i, field in enumerate(sampled)
    ]
    heads = [f"in {len(rows)} rows"] if people else [f"row {n + 1}" for n in range(len(rows))]
    lines = [
        [f"`{field.name}`", *([_distinct_values(column)] if people else map(_short, column))]
        for field, column in zip(sampled, columns, strict=True)
    ]
    return in_rows(["column", *heads], lines if rows else [])


def _distinct_values(values: Sequence[str]) -> str:
    """Different values in the order of the alphabet, which says nothing of the rows."""
    return " · ".join(map(_short, sorted(set(values) - {""})))


def about_people(table: Table) -> bool:
    """Whether a table's rows are people: what identifies them is personal."""
    if isinstance(table, IntegratedTable):
        keys = {(used.table.name, used.on) for used in table.inputs}
        tables: list[Table] = [used.table for used in table.inputs]
    else:
        keys, tables = {(table.name, name) for name in (table.identity, *table.key)}, [table]
    return any(f.personal for t in tables for f in fields(t) if (t.name, f.name) in keys)


def masked(value: Any, field: Field, table: Table, people: bool) -> str:
    """A value as it may be shown."""
    if value is None:
        return ""
    identity = people and field.name in {table.identity, "source_entity_id", *_key(table)}
    if field.personal or identity:
        return HIDDEN
    if field.sql_type == "jsonb" and field.name not in _OURS:
        return f"{HIDDEN} × {len(value)}" if isinstance(value, list | dict) else HIDDEN
    text = _plain(value)
    return HIDDEN if isinstance(value, str) and _IDENTIFYING.search(text) else text


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _key(table: Table) -> tuple[str, ...]:
    return (table.key,) if isinstance(table.key, str) else table.key


def _rows(
    warehouse: Warehouse, table: Table, sampled: Sequence[Field], report: Report
) -> list[Any]:
    """Rows that the run wrote; any rows when those are fewer than a sample."""
    query = sql.SQL("select {names} from {table} {where} limit {rows}")
    parts = {
        "names": sql.SQL(", ").join(sql.Identifier(field.name) for field in sampled),
        "table": sql.Identifier("silver", table.name),
        "rows": sql.Literal(ROWS),
    }
    written = sql.SQL("where ingestion_run_id = {}").format(sql.Literal(report.run_id))
    rows = warehouse.query(query.format(where=written, **parts))
    if len(rows) == ROWS:
        return rows
    return warehouse.query(query.format(where=sql.SQL(""), **parts))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
