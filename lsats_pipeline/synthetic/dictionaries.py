"""Dictionaries of worlds: CSV files whose every line is right, or nothing is made of them.

A line with a field too few is how a predecessor lost 600 of its 628 brands without a word
(domain/world_retail.md 6), so a fault names the file, the line and the column.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from lsats_pipeline.core.errors import BadDeclaration

Parsers = Mapping[str, Callable[[str], Any]]


def read(
    package: str, name: str, columns: Parsers, least: int, folder: Path | None = None
) -> list[tuple[Any, ...]]:
    """The rows of `dictionaries/<name>.csv` of a package, each value parsed by its column.

    A file of that name in `folder` takes its place. BadDeclaration names the file and the line
    where the heading, the number of columns or a value is wrong, or where the rows end too soon.
    """
    where, text = _text_of(package, name, folder)
    lines = _lines(where, text)
    _check_heading(where, columns, next(lines, (1, []))[1])
    rows = [_parsed(where, number, line, columns) for number, line in lines]
    if len(rows) < least:
        raise BadDeclaration(f"{where}:{len(rows) + 1}: ends after {len(rows)} rows, not {least}")
    return rows


def text(value: str) -> str:
    """Text as it stands; it may neither be empty nor have blanks around it."""
    if not value or value != value.strip():
        raise ValueError("a text is wanted, without blanks around it")
    return value


def number(value: str) -> float:
    """A number above zero."""
    parsed = float(value)
    if not 0 < parsed < float("inf"):
        raise ValueError("a number above zero is wanted")
    return parsed


def one_of(*choices: str) -> Callable[[str], str]:
    """A text out of a few."""

    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)} is wanted")
        return value

    return parse


def units(digits: int, least: str, most: str) -> Callable[[str], int]:
    """A decimal of at most `digits` decimals between two limits, in units of the last digit."""

    def parse(value: str) -> int:
        try:
            exact = Decimal(value)
        except InvalidOperation:
            raise ValueError("a decimal number is wanted") from None
        if not exact.is_finite() or not Decimal(least) <= exact <= Decimal(most):
            raise ValueError(f"a number from {least} to {most} is wanted")
        scaled = exact.scaleb(digits)
        if scaled != int(scaled):
            raise ValueError(f"at most {digits} decimals are wanted")
        return int(scaled)

    return parse


def different(where: str, values: Sequence[str]) -> tuple[str, ...]:
    """The values as they are; BadDeclaration says which of them stand there twice."""
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        raise BadDeclaration(f"{where}: stand there twice: {', '.join(twice)}")
    return tuple(values)


def _text_of(package: str, name: str, folder: Path | None) -> tuple[str, str]:
    own = folder / f"{name}.csv" if folder else None
    file = own if own and own.exists() else files(package) / "dictionaries" / f"{name}.csv"
    where = str(own) if file is own else f"{name}.csv"
    try:
        return where, file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadDeclaration(f"{where}:{line}: is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise BadDeclaration(f"{where}: cannot be read: {error.strerror}") from None


def _lines(where: str, content: str) -> Iterator[tuple[int, list[str]]]:
    lines = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        for line in lines:
            yield lines.line_num, line
    except csv.Error as error:
        raise BadDeclaration(f"{where}:{lines.line_num}: {error}") from None


def _check_heading(where: str, columns: Parsers, found: Sequence[str]) -> None:
    if list(found) != list(columns):
        raise BadDeclaration(f"{where}:1: the heading is {_quoted(found)}, not {_quoted(columns)}")


def _parsed(where: str, number: int, line: Sequence[str], columns: Parsers) -> tuple[Any, ...]:
    if len(line) != len(columns):
        raise BadDeclaration(
            f"{where}:{number}: {len(line)} columns in {_quoted(line)}, not the {len(columns)} of "
            f"{_quoted(columns)}"
        )
    return tuple(
        _value(f"{where}:{number}: {column}", value, parse)
        for value, (column, parse) in zip(line, columns.items(), strict=True)
    )


def _value(where: str, value: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise BadDeclaration(f"{where} {value!r}: {error}") from None


def _quoted(values: Sequence[str] | Parsers) -> str:
    return f"{','.join(values)!r}"
