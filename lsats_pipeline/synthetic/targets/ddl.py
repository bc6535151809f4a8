"""Statements from a world's SQLAlchemy tables: the bare table first, keys and references later.

A table that is filled bare and given its keys afterwards is filled several times as fast.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, ExecutableDDLElement

# `named`: others double every percent sign, for drivers that are given parameters.
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def bare_table(table: sa.Table, schema: str | None = None) -> bytes:
    """CREATE TABLE with columns only, in another schema if one is given."""
    columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in table.columns]
    metadata = sa.MetaData(schema or table.schema)
    return _text(CreateTable(sa.Table(table.name, metadata, *columns, **table.dialect_kwargs)))


def temporary_table(table: sa.Table, name: str) -> bytes:
    """CREATE TEMP TABLE with the same columns, for the rows of one batch."""
    columns = [sa.Column(c.name, c.type) for c in table.columns]
    copy = sa.Table(
        name, sa.MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP"
    )
    return _text(CreateTable(copy))


def keys(table: sa.Table, *, references: bool = True) -> Iterator[bytes]:
    """Everything else that the table declares: keys, checks, references, indexes."""
    named = sorted(table.constraints, key=lambda c: (_ORDER.index(type(c)), str(c.name)))
    for constraint in named:
        if isinstance(constraint, sa.ForeignKeyConstraint) and not references:
            continue
        if not isinstance(constraint, sa.PrimaryKeyConstraint) or constraint.columns:
            yield _text(AddConstraint(constraint, isolate_from_table=False))
    for index in sorted(table.indexes, key=lambda i: str(i.name)):
        yield _text(CreateIndex(index))


_ORDER = [
    sa.PrimaryKeyConstraint,
    sa.UniqueConstraint,
    sa.CheckConstraint,
    sa.ForeignKeyConstraint,
]


def _text(statement: ExecutableDDLElement) -> bytes:
    return str(statement.compile(dialect=_DIALECT)).strip().encode()
