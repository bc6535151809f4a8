"""Reads a workbook of an old or rare kind (.xls, .ods), as a process of its own.

standard input: its bytes ─▶ standard output: a line of JSON for each sheet and each of its rows

The library allots memory for the whole area between the first and the last value and aborts the
process when there is not enough. It also gives cells with an error as blank: those of an .xls are
looked up in its records ([MS-XLS] 2.4.24 BoolErr, 2.4.127 Formula; [MS-CFB] for the container).
This file imports nothing of the package, to start fast.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1 << 30  # bytes
PASSWORD, DAMAGED_BOOK, ERRORS = 11, 12, 13  # exit codes


def main() -> int:
    """Write what the workbook holds; returns the exit code."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # not on this system; the time limit stays
    try:
        data = sys.stdin.buffer.read()
        if data.startswith(b"PK") and _holds(data, "META-INF/manifest.xml", b"encryption-data"):
            return PASSWORD
        if data.startswith(b"PK") and _holds(data, "content.xml", b'value-type="error"'):
            return ERRORS
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        errors = _errors(_stream(data)) if data.startswith(_CONTAINER) else []
        for number, about in enumerate(book.sheets_metadata):
            if about.typ == SheetTypeEnum.WorkSheet:
                visible = about.visible == SheetVisibleEnum.Visible
                _write(book, about.name, visible, errors[number] if number < len(errors) else {})
    except PasswordError:
        return PASSWORD
    except MemoryError:
        raise
    except BaseException:  # whatever the library makes of broken bytes: it panics, too
        return DAMAGED_BOOK
    return 0


def _write(
    book: CalamineWorkbook, name: str, visible: bool, errors: dict[tuple[int, int], str]
) -> None:
    sheet = book.get_sheet_by_name(name)
    _line({"name": name, "visible": visible})
    _, column = sheet.start or (0, 0)  # rows come from the first on, columns from the first used
    rows = {number for number, _ in errors}
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number - 1 in rows:
            for place in range(len(cells)):
                cells[place] = errors.get((number - 1, column + place), cells[place])
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


def _holds(data: bytes, part: str, wanted: bytes) -> bool:
    """Whether a part of an .ods has these bytes: of a cell with an error, of a password."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(part) as opened:
        before = b""
        while chunk := opened.read(1 << 20):
            if wanted in before + chunk:
                return True
            before = chunk[-32:]
    return False


_CONTAINER = bytes.fromhex("d0cf11e0a1b11ae1")
_TEXTS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!",
    0x2A: "#N/A",
}  # fmt: skip


def _errors(stream: bytes) -> list[dict[tuple[int, int], str]]:
    """For each sheet its cells with an error, by row and column."""
    starts = [
        struct.unpack_from("<I", body)[0]
        for kind, body in _records(stream, 0) if kind == 0x0085  # BoundSheet8
    ]  # fmt: skip
    sheets = []
    for start in starts:
        found = {}
        for kind, body in _records(stream, start):
            code = None
            if kind == 0x0205 and len(body) >= 8 and body[7]:
                code = body[6]
            elif kind == 0x0006 and body[12:14] == b"\xff\xff" and body[6] == 2:
                code = body[8]
            if code is not None:
                row, column = struct.unpack_from("<HH", body)
                found[row, column] = _TEXTS.get(code, "#N/A")
        sheets.append(found)
    return sheets


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of a substream, from its beginning to its end."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        depth += (kind == 0x0809) - (kind == 0x000A)  # BOF, EOF
        at += 4 + size
        if depth <= 0:
            return


def _stream(data: bytes) -> bytes:
    """The stream with the workbook, out of its container."""
    sector, mini = 1 << struct.unpack_from("<H", data, 30)[0], 64
    tables = struct.unpack_from("<109I", data, 76)

    def piece(number: int) -> bytes:
        return data[(number + 1) * sector : (number + 2) * sector]

    more = struct.unpack_from("<I", data, 68)[0]
    seen = set[int]()
    while more < 0xFFFFFFFA and more not in seen:
        seen.add(more)
        *others, following = struct.unpack(f"<{sector // 4}I", piece(more))
        tables, more = (*tables, *others), following
    joined = b"".join(piece(number) for number in tables if number < 0xFFFFFFFA)
    table = struct.unpack(f"<{len(joined) // 4}I", joined)

    def chain(number: int, links: tuple[int, ...]) -> Iterator[int]:
        for _ in links:
            if number >= len(links):
                return
            yield number
            number = links[number]

    folder = b"".join(map(piece, chain(struct.unpack_from("<I", data, 48)[0], table)))
    entries = [folder[at : at + 128] for at in range(0, len(folder) - 127, 128)]
    names = [
        "".join(entry[: max(0, entry[64] - 2)].decode("utf-16-le", "ignore")) for entry in entries
    ]
    entry = next(e for n, e in zip(names, entries, strict=True) if n in ("Workbook", "Book"))
    start, size = struct.unpack_from("<II", entry, 116)
    if size >= struct.unpack_from("<I", data, 56)[0]:
        return b"".join(map(piece, chain(start, table)))[:size]
    small = b"".join(map(piece, chain(struct.unpack_from("<I", data, 60)[0], table)))
    links = struct.unpack(f"<{len(small) // 4}I", small)
    root = b"".join(map(piece, chain(struct.unpack_from("<I", entries[0], 116)[0], table)))
    return b"".join(root[n * mini : (n + 1) * mini] for n in chain(start, links))[:size]


if __name__ == "__main__":
    sys.exit(main())
