"""Which columns a silver column is made from, read off the declaration.

tier 1: JSON members of the stream and its detail      tier 2: columns of tier 1 tables
SQL model: what the declaration names as `table.column`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lsats_pipeline.hub.silver.ddl import fields
from lsats_pipeline.hub.silver.spec import (
    Coalesce,
    Expression,
    IntegratedTable,
    SqlModel,
    StagingTable,
    Table,
)

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_DOTTED = re.compile(r"\b([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)")
_TEXT = re.compile(r"'(?:[^']|'')*'")


class SourceColumn(NamedTuple):
    """A column of an asset; of bronze and enrichment a member of the record."""

    layer: str
    entity: str
    column: str


Deps = dict[str, list[SourceColumn]]


def lineage(table: Table) -> Deps:
    """The direct dependencies of each column that has any."""
    return {name: found for name, found in _deps(table).items() if found}


def _deps(table: Table) -> Deps:
    if isinstance(table, StagingTable):
        return _staging(table)
    return _integrated(table) if isinstance(table, IntegratedTable) else _sql_model(table)


def _sql_model(table: SqlModel) -> Deps:
    """What the columns' origins name. One without is about the row as a whole: what it is made of.

    Words in an origin that are no table above are an explanation.
    """
    return {
        column.name: _distinct(_named(table, column.origin) if column.origin else _whole(table))
        for column in table.columns
        if not column.kept
    }


def _named(table: SqlModel, origin: str) -> Iterator[SourceColumn]:
    known = {upstream.name: upstream for upstream in table.upstream}
    for name, used in _DOTTED.findall(origin):
        if name in known and used in _names(known[name]):
            yield _dep(known[name], used)


def _whole(table: SqlModel) -> Iterator[SourceColumn]:
    return (_dep(upstream, upstream.identity) for upstream in table.upstream)


def _staging(table: StagingTable) -> Deps:
    read = {c.name: [_member(table, c.path, detail=c.detail)] for c in table.columns}
    # What every row has besides the declared columns (hub/silver/staging.py).
    own: Deps = {
        "external_id": [_member(table, "external_id")],
        "raw_id": [_member(table, "raw_id")],
        "detail_raw_id": [_member(table, "raw_id", detail=True)],
    }
    known = own | read
    named = {**table.steps, **{c.name: c.expression for c in table.computed}}
    worked_out = {
        c.name: _distinct(
            dep
            for name in _columns_in(c.expression, set(known) - set(named), named)
            for dep in known[name]
        )
        for c in table.computed
    }
    return read | worked_out


def _member(table: StagingTable, path: str, *, detail: bool = False) -> SourceColumn:
    layer = "enrichment" if detail else "bronze"
    return SourceColumn(layer, table.stream.name, path)


def _columns_in(expression: str, columns: set[str], named: Mapping[str, str]) -> list[str]:
    """Columns that an expression uses, by itself or through named intermediate values."""
    found: dict[str, None] = {}
    waiting, seen = [expression], set()
    while waiting:
        for word in _WORD.findall(_TEXT.sub("", waiting.pop())):
            if word in columns:
                found[word] = None
            elif word in named and word not in seen:
                seen.add(word)
                waiting.append(named[word])
    return list(found)


def _integrated(table: IntegratedTable) -> Deps:
    known = {i.alias: i.table for i in table.inputs} | {x.alias: x.table for x in table.lookups}
    totals: dict[str, tuple[Table, dict[str, str]]] = {
        f"{i.alias}_all": (i.table, {name: text for name, (_, text) in i.totals.items()})
        for i in table.inputs
    } | {
        p.alias: (p.table, {name: text for name, (_, text) in p.totals.items()})
        for p in table.parts
    }
    deps: Deps = {table.key: [_dep(i.table, i.on) for i in table.inputs]}
    for column in table.columns:
        deps[column.name] = _distinct(_used(_text(column), known, totals))
    return deps


def _used(
    text: str,
    known: Mapping[str, StagingTable],
    totals: Mapping[str, tuple[Table, Mapping[str, str]]],
) -> Iterator[SourceColumn]:
    for alias, name in _DOTTED.findall(_TEXT.sub("", text)):
        if alias in known and name in _names(known[alias]):
            yield _dep(known[alias], name)
        elif alias in totals:
            source, aggregates = totals[alias]
            used = _columns_in(aggregates.get(name, ""), set(_names(source)), {})
            for column in used or [source.identity]:  # rows are counted whatever is in them
                yield _dep(source, column)


def _text(column: Coalesce | Expression) -> str:
    if isinstance(column, Expression):
        return column.expression
    return " ".join(expression for _, expression in column.pairs())


def _names(table: Table) -> list[str]:
    return [field.name for field in fields(table)]


def _dep(table: Table, column: str) -> SourceColumn:
    return SourceColumn("silver", table.name, column)


def _distinct(deps: Iterator[SourceColumn]) -> list[SourceColumn]:
    return list(dict.fromkeys(deps))
