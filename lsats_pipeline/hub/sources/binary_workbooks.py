"""Workbooks of old and rare kinds (.xls, .ods): read by a process that may die of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from lsats_pipeline.hub.sources import calamine_process
from lsats_pipeline.hub.sources.sheets import MalformedSheet, Sheet, SheetFile, SheetRow

SECONDS = 120.0  # after which reading is given up

PROTECTED = "a password protects it: open it, remove the password, and save it as .xlsx"


def read_binary_workbook(data: bytes, form: str) -> SheetFile:
    """The sheets of a workbook that is no .xlsx; `form`: what it is, for people."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as lines:
        given.write(data)
        given.seek(0)
        try:
            done = subprocess.run(
                [sys.executable, "-I", calamine_process.__file__],
                stdin=given, stdout=lines, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise MalformedSheet(
                f"it is {form} that takes more than {SECONDS:.0f} s to read: save it as .xlsx"
            ) from None
        if done.returncode == calamine_process.PASSWORD:
            raise MalformedSheet(PROTECTED)
        if done.returncode == calamine_process.DAMAGED_BOOK:
            raise MalformedSheet(
                f"it is {form} that is damaged or only half copied: copy it again, or save it"
                " as .xlsx"
            )
        if done.returncode == calamine_process.ERRORS:
            raise MalformedSheet(
                f"it is {form} with cells that hold an error, which look like blank ones: save it"
                " as .xlsx"
            )
        if done.returncode:
            raise MalformedSheet(
                f"it is {form} that needs more than {calamine_process.MEMORY >> 20} MB to read,"
                " as one with a value far outside of its table does: delete that, and save it"
                " as .xlsx"
            )
        lines.seek(0)
        return SheetFile(tuple(_sheets(lines)), form)


def _sheets(lines: IO[bytes]) -> Iterator[Sheet]:
    sheet, rows = None, list[SheetRow]()
    for line in lines:
        content = json.loads(line)
        if isinstance(content, list):
            rows.append(SheetRow(*content))
            continue
        if sheet is not None:
            yield sheet
        rows = []
        sheet = Sheet(content["name"], rows.__iter__, content["visible"])
    if sheet is not None:
        yield sheet
