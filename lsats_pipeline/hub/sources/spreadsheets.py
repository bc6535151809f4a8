"""From the bytes of an exported table to its rows: one record each, with the number of the row.

    bytes ─ what are they? ─▶ sheets ─ where is the header? ─▶ rows ─▶ (row, {column: value})
               │                            │                   └─ headers, totals, notes between
               └─ nothing to read ──────────┴──▶ MalformedSheet       them are no records

What a file is called says nothing: a CSV named .xlsx is read as what it is. Rows are numbered as
spreadsheets do it; blank ones are left out.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lsats_pipeline.hub.sources.binary_workbooks import PROTECTED, read_binary_workbook
from lsats_pipeline.hub.sources.sheets import DAMAGED, MalformedSheet, Sheet, SheetFile, SheetRow
from lsats_pipeline.hub.sources.text_tables import read_text
from lsats_pipeline.hub.sources.workbooks import check_directory, read_workbook

Row = tuple[int, dict[str, Any]]

HEADER_ROWS = 50  # rows among which the header must be
MOST_REMARKS = 5  # of one kind

MALFORMED = ""  # the name under which a record keeps the cells that cannot be trusted


@dataclass(frozen=True)
class Layout:
    """The columns of an export: those `needed`, and other names that some of them have.

    Names are compared without case, blanks and punctuation (but # and %).
    """

    needed: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        names = {**{name: name for name in self.needed}, **self.aliases}
        object.__setattr__(self, "keys", {header_key(key): name for key, name in names.items()})

    def columns(self, row: SheetRow) -> list[str]:
        """The names of a header's cells: as declared, else their own with single blanks."""
        texts = (str(cell).replace(DAMAGED, " ") if cell is not None else "" for cell in row.cells)
        names = [self.keys.get(header_key(text)) or " ".join(text.split()) for text in texts]
        while names and not names[-1]:
            names.pop()
        return names

    def missing(self, columns: Collection[str]) -> list[str]:
        """Which of the needed columns a header lacks."""
        return [name for name in self.needed if name not in columns]


def header_key(name: str) -> str:
    """What of a column's name counts when names are compared."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return _NO_KEY.sub("", plain.casefold())


def is_note(values: Collection[Any]) -> bool:
    """Whether a row without identity is a title, a total or a footnote, and was never a record."""
    filled = [value for value in values if value is not None and str(value).strip()]
    return len(filled) < 2 or any(isinstance(v, str) and _TOTAL.fullmatch(v) for v in filled)


class SheetTable:
    """A table whose header was found. Read its rows once; then its remarks are complete."""

    def __init__(self, sheet: Sheet, header: SheetRow, layout: Layout, form: str) -> None:
        self.sheet, self.form = sheet.name, form
        self._rows, self._fixed, self._layout, self._header = (
            sheet.rows, sheet.fixed, layout, header,
        )  # fmt: skip
        self._remarks: dict[str, list[str]] = {}

    @property
    def remarks(self) -> list[str]:
        """What people should know, each kind of remark once with some of its places."""
        return [
            f"{what}: {', '.join(places[:MOST_REMARKS])}"
            + (f" and {len(places) - MOST_REMARKS:,} more" if len(places) > MOST_REMARKS else "")
            for what, places in self._remarks.items()
        ]

    def remark(self, what: str, place: str) -> None:
        """Take a remark down; `place` says where."""
        self._remarks.setdefault(what, []).append(place)

    def rows(self) -> Iterator[Row]:
        """The records below the header; MalformedSheet where the document cannot be read."""
        columns = _HeaderColumns(self._layout.columns(self._header))
        for row in self._rows():
            if row.number <= self._header.number:
                continue
            if (name := columns.first(row)) is not None and header_key(name) in columns.keys:
                names = self._layout.columns(row)
                if not self._layout.missing(names):
                    self.remark("the header is repeated", f"row {row.number}")
                    columns = _HeaderColumns(names)
                    continue
                if columns.repeated_by(names):
                    self.remark("the header is repeated", f"row {row.number}")
                    continue
            if self._fixed:
                if row.complaint or len(row.cells) != columns.width:
                    if is_note(row.cells):
                        self.remark("no record, left out", f"row {row.number}")
                        continue
                    row = _checked(row, columns.width)
                self._remark_damage(row, columns)
            yield row.number, self._record(row, columns)

    def _record(self, row: SheetRow, columns: _HeaderColumns) -> dict[str, Any]:
        cells, blank = row.cells, "" if self._fixed else None
        if (short := columns.width - len(cells)) > 0:
            cells = cells + [blank] * short
        record = dict(zip(columns.names, cells, strict=False))
        if row.complaint:
            return {**record, MALFORMED: row.complaint}
        if columns.plain and short >= 0:
            return record
        for place in (*columns.nameless, *range(columns.width, len(cells))):
            if cells[place] not in (None, ""):
                self.remark("values without a column's name are not read", f"row {row.number}")
                break
        record.pop("", None)
        for name, places in columns.repeated.items():
            values = [cells[place] for place in places if cells[place] not in (None, "")]
            record[name] = values[0] if values else blank
            if any(value != record[name] for value in values):
                self.remark(
                    f"column {name!r} is there {len(places)} times with other values, the first"
                    " counts",
                    f"row {row.number}",
                )
        return record

    def _remark_damage(self, row: SheetRow, columns: _HeaderColumns) -> None:
        for name, cell in zip(columns.names, row.cells, strict=False):
            if DAMAGED in cell:
                self.remark(
                    f"bytes that are no characters ({self.form.partition(',')[0]})",
                    f"row {row.number} in {name!r}",
                )


class _HeaderColumns:
    """The columns of a header by their places."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.width = names, len(names)
        self.keys = {header_key(name) for name in names if name}
        self.nameless = [place for place, name in enumerate(names) if not name]
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(name, []).append(place)
        self.repeated = {name: at for name, at in places.items() if name and len(at) > 1}
        self.plain = not self.nameless and not self.repeated

    def first(self, row: SheetRow) -> str | None:
        """The first cell with something in it, if it is text."""
        cell = next((cell for cell in row.cells if cell not in (None, "")), None)
        return cell if isinstance(cell, str) else None

    def repeated_by(self, names: list[str]) -> bool:
        """Whether a row holds nothing but the names of these very columns."""
        pairs = [pair for pair in zip(names, self.names, strict=False) if pair[0]]
        return (
            len(pairs) > 1
            and len(names) <= self.width
            and all(header_key(name) == header_key(own) for name, own in pairs)
        )


def _checked(row: SheetRow, width: int) -> SheetRow:
    """A row of text with as many cells as the header, or with a complaint."""
    cells = row.cells
    if row.complaint:
        complaint = f"it is badly quoted ({row.complaint}): write quotes within a text twice"
        return row._replace(complaint=complaint)
    if len(cells) > width and not any(cells[width:]):
        return row._replace(cells=cells[:width])
    return row._replace(
        complaint=f"it has {len(cells)} columns instead of {width}: a text with a separator or a"
        " line break in it needs quotes"
    )


def read_table(data: bytes, layout: Layout) -> SheetTable:
    """The table with the needed columns; of several sheets the first, rather a visible one."""
    document = read_document(data)
    sheets = sorted(document.sheets, key=lambda sheet: not sheet.visible)
    found = [(sheet, _header(sheet, layout)) for sheet in sheets]
    whole = [(s, row) for s, row in found if row and not layout.missing(layout.columns(row))]
    if not whole:
        raise MalformedSheet(_no_header(found, layout, document.form))
    sheet, row = whole[0]
    table = SheetTable(sheet, row, layout, document.form)
    if not sheet.visible:
        table.remark("the table is on a hidden sheet", repr(sheet.name))
    for other, _ in whole[1:]:
        if other.visible:
            table.remark("another sheet with such a table is not read", repr(other.name))
    return table


def _header(sheet: Sheet, layout: Layout) -> SheetRow | None:
    """The row with most of the needed names among the first; None on an empty sheet."""
    best = None
    fewest = len(layout.needed) + 1
    for row in islice(sheet.rows(), HEADER_ROWS):
        missing = len(layout.missing(layout.columns(row)))
        if missing < fewest:
            best, fewest = row, missing
        if not missing:
            break
    return best


def _no_header(found: Sequence[tuple[Sheet, SheetRow | None]], layout: Layout, form: str) -> str:
    """What is wrong with a document without the header."""
    rows = [(sheet, row) for sheet, row in found if row is not None]
    if not rows:
        return "it is empty: export it anew"
    sheet, row = min(rows, key=lambda pair: len(layout.missing(layout.columns(pair[1]))))
    for bad in islice(sheet.rows(), HEADER_ROWS):
        if bad.complaint:
            return (
                f"its row {bad.number} is badly quoted ({bad.complaint}): write quotes within a"
                " text twice, or export it anew"
            )
    columns = layout.columns(row)
    missing = layout.missing(columns)
    where = f"its sheet {sheet.name!r}" if sheet.name is not None else "it"
    read = f" (read as {form})" if form else ""
    if len(missing) == len(layout.needed):
        return (
            f"{where} has no header among its first {HEADER_ROWS} rows{read}: it should name"
            f" {_listed(missing)}"
        )
    twice = [name for name, times in Counter(columns).items() if name and times > 1]
    there = f"; {_listed(twice)} is there twice" if twice else ""
    return f"{where} lacks {_listed(missing)} in row {row.number}{read}{there}: export it with them"


def _listed(columns: Sequence[str]) -> str:
    first = ", ".join(repr(name) for name in columns[:4])
    more = f" and {len(columns) - 4} more" if len(columns) > 4 else ""
    return f"the column{'s' if len(columns) > 1 else ''} {first}{more}"


# ── what the bytes are ────────────────────────────────────────────────────────────────────────────


def read_document(data: bytes) -> SheetFile:
    """The sheets of a document of any kind that can be read, whatever its name."""
    if not data.strip(b"\0 \t\r\n"):
        raise MalformedSheet("it is empty: export it anew")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    if data.startswith(_OLE):
        return _compound(data)
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise MalformedSheet(f"it is {what}: save the table as .xlsx")
    beginning = _beginning(data)
    if beginning.startswith("<"):
        what = (
            "a web page (HTML)"
            if re.search(r"<(!doctype html|html|table|meta|head|body)\b", beginning)
            else "an XML file"
        )
        raise MalformedSheet(
            f"it is {what} and no workbook, whatever its name: open it and save it as .xlsx"
        )
    return read_text(data)


_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OTHERS = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "packed by gzip",
    b"7z\xbc\xaf": "packed by 7-Zip",
    b"Rar!": "packed by RAR",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database",
    b"{\\rtf": "a text with formats (RTF)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_NO_KEY = re.compile(r"[^\w#%]|_")
_TOTAL = re.compile(
    r"\W*((grand|sub|report|overall|sum)[\s-]*)?totals?(\s+\w+)?\s*([:=(]?\s*[$\d.,)]*)"
    r"|.{0,60}\s(sub)?totals?\W*|(count|sum|average|number of \w+)\s*[:=]?\s*[$\d.,]*",
    re.IGNORECASE | re.DOTALL,
)


def _beginning(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data[:2048].decode(encoding, "ignore").lstrip().lower()


def _zipped(data: bytes) -> SheetFile:
    """A workbook of a newer kind, or what else is zipped."""
    check_directory(data)
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise MalformedSheet("it is only half copied, or damaged: copy it again") from None
    lower = {name.lower() for name in names}
    if "xl/workbook.bin" in lower:
        raise MalformedSheet("it is a binary workbook (.xlsb): save it as .xlsx")
    if "content.xml" in lower:
        return read_binary_workbook(data, "an OpenDocument file (.ods)")
    if "word/document.xml" in lower or "ppt/presentation.xml" in lower:
        raise MalformedSheet("it is a document and no workbook: save the table as .xlsx")
    if "[content_types].xml" not in lower and "xl/workbook.xml" not in lower:
        inside = f" with {names[0][:60]!r} in it" if names else " with nothing in it"
        raise MalformedSheet(f"it is a zip file{inside} and no workbook: unpack it")
    return read_workbook(data)


def _compound(data: bytes) -> SheetFile:
    """A workbook of an older kind, or one that is encrypted."""
    streams = {
        name for name in ("EncryptedPackage", "Workbook", "Book", "WordDocument")
        if name.encode("utf-16-le") + b"\0\0" in data
    }  # fmt: skip
    if "EncryptedPackage" in streams:
        raise MalformedSheet(PROTECTED)
    if streams & {"Workbook", "Book"}:
        return read_binary_workbook(data, "an old workbook (.xls)")
    if "WordDocument" in streams:
        raise MalformedSheet("it is a Word document: save the table as .xlsx")
    sector = 1 << min(data[30] if len(data) > 30 else 0, 12)
    contents_at = (int.from_bytes(data[48:52], "little") + 1) * sector  # where its contents are
    if contents_at >= len(data):
        raise MalformedSheet("it is only half copied, or damaged: copy it again")
    raise MalformedSheet("it is an old office file without a workbook: save the table as .xlsx")
