"""What every readable document comes down to: sheets of numbered rows of cells.

A cell is None, text, a number, a truth value, or a time as ISO 8601 text. A cell whose value the
document itself does not know holds what stands there: `#N/A`, or a formula nobody worked out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

DAMAGED = "\ufffd"  # stands for bytes that are no character

# What spreadsheets show for a value that they do not have: a column that is too narrow, an error, a
# formula that was never worked out. `silver.has_value` says the same.
_ERROR = re.compile(r"\s*(##+|#N/A|#GETTING_DATA|#[A-Z][A-Z0-9/_]*[!?]|=\S.*)\s*", re.DOTALL)


class MalformedSheet(Exception):
    """The document cannot be used; the message says what is wrong and what helps."""


class SheetRow(NamedTuple):
    """A row that is not blank. `complaint`: why its cells cannot be trusted."""

    number: int
    cells: list[Any]
    complaint: str = ""


class Sheet(NamedTuple):
    """A sheet; `rows` may be called again, and raises MalformedSheet where it cannot go on.

    `fixed`: all rows have as many cells as the header, unless something is wrong with them.
    """

    name: str | None
    rows: Callable[[], Iterator[SheetRow]]
    visible: bool = True
    fixed: bool = False


class SheetFile(NamedTuple):
    """A document that can be read. `form`: how it was read, for people; `remarks` as well."""

    sheets: tuple[Sheet, ...]
    form: str = ""
    remarks: tuple[str, ...] = ()


def unknown(cell: Any) -> str | None:
    """What stands in a cell whose value is not known, for people; None for any other cell."""
    if not isinstance(cell, str):
        return None
    if _ERROR.fullmatch(cell):
        text = cell.strip()
        return "a formula without a value" if text.startswith("=") else text[:12]
    return "a damaged character" if DAMAGED in cell else None
