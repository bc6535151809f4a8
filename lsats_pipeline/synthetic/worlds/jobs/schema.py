"""Columns that tables of this world share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lsats_pipeline.synthetic.worlds.jobs.days import midnight

METADATA = sa.MetaData(
    schema="jobs",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)


def stamps() -> list[sa.Column[Any]]:
    """When the row came and last changed, and whether it is in use: in every table."""
    return [
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    ]


def stamped(options: Any) -> dict[str, Any]:
    """Values of `stamps`: all of the day that is taken for today."""
    now = midnight(options.as_of)
    return {"is_active": True, "created_at": now, "updated_at": now}


def listed(records: Sequence[Any], *columns: str) -> dict[str, list[Any]]:
    """Fields of records as columns."""
    return {name: [getattr(record, name) for record in records] for name in columns}


def one_of(column: str, values: Sequence[str]) -> sa.CheckConstraint:
    """The column has one of these values."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)
