"""Word lists of the worlds: CSV files beside their code, read strictly.

`dictionaries/<name>.csv` ─▶ heading, number of columns, each value ─▶ tuples
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from lsats_pipeline.errors import BadDeclaration

Row = tuple[Any, ...]


def read(
    package: str, name: str, columns: Mapping[str, Callable[[str], Any]], least: int
) -> list[Row]:
    """The rows of `dictionaries/<name>.csv` of a package, each value by its column's function.

    BadDeclaration names file and line of a wrong heading, a wrong number of columns, a value that
    its function refuses (ValueError) or a repeated row; and the file when it has too few rows.
    """
    return read_file(files(package).joinpath("dictionaries", f"{name}.csv"), columns, least)


def read_file(
    file: Traversable, columns: Mapping[str, Callable[[str], Any]], least: int
) -> list[Row]:
    """The same from any file."""
    rows = list(_rows(file, columns))
    if len(rows) < least:
        raise BadDeclaration(f"{file}: {len(rows)} rows, at least {least} are needed")
    return rows


def text(value: str) -> str:
    """A value that may not be empty, nor begin or end with spaces."""
    if not value or value != value.strip():
        raise ValueError(f"{value!r} is empty or has spaces around it")
    return value


def _rows(file: Traversable, columns: Mapping[str, Callable[[str], Any]]) -> Iterator[Row]:
    lines = csv.reader(file.read_text(encoding="utf-8").splitlines(), strict=True)
    heading = next(lines, [])
    if heading != list(columns):
        raise BadDeclaration(f"{file} line 1: columns {heading} instead of {list(columns)}")
    seen = set[Row]()
    for cells in lines:
        row = _row(f"{file} line {lines.line_num}", cells, columns)
        if row in seen:
            raise BadDeclaration(f"{file} line {lines.line_num}: {row} stands there twice")
        seen.add(row)
        yield row


def _row(place: str, cells: list[str], columns: Mapping[str, Callable[[str], Any]]) -> Row:
    if len(cells) != len(columns):
        raise BadDeclaration(f"{place}: {len(cells)} columns instead of {len(columns)}")
    try:
        return tuple(read(cell) for cell, read in zip(cells, columns.values(), strict=True))
    except ValueError as error:
        raise BadDeclaration(f"{place}: {error}") from None
