"""Workbooks (.xlsx): read cell by cell, in memory that follows what is in them.

    zip ─ parts that count, none too large ─▶ sheets, formats, texts ─▶ rows as the XML goes by

A sheet's own idea of its size is not believed and nothing is set aside for it: one value in the
last cell of an empty sheet is one row. What unpacks to more than MAX_UNPACKED is no export.
ECMA-376 part 1, 18.3 (sheets), 18.8.30 (formats); part 2 (packages).
"""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from lsats_pipeline.hub.sources.number_formats import (
    children,
    moment_of,
    number_forms,
    plain_number,
)
from lsats_pipeline.hub.sources.shallow_trees import DEEPEST, ShallowTree
from lsats_pipeline.hub.sources.sheets import MalformedSheet, Sheet, SheetFile, SheetRow

MAX_UNPACKED = 256 << 20  # bytes of a sheet
MAX_TEXTS = 96 << 20  # bytes of the part with the texts, which stay in memory
MAX_SMALL = 16 << 20  # bytes of each part about the workbook itself
MAX_ROW = 16 << 20  # bytes without the end of a row
MAX_DIRECTORY = 4 << 20  # bytes of the list of parts
MOST_CHARACTERS = 32_767  # of a cell's text, as Excel has it: many cells may refer to one text
MOST_BLANK = 10_000_000  # cells left out before others, on one sheet
FAR_OUTSIDE = (
    "many of its rows have values far outside of the table: delete those, or export it anew"
)
MOST_DAYS = 999_999_999  # of a span of time
LAST_COLUMN, LAST_ROW = 16384, 1_048_576  # XFD1048576
SECONDS = 120.0  # of the processor, for each part; twenty thousand rows take one or two
CHUNK = 1 << 18

_HALF = "it is only half copied, or damaged: copy it again"
_TOO_LARGE = f"it unpacks to more than {MAX_UNPACKED >> 20} MB: export it anew, with less in it"


def read_workbook(data: bytes) -> SheetFile:
    """The sheets of a workbook in their order."""
    package = _Package(data)
    main = package.target("", "/officeDocument") or "xl/workbook.xml"
    book = package.tree(main)
    if book is None:
        raise MalformedSheet("it is a zip file but no workbook: save the table as .xlsx")
    parts = package.relationships(main)
    styles = next((to for kind, to in parts.values() if kind.endswith("/styles")), "")
    texts = next((to for kind, to in parts.values() if kind.endswith("/sharedStrings")), "")
    properties = next(children(book, "workbookPr"), None)
    is_1904 = properties is not None and properties.get("date1904") in ("1", "true", "on")
    formats = number_forms(package.tree(styles)) if styles else {}
    contents = _Contents(package, formats, is_1904, package.texts(texts) if texts else [])
    sheets = []
    for sheet in children(book, "sheet"):
        link = next((value for key, value in sheet.items() if key.endswith("}id")), "")
        kind, part = parts.get(link, ("", ""))
        if kind.endswith("/worksheet") and package.has(part):
            visible = sheet.get("state", "visible") == "visible"
            sheets.append(Sheet(sheet.get("name", ""), partial(contents.rows, part), visible))
    if not sheets:
        raise MalformedSheet("it is a workbook without a sheet: export it anew")
    return SheetFile(tuple(sheets))


class _Package:
    """The parts of the zip file; MalformedSheet for what is damaged, locked or too large."""

    def __init__(self, data: bytes) -> None:
        check_directory(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
            raise MalformedSheet(_HALF) from None
        self._parts = {info.filename.lower().lstrip("/"): info for info in self._zip.infolist()}

    def has(self, part: str) -> bool:
        return part.lower() in self._parts

    def chunks(self, part: str, most: int) -> Iterator[bytes]:
        """The bytes of a part, however large it claims to be."""
        size = 0
        try:
            with self._zip.open(self._parts[part.lower()]) as opened:
                while chunk := opened.read(CHUNK):
                    size += len(chunk)
                    if size > most:
                        raise MalformedSheet(_TOO_LARGE)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            raise MalformedSheet(f"its part {part} is damaged: copy it again") from None
        except NotImplementedError:
            raise MalformedSheet("it is packed in a way that no office program uses: save it"
                                 " anew as .xlsx") from None  # fmt: skip
        except RuntimeError:  # so zipfile says that a password is needed
            raise MalformedSheet("a password protects it: save it without one") from None

    def tree(self, part: str) -> ElementTree.Element | None:
        """A small part as a tree; None when there is none of that name."""
        if not self.has(part):
            return None
        parser = ElementTree.XMLParser(target=ShallowTree(part))
        try:
            for chunk in self.chunks(part, MAX_SMALL):
                parser.feed(chunk)
            tree: ElementTree.Element = parser.close()
            return tree
        except (ElementTree.ParseError, ValueError, LookupError):
            raise MalformedSheet(f"its part {part} is damaged: export it anew") from None

    def relationships(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: for each link the kind and the part."""
        folder, name = posixpath.split(part)
        tree = self.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for link in children(tree, "Relationship") if tree is not None else ():
            target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", "")))
            found[link.get("Id", "")] = (link.get("Type", ""), target.lstrip("/"))
        return found

    def target(self, part: str, kind: str) -> str | None:
        """The first part of a kind that a part refers to."""
        links = self.relationships(part).values()
        return next((to for is_a, to in links if is_a.endswith(kind)), None)

    def texts(self, part: str) -> list[str]:
        """The texts that cells refer to by number."""
        if not self.has(part):
            return []
        reader = _Texts()
        for _ in _parsed(self.chunks(part, MAX_TEXTS), part, reader.parser):
            pass
        return reader.texts


def check_directory(data: bytes) -> None:
    """The list of parts must be there, and short: zipfile would keep all of it."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or len(data) < end + 22:
        raise MalformedSheet(_HALF)
    (size,) = struct.unpack_from("<I", data, end + 12)
    if size > MAX_DIRECTORY:
        raise MalformedSheet("it has far too many parts for a workbook: export it anew")


def _parsed(chunks: Iterator[bytes], part: str, parser: expat.XMLParserType) -> Iterator[None]:
    """Parse a part; a step for each chunk."""

    def refuse(*_: Any) -> None:
        raise MalformedSheet(f"its part {part} declares entities, as no export does")

    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    parser.ordered_attributes = True
    started = time.thread_time()
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            yield
            if time.thread_time() - started > SECONDS:
                raise MalformedSheet(f"its part {part} takes more than {SECONDS:.0f} s to read")
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, ValueError, LookupError, ArithmeticError):
        raise MalformedSheet(f"its part {part} is damaged: export it anew") from None


class _Texts:
    """Collects the texts of cells: runs of one text are joined, phonetic guides left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._runs: list[str] = []
        self._in_text = self._in_guide = False
        self._depth = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, _: list[str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(name)
        name = name.rpartition(":")[2]
        if name == "si":
            self._runs = []
        elif name == "rPh":
            self._in_guide = True
        elif name == "t":
            self._in_text = not self._in_guide

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = name.rpartition(":")[2]
        if name == "si":
            text = "".join(self._runs)
            if len(text) > MOST_CHARACTERS:
                raise MalformedSheet(
                    f"it has a text of more than {MOST_CHARACTERS:,} characters, as no cell holds:"
                    " export it anew"
                )
            self.texts.append(text)
        elif name == "rPh":
            self._in_guide = False
        elif name == "t":
            self._in_text = False

    def _text(self, text: str) -> None:
        if self._in_text:
            self._runs.append(text)


# ── cells ─────────────────────────────────────────────────────────────────────────────────────────


class _ColumnPlaces(dict[str, int]):
    """Places of columns by their letters, from 0."""

    def __missing__(self, letters: str) -> int:
        place = 0
        for letter in letters:
            place = place * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
        if not 0 < place <= LAST_COLUMN:
            raise ValueError(letters)
        self[letters] = place - 1
        return place - 1


class _Contents(NamedTuple):
    """What the cells of all sheets need to be understood."""

    package: _Package
    formats: dict[str, str]  # by the style of the cell
    is_1904: bool
    texts: list[str]

    def rows(self, part: str) -> Iterator[SheetRow]:
        """The rows of a sheet that are not blank."""
        reader = _Rows(self._value)
        ended = pending = 0
        for _ in _parsed(self.package.chunks(part, MAX_UNPACKED), part, reader.parser):
            pending = 0 if reader.ended > ended else pending + CHUNK
            ended = reader.ended
            if pending > MAX_ROW:
                raise MalformedSheet(
                    f"its part {part} has {MAX_ROW >> 20} MB without the end of a row:"
                    " it is no export of a table"
                )
            yield from reader.found
            reader.found.clear()

    def _value(self, kind: str, style: str, values: list[str], formulas: list[str] | None) -> Any:
        """A cell with something in it: the text of its value, and that of its formula."""
        text = values[0] if len(values) == 1 else "".join(values)
        if kind == "s":
            if not text:
                return None
            if not text.isdecimal():
                raise ValueError(text)
            return self.texts[int(text)] or None
        if not text:
            return None if formulas is None or kind == "str" else f"={''.join(formulas) or '?'}"
        if kind in ("", "n"):
            form = self.formats.get(style, "")
            if not form and len(text) < 16 and text.isdecimal():
                return int(text)
            number = float(text)
            if form == "time":
                return moment_of(number, self.is_1904)
            if form == "span" and abs(number) < MOST_DAYS:
                return str(dt.timedelta(milliseconds=round(number * 86_400_000)))
            return plain_number(number)
        if kind == "b":
            return text in ("1", "true")
        return text


class _Rows:
    """Collects the rows of a sheet: `found` those with values, `ended` counts all."""

    def __init__(self, value: Callable[[str, str, list[str], list[str] | None], Any]) -> None:
        self.found: list[SheetRow] = []
        self.ended = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._first
        self._value = value
        self._columns = _ColumnPlaces()

    def _first(self, root: str, _: list[str]) -> None:
        """The root says which prefix the names of elements have."""
        prefix = root.rpartition(":")[0]
        self._read(f"{prefix}:" if prefix else "")

    def _read(self, prefix: str) -> None:
        # Variables of closures: half a million cells a sheet make attributes too slow.
        row, cell, value, formula, text, guide = (
            prefix + name for name in ("row", "c", "v", "f", "t", "rPh")
        )
        columns, value_of, found = self._columns, self._value, self.found
        number = place = depth = blank = 0
        kind = style = ""
        cells: list[Any] = []
        runs = values = list[str]()
        formulas: list[str] | None = None
        read: list[str] | None = None  # where text goes

        def start(name: str, attributes: list[str]) -> None:
            nonlocal number, place, cells, kind, style, read, values, runs, formulas, depth
            depth += 1
            if depth > DEEPEST:
                raise ValueError(name)
            if name == cell:
                runs = values = []
                formulas = None
                given = dict(zip(attributes[::2], attributes[1::2], strict=True))
                kind, style = given.get("t", ""), given.get("s", "")
                at = given.get("r")
                place = columns[at.rstrip("0123456789")] if at else place + 1
            elif name in (value, text):
                read = runs
            elif name == formula:
                formulas = read = []
            elif name == guide:
                runs = []  # of how it is pronounced
            elif name == row:
                cells, place, number = [], -1, _row_number(attributes, number)

        def end(name: str) -> None:
            nonlocal read, runs, depth, blank
            read = None
            depth -= 1
            if name == cell:
                if values or formulas is not None:
                    content = value_of(kind, style, values, formulas)
                    if content is not None:
                        _put(cells, place, content)
            elif name == row:
                self.ended += 1
                if cells:
                    blank += cells.count(None)
                    if blank > MOST_BLANK:
                        raise MalformedSheet(FAR_OUTSIDE)
                    found.append(SheetRow(number, cells))
            elif name == guide:
                runs = values

        def characters(given: str) -> None:
            if read is not None:
                read.append(given)

        self.parser.StartElementHandler = start
        self.parser.EndElementHandler = end
        self.parser.CharacterDataHandler = characters


def _put(cells: list[Any], place: int, content: Any) -> None:
    """Put a cell where it says that it stands; ValueError for the second at one place."""
    if place < len(cells) and cells[place] is not None:
        raise ValueError(place)
    cells.extend([None] * (place + 1 - len(cells)))
    cells[place] = content


def _row_number(attributes: list[str], before: int) -> int:
    number = int(attributes[attributes.index("r") + 1]) if "r" in attributes[::2] else before + 1
    if not before < number <= LAST_ROW:
        raise ValueError(number)
    return number
