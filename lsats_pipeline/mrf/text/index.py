"""What is in a price file: one pass proves it whole, finds its top level, and cuts its arrays.

The result is the ledger of everything later: spans of about equal size, with their offsets in the
document, the number of their elements, and a CRC32. Values that are too large for memory are
cut inside; what cannot even be cut so is listed as too large, with its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from isal.isal_zlib import crc32

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text.cutting import Limits, Piece, pieces
from lsats_pipeline.mrf.text.reading import MAX_RATIO, Reading, Watcher, ahead
from lsats_pipeline.mrf.text.scanning import BEFORE, BEHIND
from lsats_pipeline.mrf.text.window import Window, members

BOM = b"\xef\xbb\xbf"
# The arrays that are ingested, and the array in each element that a large element is cut at.
SECTIONS = {
    "in_network": "negotiated_rates",
    "provider_references": "provider_groups",
    "out_of_network": "allowed_amounts",
}
# What else the published schemas have at the top level (domain/mrf.md 2.1, 2.2).
HEADER = {
    "reporting_entity_name",
    "reporting_entity_type",
    "last_updated_on",
    "version",
    "plan_name",
    "plan_id_type",
    "plan_id",
    "plan_market_type",
    "issuer_name",
    "plan_sponsor_name",
}
_SHORT = 4096


@dataclass(frozen=True)
class IndexOptions:
    """How a file is cut."""

    span: int = 32 << 20
    limits: Limits = field(default_factory=Limits)
    max_ratio: int = MAX_RATIO


class Span(msgspec.Struct, kw_only=True):
    """Consecutive values of one array: the unit of work, of retrying and of lineage.

    `first` counts values of the array from 0. In a span of a large element `of` is the
    element's number, and the values are those of its inner array. `pieces` are (begin, end,
    values) inside it, each small enough to decode at once; `loose` are the positions of those that
    are no strict JSON.
    """

    number: int
    section: str
    begin: int
    end: int
    first: int
    values: int = 0
    crc32: int = 0
    pieces: list[tuple[int, int, int]] = []
    loose: list[int] = []
    of: int | None = None


class LargeElement(msgspec.Struct, kw_only=True):
    """An element too large for memory: its members but the inner array, which has spans."""

    section: str
    number: int
    begin: int
    end: int = 0
    header: str = "{}"
    values: int = 0
    fault: str = ""


class TooLarge(msgspec.Struct, kw_only=True):
    """A value that could not be cut: it becomes a reject."""

    section: str
    element: int
    path: str
    begin: int
    size: int
    head: str


class TopLevelMember(msgspec.Struct, kw_only=True):
    """A value of the top level; `text` when it is short, `elements` when it is an array."""

    key: str
    at: int
    begin: int
    end: int
    text: str | None = None
    elements: int | None = None


class Index(msgspec.Struct, kw_only=True):
    """All of it; offsets count bytes of the document, `compressed` those of the file."""

    compressed: int
    text: int
    sha256: str
    gzip_members: int
    members: list[TopLevelMember]
    spans: list[Span]
    large: list[LargeElement]
    too_large: list[TooLarge]
    notes: list[str]
    seconds: float

    def member(self, key: str) -> TopLevelMember | None:
        """A value of the top level."""
        return next((m for m in self.members if m.key == key), None)

    def scalar(self, key: str) -> str:
        """A short value of the top level as text; empty when there is none."""
        found = self.member(key)
        value = msgspec.json.decode(found.text) if found and found.text else ""
        return value if isinstance(value, str) else str(value)

    def elements(self, section: str) -> int:
        """Elements of an array of the top level."""
        found = self.member(section)
        return (found.elements or 0) if found else 0


SpanCallback = Callable[[Span, list[Piece]], None]
"""Given each span of a section as soon as it is cut, and its pieces."""
_OnSpan = SpanCallback | None


def index_file(
    path: Path,
    options: IndexOptions | None = None,
    watch: Watcher | None = None,
    on_span: SpanCallback | None = None,
) -> Index:
    """Read a file once; BadFile when it is damaged, or no price file.

    `on_span` may get spans of a file that turns out to be damaged: nothing counts before the end.
    """
    chosen = options or IndexOptions()
    begun = time.monotonic()
    reading = Reading(path, chosen.max_ratio, watch)
    chunks = reading.chunks() if on_span else ahead(reading.chunks())  # else others have work
    document = _IndexedDocument(Window(chunks), chosen, on_span)
    try:
        document.read()
    except BadFile as error:
        # The error of the damage says more than that of the document, and names the file.
        for _ in chunks:
            pass
        raise BadFile(error.code, _named(path, error), error.offset) from None
    return Index(
        compressed=reading.compressed,
        text=reading.text,
        sha256=reading.sha256,
        gzip_members=reading.members,
        members=document.found,
        spans=document.spans,
        large=document.large,
        too_large=document.too_large,
        notes=document.notes() + _padding(reading),
        seconds=time.monotonic() - begun,
    )


def _named(path: Path, error: BadFile) -> str:
    return str(error) if str(error).startswith(str(path)) else f"{path}: {error}"


def _padding(reading: Reading) -> list[str]:
    return [f"{reading.zeros_after:,} zero bytes after the gzip"] if reading.zeros_after else []


class _IndexedDocument:
    """One document while it is read."""

    def __init__(self, window: Window, options: IndexOptions, on_span: _OnSpan) -> None:
        self.found: list[TopLevelMember] = []
        self.spans: list[Span] = []
        self.large: list[LargeElement] = []
        self.too_large: list[TooLarge] = []
        self._window = window
        self._options = options
        self._on_span = on_span
        self._bom = False
        self._odd: list[str] = []

    def read(self) -> None:
        self._begin()
        for key, at in members(self._window):
            self._no_second(key, at)
            self.found.append(self._member(key, at))
        if self._window.next_byte() is not None:
            raise BadFile(
                "several_documents",
                f"the document ends at byte {self._window.at:,}, and {self._window.shown()}"
                " follows:"
                " one file holds one document (not one a line)",
                self._window.at,
            )
        self._is_a_price_file()

    def notes(self) -> list[str]:
        """What is unusual but does no harm."""
        unknown = [m.key for m in self.found if m.key not in SECTIONS and m.key not in HEADER]
        both = {"in_network", "out_of_network"} <= {m.key for m in self.found}
        return [
            *(["a byte order mark before the document"] if self._bom else []),
            *(f"{key!r} is not in the published schema, and left in the file" for key in unknown),
            *self._odd,
            *(["both in_network and out_of_network"] if both else []),
        ]

    def _begin(self) -> None:
        self._window.fill(len(BOM))
        if self._window.data.startswith(BOM):
            self._bom = True
            self._window.cursor = len(BOM)
        if (byte := self._window.next_byte()) == ord("{"):
            return
        if byte is None:
            raise BadFile("empty", "there is no document, only space", self._window.at)
        what = "an array" if byte == ord("[") else self._window.shown()
        raise BadFile("not_json", f"a price file is one JSON object, and this begins with {what}",
                      self._window.at)  # fmt: skip

    def _no_second(self, key: str, at: int) -> None:
        before = next((m for m in self.found if m.key == key), None)
        if before:
            raise BadFile(
                "duplicate_key",
                f"{key!r} stands twice at the top level, at bytes {before.at:,} and {at:,}:"
                " nobody can say which of them counts",
                at,
            )

    def _is_a_price_file(self) -> None:
        keys = [m.key for m in self.found]
        if "reporting_structure" in keys:
            raise BadFile("table_of_contents", "this is a table of contents: it lists price files")
        if not {"in_network", "out_of_network"} & set(keys):
            has = ", ".join(keys) or "nothing"
            raise BadFile(
                "no_prices", f"there is neither in_network nor out_of_network; there is {has}"
            )

    def _member(self, key: str, at: int) -> TopLevelMember:
        window = self._window
        begin = window.at
        if window.next_byte() == ord("["):
            elements = self._array(key)
            return TopLevelMember(key=key, at=at, begin=begin, end=window.at, elements=elements)
        if key in SECTIONS:
            raise BadFile(
                "wrong_type", f"{key} at byte {begin:,} is no array, but {window.shown()}", begin
            )
        text = window.value(self._options.limits.largest)
        if text is None:
            window.skip()
        short = self._short(key, text) if text and len(text) <= _SHORT else None
        return TopLevelMember(key=key, at=at, begin=begin, end=window.at, text=short)

    def _short(self, key: str, text: bytes) -> str | None:
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            self._odd.append(f"{key!r} is no UTF-8 ({error.reason})")
            return None

    def _array(self, section: str) -> int:
        """Cut an array of the top level; returns how many elements it has."""
        spans = self._spans(section)
        count = 0
        for found in pieces(self._window, self._options.limits):
            if isinstance(found, Piece):
                spans.add(found, count)
                count += found.count
            else:
                spans.close()
                self._large(section, count)
                count += 1
        spans.close()
        return count

    def _large(self, section: str, number: int) -> None:
        """Cut an element inside, at its inner array; its other members become its header."""
        window, inner = self._window, SECTIONS.get(section, "")
        element = LargeElement(section=section, number=number, begin=window.at)
        if window.next_byte() != ord("{") or not inner:
            self._skipped(section, number, "")
            return
        header: dict[str, msgspec.Raw] = {}
        seen: set[str] = set()
        for key, _ in members(window):
            if key in seen:
                element.fault = f"duplicate key {key!r}"
            seen.add(key)
            if key == inner and window.next_byte() == ord("["):
                element.values += self._inner(section, number, inner)
            elif (value := window.value(self._options.limits.largest // 4)) is not None:
                header[key] = msgspec.Raw(value)
            else:
                self._skipped(section, number, key)
                element.fault = element.fault or f"{key!r} is too large"
        element.end = window.at
        try:
            element.header = msgspec.json.encode(header).decode()
        except UnicodeDecodeError as error:
            element.fault = element.fault or f"invalid UTF-8 ({error.reason})"
        self.large.append(element)

    def _inner(self, section: str, number: int, inner: str) -> int:
        spans = self._spans(section, number)
        count = 0
        for found in pieces(self._window, self._options.limits):
            if isinstance(found, Piece):
                spans.add(found, count)
                count += found.count
            else:
                spans.close()
                self._skipped(section, number, f"{inner}[{count}]")
                count += 1
        spans.close()
        return count

    def _skipped(self, section: str, element: int, path: str) -> None:
        begin = self._window.at
        size, head = self._window.skip()
        if section in SECTIONS:
            text = head.decode(errors="replace")
            self.too_large.append(
                TooLarge(
                    section=section, element=element, path=path, begin=begin, size=size, head=text
                )
            )

    def _spans(self, section: str, of: int | None = None) -> _Spans:
        return _Spans(self.spans, section, self._options.span, of, self._on_span)


class _Spans:
    """Pieces of one array put together into spans; arrays that are not ingested have none."""

    def __init__(
        self, spans: list[Span], section: str, size: int, of: int | None, on_span: _OnSpan
    ) -> None:
        self._spans, self._section, self._size, self._of = spans, section, size, of
        self._on_span = on_span
        self._open: Span | None = None
        self._pieces: list[Piece] = []

    def add(self, piece: Piece, first: int) -> None:
        if self._section not in SECTIONS:
            return
        if self._open and piece.end - self._open.begin > self._size:
            self.close()
        span = self._open or self._begin(piece, first)
        if not piece.values:
            span.loose.append(len(span.pieces))
        span.pieces.append((piece.begin, piece.end, piece.count))
        span.crc32 = crc32(memoryview(piece.document)[len(BEFORE) : -len(BEHIND)], span.crc32)
        span.values += piece.count
        span.end = piece.end
        if self._on_span:
            self._pieces.append(piece)

    def close(self) -> None:
        if self._open and self._on_span:
            self._on_span(self._open, self._pieces)
        self._open, self._pieces = None, []

    def _begin(self, piece: Piece, first: int) -> Span:
        self._open = Span(
            number=len(self._spans),
            section=self._section,
            begin=piece.begin,
            end=piece.end,
            first=first,
            of=self._of,
        )
        self._spans.append(self._open)
        return self._open
