"""The identity of a row of a document: its key cells, each in one spelling, joined by bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsats_pipeline.hub.sources.sheets import unknown
from lsats_pipeline.hub.sources.source import UnusableRecord
from lsats_pipeline.hub.sources.spreadsheets import MALFORMED

Spelling = Callable[[Any], str | None]


def row_identity(record: dict[str, Any], key: Mapping[str, Spelling]) -> str | None:
    """The identity; None when a spelling gives None, so that the row is nobody's.

    UnusableRecord when a key cell holds no value but an error, a formula that nobody worked out or
    damaged text: the row may be any of those that its other key cells fit. Of a malformed row only
    the first key cell is believed.
    """
    problems = {column: what for column in key if (what := unknown(record.get(column))) is not None}
    parts = [
        None if column in problems else spelled(record.get(column))
        for column, spelled in key.items()
    ]
    if complaint := record.get(MALFORMED):
        raise UnusableRecord("malformed_row", complaint, f"{_pattern(parts[0])}|%")
    if problems:
        message = "; ".join(f"{column!r} holds {what}" for column, what in problems.items())
        raise UnusableRecord("unknown_key", message, "|".join(map(_pattern, parts)))
    return None if None in parts else "|".join(str(part) for part in parts)


def _pattern(part: str | None) -> str:
    """A part in a pattern of LIKE."""
    if part is None:
        return "%"
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
