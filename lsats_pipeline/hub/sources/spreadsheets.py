"""From the bytes of an exported table to its rows: one record each, with the number of the row.

    .xlsx ─ zip intact? ─ first sheet ──┐
                                        ├─▶ header holds what is needed? ─▶ (row, {column: value})
    .csv ─ UTF-8, else Windows-1252 ────┘

Everything that makes a table unusable is found before the first row is given out: MalformedSheet.
Rows are numbered as spreadsheets do it, the header being row 1; blank ones are left out.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import math
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

Row = tuple[int, dict[str, Any]]

MAX_UNPACKED = 2 << 30  # bytes; a workbook that claims more is no export
EXACT = 2**53  # spreadsheets keep every number as a double


class MalformedSheet(Exception):
    """The document cannot be used; the message says what is wrong and what helps."""


class SheetTable(NamedTuple):
    """A table that can be used. `rows` may be called again; `remarks` are for people."""

    sheet: str | None
    rows: Callable[[], Iterator[Row]]
    remarks: tuple[str, ...] = ()


def read_xlsx(data: bytes, needed: Collection[str]) -> SheetTable:
    """The first sheet of a workbook, numbers as numbers and times as ISO 8601 without a zone."""
    _intact_zip(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = workbook.get_sheet_by_index(0)
    except (CalamineError, IndexError, OSError) as error:
        raise MalformedSheet(f"it is not a workbook that can be read ({error})") from None
    columns, missing = _header(next(sheet.iter_rows(), []), needed)
    if missing:
        elsewhere = _sheet_with(workbook, needed)
        hint = f"; they are on sheet {elsewhere!r}: move that to the front" if elsewhere else ""
        raise MalformedSheet(f"its first sheet {sheet.name!r} lacks {_listed(missing)}{hint}")
    return SheetTable(sheet.name, lambda: _sheet_rows(sheet, columns))


def read_csv(data: bytes, needed: Collection[str]) -> SheetTable:
    """A comma-separated table; every value is the text that stands there."""
    text, remarks = _decoded(data)
    if not text.endswith(("\n", "\r")):
        raise MalformedSheet(
            "its last line has no end: it was cut off while being copied, or was edited by hand"
            " (then add a line break)"
        )
    columns, missing = _header(next(_lines(text), []), needed)
    if missing:
        raise MalformedSheet(f"it lacks {_listed(missing)}; columns are separated by commas")
    _check_widths(text, len(columns))
    return SheetTable(None, lambda: _text_rows(text, columns), remarks)


def _intact_zip(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise MalformedSheet(f"it unpacks to more than {MAX_UNPACKED >> 20} MB")
            damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
        raise MalformedSheet("it is no .xlsx file, or only half copied: copy it again") from None
    if damaged:
        raise MalformedSheet(f"its part {damaged} is damaged: copy it again")


def _header(cells: Sequence[Any], needed: Collection[str]) -> tuple[list[str], list[str]]:
    """Column names with single blanks, and which of the needed ones are missing."""
    columns = [" ".join(str(cell).split()) for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    named = [name for name in columns if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    missing = [name for name in needed if name not in named]
    if twice and not missing:
        raise MalformedSheet(f"it has {_listed(twice)} twice")
    return columns, missing


def _listed(columns: Sequence[str]) -> str:
    first = ", ".join(repr(name) for name in columns[:4])
    more = f" and {len(columns) - 4} more" if len(columns) > 4 else ""
    return f"the column{'s' if len(columns) > 1 else ''} {first}{more}"


def _sheet_with(workbook: CalamineWorkbook, needed: Collection[str]) -> str | None:
    for name in workbook.sheet_names[1:]:
        first = next(workbook.get_sheet_by_name(name).iter_rows(), [])
        if set(needed) <= {" ".join(str(cell).split()) for cell in first}:
            return name
    return None


def _sheet_rows(sheet: CalamineSheet, columns: Sequence[str]) -> Iterator[Row]:
    rows = sheet.iter_rows()
    next(rows)
    start = sheet.start or (0, 0)
    for number, cells in enumerate(rows, start[0] + 2):
        if any(cell != "" for cell in cells):
            yield number, {c: _plain(v) for c, v in zip(columns, cells, strict=False) if c}


def _plain(cell: Any) -> Any:
    """A cell as JSON knows it; an empty one is null."""
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return None
        return int(cell) if cell.is_integer() and abs(cell) < EXACT else cell
    if isinstance(cell, dt.date) and not isinstance(cell, dt.datetime):
        cell = dt.datetime.combine(cell, dt.time())  # midnight comes as a date
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    if isinstance(cell, dt.time | dt.timedelta):
        return str(cell)
    return None if cell == "" else cell


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise MalformedSheet('it is UTF-16: save it as "CSV UTF-8"')
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("cp1252")
    except UnicodeDecodeError:
        raise MalformedSheet(
            f"line {line} is neither UTF-8 nor Windows-1252: export it anew"
        ) from None
    return text, (f"line {line} is not UTF-8, so all of it was read as Windows-1252",)


def _lines(text: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _check_widths(text: str, width: int) -> None:
    number = 0
    try:
        for number, cells in enumerate(_lines(text), 1):
            if cells and len(cells) != width:
                raise MalformedSheet(
                    f"its row {number} has {len(cells)} columns instead of {width}"
                )
    except csv.Error as error:
        raise MalformedSheet(f"its row {number + 1} is cut off or badly quoted ({error})") from None


def _text_rows(text: str, columns: Sequence[str]) -> Iterator[Row]:
    lines = _lines(text)
    next(lines)
    for number, cells in enumerate(lines, 2):
        if any(cells):
            yield number, {c: v for c, v in zip(columns, cells, strict=True) if c}
