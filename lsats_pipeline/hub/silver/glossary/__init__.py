"""What the columns of silver mean: a name means one thing, in every table, history and view.

the declaration's own words ─▶ entry `table.column` ─▶ entry `column`;   then where it comes from

Nothing here is in a table's fingerprint: words change without any row being built anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.glossary.directories import DIRECTORIES
from lsats_pipeline.hub.silver.glossary.labs import LABS
from lsats_pipeline.hub.silver.glossary.machines import MACHINES
from lsats_pipeline.hub.silver.glossary.people import PEOPLE
from lsats_pipeline.hub.silver.spec import (
    Coalesce,
    Column,
    Computed,
    Expression,
    SqlColumn,
    Table,
)

WORDS: Mapping[str, str] = PEOPLE | DIRECTORIES | MACHINES | LABS


def meaning(relation: str, column: str, own: str = "") -> str:
    """What a column means; empty where nobody has said so."""
    return WORDS.get(f"{relation}.{column}") or own or WORDS.get(column, "")


def described(table: Table) -> tuple[Field, ...]:
    """The fields of a table, each with its meaning and where its values come from."""
    declared = {column.name: column for column in table.all_columns}
    return tuple(
        field._replace(
            about=_about(table.name, declared[field.name])
            if field.name in declared
            else _about_own(table, field)
        )
        for field in fields(table)
    )


def _about_own(table: Table, field: Field) -> str:
    """Of what every table of its kind has; a merged table's key means something, too."""
    if field.name != table.identity:
        return field.about
    return "; ".join(filter(None, (meaning(table.name, field.name), field.about)))


def _about(table: str, column: Column | Computed | Coalesce | Expression | SqlColumn) -> str:
    known = meaning(table, column.name, column.about)
    return "; ".join(filter(None, (known, _origin(column))))


def _origin(column: Column | Computed | Coalesce | Expression | SqlColumn) -> str:
    """Where values come from; of an expression only its system, for its SQL is no sentence."""
    if isinstance(column, Coalesce):
        return "from " + ", then ".join(dict.fromkeys(source for source, _ in column.pairs()))
    origin = column.source if isinstance(column, Expression) else column.origin
    return f"from {origin}" if origin else ""
