"""Tables and JSON: drawn on a terminal, plain columns or JSON for everything else."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any


def say(text: str = "") -> None:
    """A line of the command's own output."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """A line to standard error: advice, warnings, progress."""
    sys.stdout.flush()  # into one file or pipe they go in this order
    sys.stderr.write(f"{text}\n")


def program() -> str:
    """What to type for this program: `lsats`, or where it is when no PATH leads to it."""
    name = Path(sys.argv[0])
    if name.name != "lsats" or shutil.which("lsats"):
        return "lsats"
    return str(name)


def say_json(value: Any) -> None:
    """The output as one JSON document; escaped where the terminal or pipe is not Unicode."""
    escaped = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    say(json.dumps(value, default=_plain, indent=2, ensure_ascii=escaped))


def say_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", right: str = ""
) -> None:
    """A table; `right` names the headings whose columns hold numbers, separated by commas."""
    cells = [[format_value(value) for value in row] for row in rows]
    numbers = {i for i, heading in enumerate(headings) if heading in right.split(", ")}
    if sys.stdout.isatty():
        _drawn(headings, cells, numbers, title)
    else:
        _plain_columns(headings, cells, numbers, title)


def format_value(value: object) -> str:
    """A value for people; numbers in groups of three."""
    return f"{value:,}" if type(value) is int else exact(value)


def exact(value: object) -> str:
    """A value for people as it is: an id stays an id."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return str(value)


def cut(text: str, width: int) -> str:
    """A text in one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _plain(value: object) -> object:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def _plain_columns(
    headings: Sequence[str], cells: list[list[str]], numbers: set[int], title: str
) -> None:
    if title:
        say(title)
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for row in (headings, *cells):
        aligned = (
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join(aligned).rstrip())


def _drawn(headings: Sequence[str], cells: list[list[str]], numbers: set[int], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i in numbers else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)
