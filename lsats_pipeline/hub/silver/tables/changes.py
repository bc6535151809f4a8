"""Queries for `changed_keys`: what the runs upstream (`{runs}`) added, removed or changed."""

from __future__ import annotations

from typing import LiteralString

_NOW: LiteralString = "select <columns> from silver.<table> where ingestion_run_id = any({runs})"
_BEFORE: LiteralString = (
    "select <columns> from silver.<table>_history where closed_by = any({runs})"
)
# A version that one of these runs wrote itself, and another replaced, was never seen from here.
_SEEN: LiteralString = f"{_BEFORE} and (ingestion_run_id = any({{runs}})) is not true"


def written(table: LiteralString, columns: LiteralString) -> LiteralString:
    """The columns in rows that the runs wrote and in those that they replaced or removed."""
    return _of(f"{_NOW} union {_BEFORE}", table, columns)


def different(table: LiteralString, columns: LiteralString) -> LiteralString:
    """The same where these columns differ: other columns of a row may change without a word here.

    With the identity among the columns, unless only the set of values matters.
    """
    came: LiteralString = f"({_NOW} except {_SEEN})"
    went: LiteralString = f"({_SEEN} except {_NOW})"
    return _of(f"{came} union all {went}", table, columns)


def _of(query: LiteralString, table: LiteralString, columns: LiteralString) -> LiteralString:
    return query.replace("<table>", table).replace("<columns>", columns)
