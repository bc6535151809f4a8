"""A few rows to look at. Dagster's UI has no login of its own, so nobody may be known from them.

Shown is what cannot be about a person: yes or no, times, scores, flags, and the text of columns not
declared personal, unless it looks like an address or a number to call. The rest is three dots. And
where rows are people, only what many share is left: kinds, flags, scores, the year of a date, about
how many. A title, a department and a city on one line would identify somebody.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import dagster as dg
from psycopg import sql

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.hub.metadata.subject import Subject
from lsats_pipeline.defs.sample_tables import HIDDEN, ROWS, Sample, in_table
from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.glossary import described
from lsats_pipeline.hub.silver.spec import IntegratedTable, Table
from lsats_pipeline.warehouse import Warehouse

_MOST_INFORMATIVE = 4  # besides the key, the score and the flags: a page is not wider
# Text and jsonb written by the engines themselves, out of names that stand in declarations.
_OURS = {"quality_flags", "sources", "source_system", "field_sources"}
_QUALITY = ("data_quality_score", "quality_flags")
# Long, or the same in other words.
_UNINTERESTING = {
    "raw_id",
    "detail_raw_id",
    "source_raw_ids",
    "sources",
    "field_sources",
    *_QUALITY,
}
# Of people: what many have in common. Other numbers are ids, or sums of money that name a lab.
_SHARED_KINDS = {"boolean", "date", "timestamptz"}
_COUNT = re.compile(r"_count$|^count_|_depth$")
# From so many on, how many exactly would tell one from another.
_FEW, _SEVERAL, _MANY = 2, 5, 10
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


_VERSION_COLUMNS = (
    dg.TableColumn("what", "text", "landed, or removed: the source has it no more"),
    dg.TableColumn("observed", "timestamptz", "when it was observed"),
    dg.TableColumn("members", "integer", "members of the record"),
    dg.TableColumn("bytes", "integer", "length of the record as text"),
    dg.TableColumn("content hash", "text", "beginning of the hash that a change is known by"),
)


def sample(warehouse: Warehouse, subject: Subject, report: Report) -> Sample | None:
    """A table; None when there is nothing to show. Reads a handful of rows by an index."""
    if subject.table is not None:
        return _silver(warehouse, subject.table, report)
    return _landed(warehouse, report)


def _landed(warehouse: Warehouse, report: Report) -> Sample | None:
    """Some versions that the run brought, from outside: their contents are personal by nature."""
    query = _VERSIONS.format(run=sql.Literal(report.run_id), rows=sql.Literal(ROWS))
    rows = [
        ["removed" if removed else "landed", f"{at:%Y-%m-%d %H:%M}", members, size, mark]
        for removed, at, members, size, mark in warehouse.query(query)
    ]
    return in_table(_VERSION_COLUMNS, rows)


def _silver(warehouse: Warehouse, table: Table, report: Report) -> Sample | None:
    people = about_people(table)
    fields = columns_to_show(table, people)
    rows = _rows(warehouse, table, fields, report)
    if people and len(rows) < ROWS:  # so few would still be somebody
        return None
    columns = [
        (field, [masked(row[i], field, table, people) for row in rows])
        for i, field in enumerate(fields)
    ]
    key, *informative, score, flags = columns
    some = [(field, values) for field, values in informative if any(values)]
    chosen = [key, *some[:_MOST_INFORMATIVE], score, flags]
    return in_table(
        [dg.TableColumn(field.name, field.sql_type, field.about) for field, _ in chosen],
        list(zip(*(values for _, values in chosen), strict=True)),
    )


def columns_to_show(table: Table, people: bool) -> list[Field]:
    """The columns that a sample may have: the key, what says something, score and flags."""
    known = {field.name: field for field in described(table)}
    keys = dict.fromkeys((*_key(table), table.identity))
    informative = [
        field
        for field in known.values()
        if field.name not in {*keys, *_UNINTERESTING}
        and not field.personal
        and (_is_shared(field) if people else field.sql_type != "jsonb")
    ]
    informative.sort(key=lambda field: field.name not in _OURS)
    return [known[next(iter(keys))], *informative, *(known[name] for name in _QUALITY)]


def _is_shared(field: Field) -> bool:
    return (
        field.name in _OURS
        or field.sql_type in _SHARED_KINDS
        or bool(_COUNT.search(field.name) and field.sql_type in ("integer", "bigint"))
    )


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
    if people:
        return _coarse(value, field)
    text = _plain(value)
    return HIDDEN if isinstance(value, str) and _IDENTIFYING.search(text) else text


def _coarse(value: Any, field: Field) -> str:
    """What is left of a value in a row of somebody: nothing that few have alike."""
    if isinstance(value, dt.date):  # and times
        return f"{value:%Y}"
    if isinstance(value, bool) or field.name in {*_OURS, *_QUALITY}:
        return _plain(value)
    if isinstance(value, int) and _COUNT.search(field.name):
        return _about_how_many(value)
    return HIDDEN


def _about_how_many(count: int) -> str:
    if count < _FEW:
        return str(count)
    if count < _SEVERAL:
        return f"{_FEW}–{_SEVERAL - 1}"
    return f"{_SEVERAL}–{_MANY - 1}" if count < _MANY else f"{_MANY} or more"


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
