"""The words that stand in the database about silver: tables, their histories, views."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lsats_pipeline.hub.silver.ddl import CURRENT_TAIL, HISTORY_TAIL
from lsats_pipeline.hub.silver.glossary import described, meaning
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.warehouse.comments import Words
from lsats_pipeline.warehouse.database import Connection

_USED = re.compile(r"\bsilver\.(\w+)")
_COMMENT = re.compile(r"comment on view silver\.(\w+) is\s+'((?:[^']|'')*)'")


def table_words(tables: Iterable[Table]) -> Iterator[Words]:
    """Of every table and its history."""
    for table in tables:
        columns = described(table)
        for name, about, tail in (
            (table.name, table.about, CURRENT_TAIL),
            (f"{table.name}_history", f"former versions of silver.{table.name}", HISTORY_TAIL),
        ):
            words = {field.name: field.about for field in (*columns, *tail)}
            yield Words("table", "silver", name, about, words)


def view_words(
    connection: Connection, views: Mapping[str, str], tables: Iterable[Table]
) -> Iterator[Words]:
    """Of views, by the texts that declare them: a column has the words of the first table used.

    The columns are those that the database has.
    """
    known = {words.name: words for words in table_words(tables)}
    for name, text in views.items():
        used = [known[table].columns for table in _USED.findall(text) if table in known]
        columns = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " order by attnum",
            [f"silver.{name}"],
        ).fetchall()
        yield Words(
            "view",
            "silver",
            name,
            dict(_COMMENT.findall(text))[name],
            {
                column: meaning(name, column, next((w[column] for w in used if column in w), ""))
                for (column,) in columns
            },
        )
