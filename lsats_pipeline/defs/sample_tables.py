"""A few rows as a table that Dagster shows: what a sample of any product looks like in the UI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

Sample = dg.TableMetadataValue
ROWS = 5
HIDDEN = "•••"
_LONGEST = 60  # of one value


def in_table(columns: Sequence[dg.TableColumn], rows: Sequence[Sequence[Any]]) -> Sample | None:
    """Rows under their columns, each value short enough to be read; None when there are no rows."""
    if not rows:
        return None
    names = [column.name for column in columns]
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(zip(names, map(_cell, row), strict=True))) for row in rows],
        dg.TableSchema([*columns]),
    )


def _cell(value: Any) -> str:
    text = " ".join(str("" if value is None else value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
