"""What runs upstream (`{runs}`) brought, took or changed: queries of which `touched` is made."""

from __future__ import annotations

from typing import LiteralString

_WRITTEN: LiteralString = """
    select <columns> from silver.<table> where ingestion_run_id = any({runs})
    union
    select <columns> from silver.<table>_history where closed_by = any({runs})
"""

# A version that one of these runs wrote itself, and another replaced, was never seen from here.
_DIFFERENT: LiteralString = """
    (select <columns> from silver.<table> where ingestion_run_id = any({runs})
    except
    select <columns> from silver.<table>_history
    where closed_by = any({runs}) and ingestion_run_id <> all({runs}))
    union all
    (select <columns> from silver.<table>_history
    where closed_by = any({runs}) and ingestion_run_id <> all({runs})
    except
    select <columns> from silver.<table> where ingestion_run_id = any({runs}))
"""


def written(table: LiteralString, columns: LiteralString) -> LiteralString:
    """The columns in rows that the runs wrote and in those that they replaced or removed."""
    return _of(_WRITTEN, table, columns)


def different(table: LiteralString, columns: LiteralString) -> LiteralString:
    """The same where these columns differ: other columns of a row may change without a word here.

    With what tells rows apart among the columns, unless only the set of values matters.
    """
    return _of(_DIFFERENT, table, columns)


def _of(query: LiteralString, table: LiteralString, columns: LiteralString) -> LiteralString:
    return query.replace("<table>", table).replace("<columns>", columns)
