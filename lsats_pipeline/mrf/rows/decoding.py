"""Pieces of spans to columns; what does not fit is set aside, as small a part as possible.

What `arrow_reader` reads for certain is used as it is. Everything else is decoded by typed
structures (`elements`), which say what is wrong; valid values become columns in the same way.

An element with one bad price among a thousand loses that price. A reject keeps the text (up to a
limit), the offset of its element in the document, and the path inside that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.rows.arrow_reader import columns_of
from lsats_pipeline.mrf.rows.bisect_invalid import FAULTS, after_comma, decoder, parted
from lsats_pipeline.mrf.rows.elements import INSIDE, KINDS, Element
from lsats_pipeline.mrf.rows.price_template_cache import PriceTemplateCache, coded
from lsats_pipeline.mrf.text.cutting import LargePiece, Limits, pieces
from lsats_pipeline.mrf.text.index import SECTIONS, LargeElement, Span, TooLarge
from lsats_pipeline.mrf.text.scanning import BEFORE, BEHIND, document_of
from lsats_pipeline.mrf.text.window import HEAD, Window, members

Numbers: TypeAlias = NDArray[np.int64]
# An uncertain piece is cut in parts until they are so small; these are decoded exactly.
# So many cuts without a reject show that the whole file is uncertain: then no more cuts.
_SMALL, _OFTEN = 16 << 10, 20
_CUT_OFF = "Input data was truncated"
_LEVELS = {"Rate": "rate", "Price": "price", "ProviderGroup": "provider_group",
           "AllowedAmount": "allowed_amount", "Payment": "payment"}  # fmt: skip


class RowReject(Struct, frozen=True):
    """Something of a file that is in no table. `level` says what: element, rate, price, ..."""

    section: str
    element: int
    path: str
    level: str
    reason: str
    offset: int
    length: int
    text: str


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Values of an array, as a document: `begin` is where in the file's, `first` their number.

    `strict`: the index has proved it to be strict JSON.
    """

    document: bytes | memoryview
    begin: int
    first: int
    strict: bool

    @property
    def data(self) -> bytes:
        """The values as written."""
        return bytes(self.document[len(BEFORE) : -len(BEHIND)])

    def part(self, begin: int, end: int, values: int) -> DecodedText:
        """Some of it, with so many values before."""
        document = document_of(memoryview(self.document)[len(BEFORE) :][begin:end])
        return replace(self, document=document, begin=self.begin + begin, first=self.first + values)


@dataclass
class Decoded:
    """What values gave; `numbers` are those of the good ones in their array."""

    values: list[pa.StructArray] = field(default_factory=list)
    numbers: list[Numbers] = field(default_factory=list)
    rejects: list[RowReject] = field(default_factory=list)
    seen: int = 0

    def add(self, values: pa.StructArray, numbers: Numbers) -> None:
        """Take in good values."""
        if len(values):
            self.values.append(values)
            self.numbers.append(numbers)


@dataclass(frozen=True)
class PieceSource:
    """Where a piece is from: its span, and the large element it is inside of, if it is."""

    span: Span
    large: LargeElement | None = None

    @property
    def kind(self) -> type[Struct]:
        """What its values are."""
        kind = KINDS[self.span.section]
        return INSIDE[kind][1] if self.large else kind

    @cached_property
    def element(self) -> Element | None:
        """The large element without what is inside; None when it cannot be used."""
        return self._header[0]

    @property
    def fault(self) -> str:
        """Why the large element cannot be used; empty when it can."""
        return self._header[1]

    @cached_property
    def _header(self) -> tuple[Element | None, str]:
        if self.large is None or self.large.fault:
            return None, self.large.fault if self.large else ""
        kind = KINDS[self.span.section]
        try:
            header = msgspec.json.decode(self.large.header, type=dict[str, msgspec.Raw])
            shell = msgspec.json.encode({**header, INSIDE[kind][0]: []})
            element: Element = _decoder_of_one(kind).decode(shell)
        except FAULTS as error:
            return None, _reject_message(error)
        return element, ""


class Decoder:
    """Decodes the pieces of one file; what it learns of the file is good for the next ones."""

    def __init__(self) -> None:
        self._readers: dict[type[Struct], PriceTemplateCache] = {}
        self._in_vain = 0

    def decode(self, piece: DecodedText, source: PieceSource) -> Decoded:
        """All values of a piece; what is uncertain is decoded in ever smaller parts."""
        decoded = Decoded()
        self._decode(decoded, piece, source)
        return decoded

    def _decode(self, decoded: Decoded, piece: DecodedText, source: PieceSource) -> None:
        reader = self._reader(source.kind)
        values = reader.read(piece.document) if piece.strict and not source.fault else None
        if values is not None:
            decoded.add(values, np.arange(piece.first, piece.first + len(values)))
            decoded.seen += len(values)
        elif (
            piece.strict
            and self._is_worth_cutting(piece)
            and (parts := parted(piece.data, source.kind))
        ):
            for part in parts:
                self._decode(decoded, piece.part(*part), source)
        elif _decode_exactly(decoded, piece, source):
            self._in_vain = 0
        elif piece.strict and not reader.learn(piece.document):
            self._in_vain += 1

    def _is_worth_cutting(self, piece: DecodedText) -> bool:
        """Not when many uncertain pieces had nothing bad in them."""
        return len(piece.document) > _SMALL and self._in_vain < _OFTEN

    def _reader(self, kind: type[Struct]) -> PriceTemplateCache:
        if kind not in self._readers:
            self._readers[kind] = PriceTemplateCache(kind)
        return self._readers[kind]


def _decode_exactly(decoded: Decoded, piece: DecodedText, source: PieceSource) -> int:
    """Decode exactly, value for value where it must be; returns how many rejects that gave."""
    before = len(decoded.rejects)
    values = _at_once(piece.data, source)
    numbers = list(range(piece.first, piece.first + len(values or ())))
    decoded.seen += len(numbers)
    if values is None:
        values, numbers = _apart(decoded, piece, source)
    if source.fault:
        decoded.rejects += _lost(values, numbers, source)
    else:
        decoded.add(coded(columns_of(values, source.kind)), np.asarray(numbers, np.int64))
    return len(decoded.rejects) - before


def _apart(
    decoded: Decoded, piece: DecodedText, source: PieceSource
) -> tuple[list[Any], list[int]]:
    """Value for value: the good ones, and their numbers."""
    values, numbers = [], []
    for number, (at, raw) in enumerate(_one_by_one(piece.data, piece.begin), piece.first):
        element = source.large.number if source.large else number
        path = f"{SECTIONS[source.span.section]}[{number}]" if source.large else ""
        value = _Place(source, decoded.rejects, element).value(raw, at, source.kind, path)
        decoded.seen += 1
        if value is not None:
            values.append(value)
            numbers.append(number)
    return values, numbers


def level_of(kind: type[Struct]) -> str:
    """What a reject is called: element, rate, price, ..."""
    return _LEVELS.get(kind.__name__, "element")


def too_large(found: TooLarge) -> RowReject:
    """The reject of a value that could not be cut."""
    inside = INSIDE[KINDS[found.section]][1]
    level = "element" if not found.path else "member"
    return RowReject(
        found.section,
        found.element,
        found.path,
        level_of(inside) if "[" in found.path else level,
        "too large to be held in memory, and with nothing inside to cut it at",
        found.begin,
        found.size,
        found.head,
    )


def _at_once(data: bytes, source: PieceSource) -> list[Any] | None:
    """All values; None when any of them is not as it should be."""
    whole = b"".join((b"[", data, b"]"))
    try:
        values: list[Any] = decoder(source.kind).decode(whole)
    except FAULTS:
        return None
    return None if _closer_look(whole) else values


def _one_by_one(data: bytes, begin: int) -> Iterator[tuple[int, bytes]]:
    """Each value of `a,b,c`: its offset, its text."""
    # Cut as it was for the index, so that the values are the same ones.
    limits = Limits(piece=len(data) + 2, largest=2 * len(data) + 2)
    window = Window(iter((b"[", data, b"]")), begin - 1)
    for piece in pieces(window, limits):
        assert not isinstance(piece, LargePiece), "nothing is larger than the whole"
        at = 0
        data = piece.data
        for raw in [bytes(value) for value in piece.values] or [data]:
            at = after_comma(data, at)
            yield piece.begin + at, raw
            at += len(raw)


def _members(data: bytes, begin: int) -> list[tuple[str, int, bytes]]:
    """Each member of an object: its key, offset and text; BadFile when it is none."""
    window = Window(iter((data,)), begin)
    found = []
    for key, _ in members(window):
        size = window.outlined(len(data)) or 0
        found.append((key, window.at, window.take(size)))
    return found


@dataclass(frozen=True)
class _Place:
    """A piece while it is taken apart."""

    source: PieceSource
    rejects: list[RowReject]
    element: int

    def value(self, raw: bytes, at: int, kind: type[Struct], path: str) -> Any:
        """The value without its bad parts; None when nothing of it can be used."""
        value, reason = _decoded(raw, kind)
        if not reason:
            return value
        if (value := self._without_bad(raw, at, kind, path)) is not None:
            return value
        self._reject(raw, at, kind, path, reason)
        return None

    def _without_bad(self, raw: bytes, at: int, kind: type[Struct], path: str) -> Any:
        """The value with the good ones of its inner list; None when the fault is elsewhere."""
        if kind not in INSIDE:
            return None
        name, inside = INSIDE[kind]
        try:
            value, items = _shell(raw, at, kind, name)
        except (BadFile, KeyError, *FAULTS):
            return None
        dot = f"{path}." if path else ""
        good = [
            self.value(item, begin, inside, f"{dot}{name}[{number}]")
            for number, (begin, item) in enumerate(items)
        ]
        setattr(value, name, [item for item in good if item is not None])
        return value

    def _reject(self, raw: bytes, at: int, kind: type[Struct], path: str, reason: str) -> None:
        section = self.source.span.section
        text = raw[:HEAD].decode(errors="backslashreplace")
        self.rejects.append(
            RowReject(section, self.element, path, level_of(kind), reason, at, len(raw), text)
        )


def _shell(
    raw: bytes, at: int, kind: type[Struct], name: str
) -> tuple[Any, list[tuple[int, bytes]]]:
    """A value with its inner list empty, and what is in that list; an error if it has a fault."""
    found = _members(raw, at)
    parts = {key: (begin, text) for key, begin, text in found}
    begin, inner = parts.pop(name)
    if len(parts) + 1 != len(found) or not inner.startswith(b"["):
        raise KeyError(name)
    fields = [b"%s:%s" % (msgspec.json.encode(key), text) for key, (_, text) in parts.items()]
    shell = b"{%s}" % b",".join([*fields, b'"%s":[]' % name.encode()])
    if _closer_look(shell):
        raise KeyError(name)
    value = _decoder_of_one(kind).decode(shell)
    inside = inner[1:-1]
    return value, list(_one_by_one(inside, begin + 1)) if inside.strip() else []


def _lost(values: list[Any], numbers: list[int], source: PieceSource) -> list[RowReject]:
    """Good values inside of a large element that cannot be used."""
    assert source.large is not None
    name, inside = INSIDE[KINDS[source.span.section]]
    return [
        RowReject(source.span.section, source.large.number, f"{name}[{number}]", level_of(inside),
               f"its element: {source.fault}", source.large.begin, 0,
               msgspec.json.encode(value)[:HEAD].decode(errors="backslashreplace"))
        for number, value in zip(numbers, values, strict=True)
    ]  # fmt: skip


def _decoded(raw: bytes, kind: type[Struct]) -> tuple[Any, str]:
    """The value, or why it does not fit."""
    try:
        value = _decoder_of_one(kind).decode(raw)
    except FAULTS as error:
        return None, _closer_look(raw) or _reject_message(error)
    return value, _closer_look(raw)


def _closer_look(raw: bytes) -> str:
    """What the decoder does not see in a value; empty when there is nothing.

    A key twice in one object, anywhere, and text that is no UTF-8 where nobody reads it.
    """
    try:
        json.loads(raw.decode(), object_pairs_hook=_no_second)
    except _SecondKey as error:
        return f"duplicate key {error}"
    except UnicodeDecodeError as error:
        return str(error)
    except (ValueError, RecursionError):
        return ""  # no JSON: the decoder says so better
    return ""


class _SecondKey(ValueError):
    pass


def _no_second(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len({name for name, _ in pairs}):
        names = [name for name, _ in pairs]
        raise _SecondKey(repr(next(name for name in names if names.count(name) > 1)))


def _reject_message(error: Exception) -> str:
    """Why a value does not fit. It is whole, so what looks cut off is half a surrogate pair."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "half a surrogate pair" if str(error) == _CUT_OFF else str(error)


@cache
def _decoder_of_one(kind: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
