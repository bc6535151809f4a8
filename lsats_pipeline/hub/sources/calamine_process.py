"""Reads a workbook of an old or rare kind (.xls, .xlsb, .ods), as a process of its own.

standard input: its bytes ─▶ standard output: a line of JSON for each sheet and each of its rows

The library allots memory for the whole area between the first and the last value and aborts the
process when there is not enough. This file imports nothing of the package, to start fast.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from typing import Any

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1 << 30  # bytes
PASSWORD, DAMAGED_BOOK = 11, 12  # exit codes


def main() -> int:
    """Write what the workbook holds; returns the exit code."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # not on this system; the time limit stays
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        for about in book.sheets_metadata:
            if about.typ == SheetTypeEnum.WorkSheet:
                _write(book, about.name, about.visible == SheetVisibleEnum.Visible)
    except PasswordError:
        return PASSWORD
    except Exception:  # whatever the library makes of broken bytes
        return DAMAGED_BOOK
    return 0


def _write(book: CalamineWorkbook, name: str, visible: bool) -> None:
    sheet = book.get_sheet_by_name(name)
    _line({"name": name, "visible": visible})
    row, column = sheet.start or (0, 0)
    for number, cells in enumerate(sheet.iter_rows(), row + 1):
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            _line([number, [None] * column + [_plain(cell) for cell in cells]])


def _line(content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")


def _plain(cell: Any) -> Any:
    if isinstance(cell, float):
        if cell - cell != 0:
            return None
        return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
    if isinstance(cell, dt.date) and not isinstance(cell, dt.datetime):
        cell = dt.datetime.combine(cell, dt.time())  # midnight comes as a date
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    if isinstance(cell, dt.time | dt.timedelta):
        return str(cell)
    return None if cell == "" else cell


if __name__ == "__main__":
    sys.exit(main())
