"""The schema that the tables of this world are in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    schema="retail",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


def referring(name: str, to: str, *, nullable: bool = False, **kwargs: Any) -> sa.Column[int]:
    """A foreign key; who is referred to cannot be deleted, unless the column may be empty."""
    key = sa.ForeignKey(
        f"{METADATA.schema}.{to}.id", ondelete="SET NULL" if nullable else "RESTRICT"
    )
    return sa.Column(name, sa.Integer, key, nullable=nullable, **kwargs)
