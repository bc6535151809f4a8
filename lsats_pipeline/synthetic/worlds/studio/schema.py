"""The schema of the studio, and how its keys and indexes are named."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData(
    schema="studio",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)


def full_text(table: sa.Table, column: str) -> sa.Index:
    """An index for searching the words of a column."""
    # A text, not a literal column: the index would take that for the column of its table.
    words = sa.func.to_tsvector(sa.text("'english'"), table.c[column])
    return sa.Index(f"ix_{table.name}_{column}_words", words, postgresql_using="gin")


def gin(table: sa.Table, column: str) -> sa.Index:
    """An index for asking what a JSON column contains."""
    return sa.Index(None, table.c[column], postgresql_using="gin")


def newest_first(table: sa.Table, *columns: str) -> sa.Index:
    """An index for reading rows of equal `columns`, the newest first."""
    name = "_".join((f"ix_{table.name}", *columns, "newest"))
    return sa.Index(name, *(table.c[column] for column in columns), table.c.created_at.desc())
