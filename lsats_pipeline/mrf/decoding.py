"""Pieces of spans to elements; what does not fit is set aside, as small a part as possible.

An element with one bad price among a thousand loses that price. A reject keeps the text (up to a
limit), the offset of its element in the document, and the path inside that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from lsats_pipeline.errors import BadFile
from lsats_pipeline.mrf.cutting import Large, Limits, pieces
from lsats_pipeline.mrf.elements import INSIDE, KINDS, Element, decoder, keys_of
from lsats_pipeline.mrf.index import SECTIONS, LargeElement, Span, TooLarge
from lsats_pipeline.mrf.window import HEAD, Window, members

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CUT_OFF = "Input data was truncated"
_COMMA = re.compile(rb"[ \t\r\n,]*")
_LEVELS = {"Rate": "rate", "Price": "price", "ProviderGroup": "provider_group",
           "AllowedAmount": "allowed_amount", "Payment": "payment"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reject:
    """Something of a file that is in no table. `level` says what: element, rate, price, ..."""

    section: str
    element: int
    path: str
    level: str
    reason: str
    offset: int
    length: int
    text: str


@dataclass
class Decoded:
    """What a piece gave; `numbers` are those of the elements in their array."""

    elements: list[Element] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    seen: int = 0


@dataclass(frozen=True)
class Source:
    """Where a piece is from: its span, and the large element it is inside of, if it is."""

    span: Span
    large: LargeElement | None = None

    @property
    def kind(self) -> type[Struct]:
        """What its values are."""
        kind = KINDS[self.span.section]
        return INSIDE[kind][1] if self.large else kind


def decode(data: bytes, begin: int, first: int, source: Source) -> Decoded:
    """All values of a piece whose first one has this number; `begin` is the piece's offset."""
    decoded = _at_once(data, first, source)
    if decoded is None:
        decoded = _apart(data, begin, first, source)
    return _in_its_element(decoded, source) if source.large else decoded


def _apart(data: bytes, begin: int, first: int, source: Source) -> Decoded:
    """Value for value."""
    decoded = Decoded()
    for number, (at, raw) in enumerate(_one_by_one(data, begin), first):
        element = source.large.number if source.large else number
        path = f"{SECTIONS[source.span.section]}[{number}]" if source.large else ""
        value = _Place(source, decoded.rejects, element).taken(raw, at, source.kind, path)
        decoded.seen += 1
        if value is not None:
            decoded.elements.append(value)
            decoded.numbers.append(number)
    return decoded


def level_of(kind: type[Struct]) -> str:
    """What a reject is called: element, rate, price, ..."""
    return _LEVELS.get(kind.__name__, "element")


def too_large(found: TooLarge) -> Reject:
    """The reject of a value that could not be cut."""
    inside = INSIDE[KINDS[found.section]][1]
    level = "element" if not found.path else "member"
    return Reject(
        found.section,
        found.element,
        found.path,
        level_of(inside) if "[" in found.path else level,
        "too large to be held in memory, and with nothing inside to cut it at",
        found.begin,
        found.size,
        found.head,
    )


def _at_once(data: bytes, first: int, source: Source) -> Decoded | None:
    """The usual case; None when any of it is not as it should be."""
    try:
        values: list[Any] = _decoder(source.kind).decode(b"".join((b"[", data, b"]")))
    except _FAULTS:
        return None
    if not _each_key_once(data, values):
        return None
    return Decoded(values, list(range(first, first + len(values))), [], len(values))


def _one_by_one(data: bytes, begin: int) -> Iterator[tuple[int, bytes]]:
    """Each value of `a,b,c`: its offset, its text."""
    # Cut as it was for the index, so that the values are the same ones.
    limits = Limits(piece=len(data) + 2, largest=2 * len(data) + 2)
    window = Window(iter((b"[", data, b"]")), begin - 1)
    for piece in pieces(window, limits):
        assert not isinstance(piece, Large), "nothing is larger than the whole"
        at = 0
        for raw in [bytes(value) for value in piece.values] or [piece.data]:
            space = _COMMA.match(piece.data, at)
            at = space.end() if space else at
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

    source: Source
    rejects: list[Reject]
    element: int

    def taken(self, raw: bytes, at: int, kind: type[Struct], path: str) -> Any:
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
        except (BadFile, KeyError, *_FAULTS):
            return None
        dot = f"{path}." if path else ""
        good = [
            self.taken(item, begin, inside, f"{dot}{name}[{number}]")
            for number, (begin, item) in enumerate(items)
        ]
        setattr(value, name, [item for item in good if item is not None])
        return value

    def _reject(self, raw: bytes, at: int, kind: type[Struct], path: str, reason: str) -> None:
        section = self.source.span.section
        text = raw[:HEAD].decode(errors="backslashreplace")
        self.rejects.append(
            Reject(section, self.element, path, level_of(kind), reason, at, len(raw), text)
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


def _in_its_element(decoded: Decoded, source: Source) -> Decoded:
    """The values of an inner array as one element with the members of the large one."""
    assert source.large is not None
    large, kind = source.large, KINDS[source.span.section]
    name, inside = INSIDE[kind]
    reason = large.fault
    try:
        header = {**msgspec.json.decode(large.header, type=dict[str, msgspec.Raw]), name: []}
        element: Any = _decoder_of_one(kind).decode(msgspec.json.encode(header))
    except _FAULTS as error:
        reason = reason or _told(error)
    if not reason:
        setattr(element, name, decoded.elements)
        return Decoded([element], [large.number], decoded.rejects, decoded.seen)
    level = level_of(inside)
    lost = [
        Reject(source.span.section, large.number, f"{name}[{number}]", level,
               f"its element: {reason}", large.begin, 0,
               msgspec.json.encode(value)[:HEAD].decode(errors="backslashreplace"))
        for number, value in zip(decoded.numbers, decoded.elements, strict=True)
    ]  # fmt: skip
    return Decoded([], [], decoded.rejects + lost, decoded.seen)


def _decoded(raw: bytes, kind: type[Struct]) -> tuple[Any, str]:
    """The value, or why it does not fit."""
    try:
        value = _decoder_of_one(kind).decode(raw)
    except _FAULTS as error:
        return None, _closer_look(raw) or _told(error)
    return value, "" if _each_key_once(raw, [value]) else _closer_look(raw)


def _each_key_once(data: bytes, values: Sequence[Struct]) -> bool:
    """Whether there are as many keys as known members; if not, a key is unknown, or twice.

    The last of two would win without a word (domain/mrf.md 6.2). Counting is nearly free; text
    that looks like keys only costs a closer look.
    """
    counted, expected = data.count(b'":'), keys_of(values)
    return counted == expected or counted - data.count(b'\\":') == expected


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


def _told(error: Exception) -> str:
    """Why a value does not fit. It is whole, so what looks cut off is half a surrogate pair."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "half a surrogate pair" if str(error) == _CUT_OFF else str(error)


@cache
def _decoder(kind: type[Struct]) -> msgspec.json.Decoder[list[Struct]]:
    return decoder(kind)


@cache
def _decoder_of_one(kind: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
