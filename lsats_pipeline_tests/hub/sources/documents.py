"""Documents made byte by byte: what office programs write, and what nobody should."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"


class Cell(str):
    """XML of a cell's inside, with its attributes before a bar: `t="e"|<v>#N/A</v>`."""


def letters(place: int) -> str:
    found = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        found = chr(65 + rest) + found
    return found


def sheet_xml(rows: Mapping[int, Mapping[int, Any]], before: str = "", after: str = "") -> bytes:
    """A sheet by rows from 1 and places from 0."""
    parts = [f'<worksheet xmlns="{MAIN}">{before}<sheetData>']
    for number, cells in rows.items():
        parts.append(f'<row r="{number}">')
        for place, value in cells.items():
            name = f"{letters(place)}{number}"
            if isinstance(value, Cell):
                attributes, _, inside = value.partition("|")
                parts.append(f'<c r="{name}" {attributes}>{inside}</c>')
            elif isinstance(value, str):
                text = escape(value)
                parts.append(f'<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>')
            elif value is not None:
                parts.append(f'<c r="{name}"><v>{value}</v></c>')
        parts.append("</row>")
    return ("".join(parts) + f"</sheetData>{after}</worksheet>").encode()


def table_xml(header: Sequence[str], *rows: Sequence[Any], first: int = 1) -> bytes:
    lines = [header, *rows]
    return sheet_xml({first + n: dict(enumerate(line)) for n, line in enumerate(lines)})


def package(
    *sheets: bytes, hidden: Sequence[int] = (), more: Mapping[str, bytes] | None = None
) -> bytes:
    """A workbook of these sheets; `more`: parts besides, or in place of those."""
    names = [f"Sheet{n}" for n in range(1, len(sheets) + 1)]
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"'
        + (' state="hidden"' if n - 1 in hidden else "") + "/>"
        for n, name in enumerate(names, 1)
    )  # fmt: skip
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    texts = f'<Relationship Id="rIdT" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    parts = {
        "[Content_Types].xml": b"<Types/>",
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1"'
            f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}">{links}{texts}</Relationships>'
        ).encode(),
        **{f"xl/worksheets/sheet{n}.xml": sheet for n, sheet in enumerate(sheets, 1)},
        **(more or {}),
    }
    return zipped(parts)


def zipped(parts: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def compound(stream: bytes, name: str) -> bytes:
    """A container of one stream, as old office programs made it."""
    stream = stream.ljust(4096, b"\0")
    stream += bytes(-len(stream) % 512)
    count = len(stream) // 512
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    table = [0xFFFFFFFD, end, *range(3, 2 + count), end]
    assert len(table) <= 128, "one sector of links"
    table += [free] * (128 - len(table))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, end, 0, end, 0, 0,
    )  # fmt: skip
    header += struct.pack("<108I", *[free] * 108)

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = title.encode("utf-16-le") + b"\0\0"
        return (
            text.ljust(64, b"\0")
            + struct.pack("<HBBIII36xIQ", len(text), kind, 1, free, free, child, start, size)
        )  # fmt: skip

    folder = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 2, len(stream))
    folder = folder.ljust(512, b"\0")
    return header + struct.pack("<128I", *table) + folder + stream


def old_workbook(rows: Sequence[Sequence[Any]], errors: Mapping[tuple[int, int], int]) -> bytes:
    """An .xls with one sheet; `errors`: codes by row and column."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(what: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, what, 0, 0x07CC, 0, 6))

    end = record(0x000A, b"")
    sheet = begin(0x0010)
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if (r, c) in errors:
                sheet += record(0x0205, struct.pack("<HHHBB", r, c, 0, errors[r, c], 1))
            elif isinstance(value, str):
                text = value.encode("utf-16-le")
                body = struct.pack("<HHHHB", r, c, 0, len(value), 1) + text
                sheet += record(0x0204, body)
            elif value is not None:
                sheet += record(0x0203, struct.pack("<HHHd", r, c, 0, value))
    sheet += end
    name = b"\x04\0Data"
    bound = record(0x0085, struct.pack("<IH", 0, 0) + name)
    start = len(begin(5) + bound + end)
    bound = record(0x0085, struct.pack("<IH", start, 0) + name)
    return compound(begin(5) + bound + end + sheet, "Workbook")
