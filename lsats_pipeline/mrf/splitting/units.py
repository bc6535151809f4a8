"""The elements of an indexed file once more, in order, and the hash of what is proved of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias
from zlib import crc32

import msgspec
import numpy as np
from msgspec.json import encode
from numpy.typing import NDArray

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.provenance.rereading import Stretch, stretches
from lsats_pipeline.mrf.text.access import OpenedText, changed
from lsats_pipeline.mrf.text.index import SECTIONS, Index, LargeElement, Span, TooLarge
from lsats_pipeline.mrf.text.scanning import sequence_of
from lsats_pipeline.mrf.text.window import Window
from lsats_pipeline.mrf.text.window import members as members_of

Unit: TypeAlias = bytes | msgspec.Raw
"""The text of an element or a rate; without a copy where it is a part of a larger one."""
_MODULUS = 1 << 128
_RAWS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_COPIED = 1 << 20


def hash_of(unit: Unit) -> bytes:
    """128 bits of SHA-256, which processors have instructions for."""
    return sha256(unit).digest()[:16]


def summed(hashes: NDArray[np.uint8]) -> int:
    """The sum of hashes of 16 bytes, mod 2^128."""
    total = 0
    for column in hashes.sum(axis=0, dtype=np.int64).tolist():
        total = (total << 8) + column
    return total % _MODULUS


class Digest:
    """The sum of the hashes of units: the same for the same ones in whatever order."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def add(self, unit: Unit) -> None:
        """One more."""
        self.hashed(hash_of(unit))

    def add_all(self, units: Sequence[Unit]) -> None:
        """Some more, in few steps."""
        hashes = b"".join([sha256(unit).digest() for unit in units])
        table = np.frombuffer(hashes, np.uint8).reshape(-1, 32)[:, :16]
        self.total = (self.total + summed(table)) % _MODULUS
        self.count += len(units)

    def hashed(self, digest: bytes) -> None:
        """One more, of which the hash is known."""
        self.total = (self.total + int.from_bytes(digest, "big")) % _MODULUS
        self.count += 1

    def __str__(self) -> str:
        return f"{self.total:032x}"


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements of one piece; when not `proved` it is one value that is no strict JSON."""

    section: str
    begin: int
    values: Sequence[Unit]
    proved: bool


@dataclass(frozen=True, slots=True)
class LargeUnit:
    """A large element; `chunks` are all its bytes in order, with the pieces of its inner array."""

    element: LargeElement
    chunks: Iterator[bytes | Stretch]


Item: TypeAlias = Elements | LargeUnit | TooLarge


def items(text: OpenedText, index: Index, sections: Sequence[str]) -> Iterator[Item]:
    """All elements of these arrays, in the order of the file.

    The chunks of a large one have to be used up before the next item is asked for.
    """
    wanted = sorted(_items(index, sections), key=lambda item: item.begin)
    for item in wanted:
        if isinstance(item, Span):
            for stretch in stretches(text, [item]):
                yield _elements(stretch)
        elif isinstance(item, LargeElement):
            yield LargeUnit(item, _chunks(index, item, text))
        else:
            yield item


def _items(index: Index, sections: Sequence[str]) -> Iterator[Span | LargeElement | TooLarge]:
    yield from (s for s in index.spans if s.section in sections and s.of is None)
    yield from (e for e in index.large if e.section in sections)
    yield from (t for t in index.too_large if t.section in sections and not t.path)


def _elements(stretch: Stretch) -> Elements:
    found, section = sequence_of(stretch.data), stretch.span.section
    if isinstance(found, list) and len(found) == stretch.count:
        return Elements(section, stretch.begin, found, proved=True)
    return Elements(section, stretch.begin, [stretch.data], proved=False)


def _chunks(index: Index, element: LargeElement, text: OpenedText) -> Iterator[bytes | Stretch]:
    at = element.begin
    for span in index.spans:
        if span.section == element.section and span.of == element.number:
            first, check = span.first, 0
            for begin, end, count in span.pieces:
                # What is between pieces is read before the next: the text goes forward only.
                yield from text_between(text, at, begin)
                data = text.read(begin, end)
                check = crc32(data, check)
                yield Stretch(span, begin, first, count, data)
                first, at = first + count, end
            if check != span.crc32:
                raise changed(text.path, span.begin, span.end)
    yield from text_between(text, at, element.end)


def text_between(text: OpenedText, begin: int, end: int) -> Iterator[bytes]:
    """The bytes from one offset to another, a megabyte at most at a time."""
    yield from map(bytes, text.parts(begin, end))


def taken_apart(element: bytes, section: str) -> tuple[bytes, list[bytes]]:
    """An element's other members as an object, and the values of its inner array.

    BadFile when a member is there twice: of those only the last would be left.
    """
    members = _RAWS.decode(element)
    # As long as it would be without space: then there is neither space nor a second member.
    compact = 1 + sum(len(encode(key)) + 2 + len(bytes(text)) for key, text in members.items())
    if compact != len(element):
        _assert_each_once(element)
    inner = members.pop(SECTIONS[section], None)
    values = [] if inner is None else list(map(bytes, _LIST.decode(inner)))
    return encode(members), values


def _assert_each_once(element: bytes) -> None:
    window, seen = Window(iter((element,))), set()
    for key, at in members_of(window):
        window.value(len(element))
        if key in seen:
            raise BadFile("duplicate_key", f"{key!r} is there twice", at)
        seen.add(key)


def rate_unit(head: bytes, value: bytes) -> bytes:
    """What is proved of a rate: its own text and that of its element's other members."""
    return b"%b\0%b" % (head, value)
