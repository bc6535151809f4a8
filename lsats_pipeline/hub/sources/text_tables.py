"""Tables as text: comma-separated values and their kin, however they were encoded and separated.

    bytes ─ encoding, once for all ─▶ lines ─ separator: that of the widest row ─▶ rows of texts

A byte that is no character in the file's encoding damages its own value only. A row that is badly
quoted is one row with a complaint; a last row that was cut off makes the whole file useless.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import islice

from lsats_pipeline.hub.sources.sheets import DAMAGED, MalformedSheet, Sheet, SheetFile, SheetRow

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAMPLE = 50  # rows that show the separator

_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # begins like the one of UTF-16
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_TITLES = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
}
_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_ASCII = bytes(range(128))
_CONTROL = bytes({*range(1, 32), 127} - set(b"\t\r\n\x0b\x0c\x1a"))
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")
_CUT = (
    "its last line has no end: it was cut off while being copied (copy it again), or was edited"
    " by hand (then add a line break)"
)


def read_text(data: bytes) -> SheetFile:
    """The one sheet of a text file."""
    encoding, start = _encoding(data)
    body = data[start:].rstrip(b"\x1a")
    if body.endswith(bytes(8)):
        raise MalformedSheet("it ends in zeros: it is only half copied, so copy it again")
    sample = body[: 1 << 16]
    if not encoding.startswith(("utf-16", "utf-32")) and 50 * _count(sample, _CONTROL) > len(
        sample
    ):
        raise MalformedSheet("it is neither text nor a workbook: export it as .xlsx or .csv")
    separator, skipped = _separator(body, encoding)
    rows = partial(_rows, body, encoding, separator, skipped)
    form = f"{_TITLES[encoding]}, separated by {SEPARATORS.get(separator, repr(separator))}"
    return SheetFile((Sheet(None, rows, fixed=True),), form)


def _encoding(data: bytes) -> tuple[str, int]:
    """The encoding of the whole file, and how long its mark is."""
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return encoding, len(mark)
    if (wide := _wide(data[:4096])) is not None:
        return wide, 0
    high = len(data.translate(None, _ASCII))
    characters = [len(found) for found in _CHARACTER.findall(data)] if high else []
    if len(characters) >= high - sum(characters):
        return "utf-8", 0
    # Old programs of Macintoshes end lines with a carriage return alone, and few others do.
    if b"\r" in data and b"\n" not in data:
        written = data.translate(None, _ASCII)
        return max(("mac_roman", "cp1252"), key=partial(_letters, written)), 0
    return "cp1252", 0


def _letters(data: bytes, encoding: str) -> int:
    return sum(map(str.isalpha, data.decode(encoding, "replace")))


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin text is zero."""
    pairs = len(sample) // 2
    if pairs and sample[1::2].count(0) > 0.6 * pairs and sample[::2].count(0) < 0.1 * pairs:
        return "utf-16-le"
    if pairs and sample[::2].count(0) > 0.6 * pairs and sample[1::2].count(0) < 0.1 * pairs:
        return "utf-16-be"
    return None


def _count(data: bytes, wanted: bytes) -> int:
    return len(data) - len(data.translate(None, wanted))


class _PhysicalLines(Iterator[str]):
    """The lines of a text, each with its end; some can be given back to be read again."""

    def __init__(self, body: bytes, encoding: str) -> None:
        text = io.TextIOWrapper(io.BytesIO(body), encoding, errors="replace", newline="")
        self._lines: Iterator[str] = iter(text)
        self._returned: deque[str] = deque()
        self.read: list[str] = []  # since it was last emptied

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.read.append(line)
        return line.replace("\0", DAMAGED)

    def give_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))


def _separator(body: bytes, encoding: str) -> tuple[str, int]:
    """What separates columns, and how many lines say so before the table."""
    first = next(_PhysicalLines(body, encoding), "")
    if declared := _SEP_LINE.fullmatch(first):
        return declared[1], 1

    def widest(separator: str) -> int:
        rows = islice(_records(_PhysicalLines(body, encoding), separator), SAMPLE)
        return max((len(row.cells) for row in rows), default=0)

    return max(SEPARATORS, key=widest), 0


def _records(lines: _PhysicalLines, separator: str) -> Iterator[SheetRow]:
    """Rows as they are quoted; after a bad one reading goes on with its second line."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    while True:
        lines.read.clear()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first, *others = lines.read
            lines.give_back(others)
            yield SheetRow(number, first.rstrip("\r\n").split(separator), str(error))
        else:
            if any(cell and not cell.isspace() for cell in cells):
                yield SheetRow(number, [_bare(cell) for cell in cells])


def _bare(cell: str) -> str:
    """The text of `="0042"`, which keeps spreadsheets from making a number of it."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


def _rows(body: bytes, encoding: str, separator: str, skipped: int) -> Iterator[SheetRow]:
    lines = _PhysicalLines(body, encoding)
    for _ in range(skipped):
        next(lines)
    ends = body.endswith(("\n".encode(encoding), "\r".encode(encoding)))
    quoted = body.endswith('"'.encode(encoding))
    width, shapes, last = 0, set[str](), None
    for row in _records(lines, separator):
        if last is not None:
            if not last.complaint:
                width = max(width, len(last.cells))
                if not ends:
                    shapes.add(_shape(last.cells[-1]))
            yield last
        last = row
    if last is None:
        return
    fits = not last.complaint and len(last.cells) >= width
    if not ends and width and not (fits and (quoted or _shape(last.cells[-1]) in shapes)):
        raise MalformedSheet(_CUT)
    yield last


def _shape(text: str) -> str:
    """What a value looks like: a date that was cut off looks like no other date."""
    return _LETTER.sub("A", _DIGIT.sub("9", text))
