"""Tables of a few rows as Markdown, for what reads better among other text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def in_rows(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as Markdown; empty when there are no rows."""
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str("" if value is None else value).split()).replace("|", "\\|")
