"""A few rows to look at. Dagster's UI has no login of its own, so nothing personal may be in them.

Shown is what cannot be about a person: yes or no, times, scores, flags, and the text of columns not
declared personal, unless it looks like an address or a number to call. The rest is a dot or three.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg import sql

from lsats_pipeline.defs.metadata.subject import Subject
from lsats_pipeline.report import Report
from lsats_pipeline.silver.ddl import Field, fields
from lsats_pipeline.silver.spec import Table
from lsats_pipeline.warehouse import Warehouse

ROWS = 5
HIDDEN = "•••"
_LONGEST = 60
# jsonb written by the engines themselves, out of names that stand in declarations.
_OURS = {"quality_flags", "sources", "field_sources"}
_UNINTERESTING = {"raw_id", "detail_raw_id", "source_raw_ids"}
# A mail address, a telephone number, or an appointment, wherever it may have slipped in.
_TELLING = re.compile(r"@|\d{3}[-. )]*\d{3}[-. ]*\d{4}|\d{7,}")

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
    return _markdown(["what", "observed", "members", "bytes", "content hash"], rows)


def _silver(warehouse: Warehouse, table: Table, report: Report) -> str:
    """One line per column, one column per row: most tables are too wide to lie flat."""
    shown = [field for field in fields(table) if field.name not in _UNINTERESTING]
    rows = _written_by(warehouse, table, shown, report) or _any(warehouse, table, shown)
    people = about_people(table)
    lines = [
        [f"`{field.name}`", *(masked(row[i], field, table, people) for row in rows)]
        for i, field in enumerate(shown)
    ]
    return _markdown(["column", *(f"row {n + 1}" for n in range(len(rows)))], lines if rows else [])


def about_people(table: Table) -> bool:
    """Whether a table's rows are persons: then what identifies a row is personal too."""
    return any(field.personal for field in fields(table))


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
    return HIDDEN if isinstance(value, str) and _TELLING.search(text) else text


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _key(table: Table) -> tuple[str, ...]:
    return (table.key,) if isinstance(table.key, str) else table.key


def _written_by(
    warehouse: Warehouse, table: Table, shown: Sequence[Field], report: Report
) -> list[Any]:
    where = sql.SQL("where ingestion_run_id = {}").format(sql.Literal(report.run_id))
    return _rows(warehouse, table, shown, where)


def _any(warehouse: Warehouse, table: Table, shown: Sequence[Field]) -> list[Any]:
    return _rows(warehouse, table, shown, sql.SQL(""))


def _rows(
    warehouse: Warehouse, table: Table, shown: Sequence[Field], where: sql.Composable
) -> list[Any]:
    query = sql.SQL("select {names} from {table} {where} limit {rows}").format(
        names=sql.SQL(", ").join(sql.Identifier(field.name) for field in shown),
        table=sql.Identifier("silver", table.name),
        where=where,
        rows=sql.Literal(ROWS),
    )
    return warehouse.query(query)


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = " ".join(str("" if value is None else value).split()).replace("|", "\\|")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
