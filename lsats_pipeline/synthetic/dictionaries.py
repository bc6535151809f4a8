"""Dictionaries of a world: `dictionaries/<name>.csv` of its package, read strictly."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from lsats_pipeline.errors import BadDeclaration


def read(
    package: str, name: str, columns: Mapping[str, Callable[[str], Any]], least: int = 1
) -> list[tuple[Any, ...]]:
    """The rows of a dictionary, each value converted as its column says.

    BadDeclaration names file and line when the heading, the number of columns or a value is not as
    declared, and the file when it has fewer than `least` rows.
    """
    file = f"{package.replace('.', '/')}/dictionaries/{name}.csv"
    try:
        text = (files(package) / "dictionaries" / f"{name}.csv").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDeclaration(f"{file}: {error}") from None
    lines = csv.reader(io.StringIO(text, newline=""))
    if (heading := next(lines, [])) != list(columns):
        raise BadDeclaration(f"{file}, line 1: columns {heading}, declared are {list(columns)}")
    rows = [_converted(f"{file}, line {lines.line_num}", line, columns) for line in lines]
    if len(rows) < least:
        raise BadDeclaration(f"{file}: {len(rows)} rows, at least {least} are needed")
    return rows


def _converted(
    where: str, line: list[str], columns: Mapping[str, Callable[[str], Any]]
) -> tuple[Any, ...]:
    if len(line) != len(columns):
        raise BadDeclaration(f"{where}: {len(line)} columns, declared are {len(columns)}")
    return tuple(
        _value(where, name, kind, text)
        for (name, kind), text in zip(columns.items(), line, strict=True)
    )


def _value(where: str, name: str, kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except (ValueError, ArithmeticError) as error:
        raise BadDeclaration(f"{where}: {name} {text!r}: {error}") from None
