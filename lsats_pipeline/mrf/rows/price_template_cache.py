"""Prices that are the same but for their rate are read once: they are most of a file's text.

 piece ──cut──▶ thin piece, a number for each price ──columnar──▶ elements ─┐
           └──▶ the texts around the numbers, each different one once ──▶ prices

Nothing is believed that was not proved, given that the whole piece is strict JSON:

- What is cut out is the object that stands there. It begins with `{"` and a letter, which never
  is inside of a text (behind a quote that closes one follows none); its only closing brace is
  its last byte; and it is strict JSON by itself, as one of the texts that are read.
- Its number is the value of `negotiated_rate`, by the key that stands before it.
- It stands in a list of prices, by what is before it, or before the first of those that it follows.
  The thin piece has as many numbers in such lists as were cut out, so none was there before.

The thin piece and the texts are read and counted like any piece (`columnar`). Where any of this
does not hold there is no answer, and the piece is read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from lsats_pipeline.mrf.rows.arrow_reader import ArrowReader, Bytes
from lsats_pipeline.mrf.rows.elements import Price
from lsats_pipeline.mrf.rows.shapes import list_of, type_of
from lsats_pipeline.mrf.text.scanning import document_of, sequence_in

Positions = NDArray[np.int64]
_ABOVE, _LIST, _RATE = "negotiated_rates", "negotiated_prices", "negotiated_rate"
# Compact, or with a space behind colons and commas; prices in other layouts are read one by one.
_LAYOUT = re.compile(rb'"negotiated_prices":( ?)\[\{"')
_BEFORE_RATE = re.compile(rb'\{(?="[A-Za-z])(.*, ?)?"negotiated_rate": ?', re.DOTALL)
_IN_NUMBERS = np.isin(np.arange(256), list(b"+-.0123456789eE"))
_ZERO, _OPEN, _CLOSE, _COLON = ord("0"), ord("{"), ord("}"), ord(":")
# Bytes that are looked at several times while they are in the processor's own memory.
_NEAR = 256 << 10
# Texts that are kept, and how many pieces this may be of no use for until it is left alone.
_BEFORE, _BEHIND, _OFTEN = 64, 1 << 15, 8
# To cut anything smaller costs more than it saves.
_SMALL = 64 << 10


class PriceTemplateCache:
    """Reads pieces of one kind, given as documents that are proved to be strict JSON."""

    def __init__(self, kind: type[Struct]) -> None:
        self._whole = ArrowReader(kind)
        self._thin: ArrowReader | None = None
        # Pieces that it was of no use for; uncertain ones, and whether one was so either way.
        self._in_vain = 0
        self._uncertain = 0
        self._uncertain_agree = False
        self._begin()

    def read(self, document: bytes | memoryview) -> pa.StructArray | None:
        """The values of a document that is proved to be strict JSON; None when uncertain."""
        small = len(document) < _SMALL
        if self._thin is None or small or self._in_vain == _OFTEN:
            return self._read_whole(document)
        values = self._read_thin(document)
        if values is not None:
            return values
        self._uncertain += 1
        if self._uncertain_agree and self._uncertain % _OFTEN:
            return None
        values = self._read_whole(document)
        self._uncertain_agree = values is None
        self._in_vain += values is not None
        return values

    def learn(self, document: bytes | memoryview) -> bool:
        """Learn the unknown members of values that were uncertain, and valid after all."""
        learned = self._whole.learn(document)
        if learned:
            self._begin()
        return learned

    def _begin(self) -> None:
        """Read thin pieces and prices as whole ones are read; unless there are no prices."""
        read_as, price = self._whole.read_as, _price_in(self._whole.read_as)
        if price is not None:
            self._thin = ArrowReader(_thin(self._whole.type), _thin(read_as))
            self._prices = _Prices(ArrowReader(type_of(Price), price))

    def _read_whole(self, document: bytes | memoryview) -> pa.StructArray | None:
        values = self._whole.read(document)
        return None if values is None else coded(values)

    def _read_thin(self, document: bytes | memoryview) -> pa.StructArray | None:
        assert self._thin is not None
        cut = _cut(document)
        values = self._thin.read(cut.thin, cut.gaps) if cut else None
        rates = None if values is None else _prices_of(values)
        if cut is None or rates is None or len(rates) != len(cut.begins):
            return None
        prices = self._prices.of(document, cut)
        if self._prices.full:
            self._begin()
        if prices is None:
            return None
        mostly_new = 2 * self._prices.added > len(rates)
        self._in_vain = self._in_vain + 1 if mostly_new else 0
        members = [rates if f.name == _RATE else prices.field(f.name) for f in prices.type]
        return _with_prices(values, pa.StructArray.from_arrays(members, fields=list(prices.type)))


@dataclass(frozen=True)
class _Cut:
    """A piece without its prices: `thin` has a number for each, `gaps` not even that.

    `before`, `behind`: the text around each number, from begin to end of its price.
    """

    thin: memoryview
    gaps: memoryview
    before: pa.BinaryArray
    behind: pa.BinaryArray
    begins: Positions
    ends: Positions


def _cut(document: bytes | memoryview) -> _Cut | None:
    """The prices of a piece cut out; None when none is written as expected."""
    layout = _LAYOUT.search(document)
    if layout is None:
        return None
    seen = np.frombuffer(document, np.uint8)
    begins, rates, ends = _objects_with_a_number(seen, 1 + len(layout[1]))
    listed = _in_lists(seen, begins, ends, layout[0][:-2], b"," + layout[1])
    begins, rates, ends = begins[listed], rates[listed], ends[listed]
    if not len(begins):
        return None
    parts = _parts(document, [begins, rates, _behind_numbers(seen, rates), ends])
    return _Cut(
        thin=_bytes(parts.take(_every(4, (0, 2), len(begins), 1))),
        gaps=_bytes(parts.take(_every(4, (0,), len(begins), 1))),
        before=parts.take(_every(4, (1,), len(begins))),
        behind=parts.take(_every(4, (3,), len(begins))),
        begins=begins,
        ends=ends,
    )


def _objects_with_a_number(seen: Bytes, lag: int) -> tuple[Positions, Positions, Positions]:
    """Objects with no object inside, and one member that is a number, so many bytes behind a colon.

    Begin, number, end of each. What is inside of texts may look like one.
    """
    marks = _marks(seen, lag)
    kinds = seen[marks]
    is_one = kinds[:-2] == _OPEN
    is_one &= kinds[1:-1] == _COLON
    is_one &= kinds[2:] == _CLOSE
    first = np.flatnonzero(is_one)
    return marks[first], marks[first + 1] + lag, marks[first + 2] + 1


def _marks(seen: Bytes, lag: int) -> Positions:
    """Where braces stand, and colons with a digit so many bytes behind; by parts that stay near."""
    here, there, found = seen[:-lag], seen[lag:], []
    other, mark, more = np.empty(_NEAR, np.uint8), np.empty(_NEAR, bool), np.empty(_NEAR, bool)
    for at in range(0, len(here), _NEAR):
        one, two = here[at : at + _NEAR], there[at : at + _NEAR]
        o, m, n = (array[: len(one)] for array in (other, mark, more))
        np.less(np.subtract(two, _ZERO, out=o), 10, out=m)
        m &= np.equal(one, _COLON, out=n)
        # Of all bytes only `{` and `}` are 0 or 2 behind `{`.
        np.bitwise_and(np.subtract(one, _OPEN, out=o), 0xFF ^ (_CLOSE - _OPEN), out=o)
        m |= np.equal(o, 0, out=n)
        found.append(np.flatnonzero(m) + at)
    return np.concatenate(found)


def _in_lists(
    seen: Bytes, begins: Positions, ends: Positions, before: bytes, between: bytes
) -> NDArray[np.bool_]:
    """Which of these stand behind that, or follow one that does, with only this in between."""
    if not len(begins):
        return np.zeros(0, bool)
    follows = np.zeros(len(begins), bool)
    follows[1:] = begins[1:] == ends[:-1] + len(between)
    follows &= _stands_before(seen, begins, between)
    firsts = np.flatnonzero(~follows)
    begun = _stands_before(seen, begins[firsts], before)
    listed: NDArray[np.bool_] = begun[np.cumsum(~follows) - 1]
    return listed


def _stands_before(seen: Bytes, at: Positions, text: bytes) -> NDArray[np.bool_]:
    found = at >= len(text)
    for back, byte in enumerate(reversed(text), 1):
        found &= seen[at - back] == byte
    return found


def _behind_numbers(seen: Bytes, at: Positions) -> Positions:
    behind = at + 1
    while (inside := _IN_NUMBERS[seen[behind]]).any():
        behind += inside
    return behind


def _parts(document: bytes | memoryview, cuts: Sequence[Positions]) -> pa.BinaryArray:
    """The document in pieces, cut at the first place of each, the second of each, and so on."""
    inner = np.stack(cuts, axis=1).ravel()
    offsets = np.concatenate([[0], inner, [len(document)]]).astype(np.int32)
    return _binary(len(inner) + 1, offsets, pa.py_buffer(document))


def _binary(size: int, offsets: NDArray[np.int32], data: pa.Buffer) -> pa.BinaryArray:
    return pa.BinaryArray.from_buffers(pa.binary(), size, [None, pa.py_buffer(offsets), data])


def _every(step: int, which: Sequence[int], times: int, more: int = 0) -> pa.Array:
    """`which` of every so many positions; of the last ones no more than this."""
    at = np.arange(times + bool(more))[:, None] * step + np.array(which)
    return pa.array(at.ravel()[: times * len(which) + more])


def _bytes(parts: pa.BinaryArray) -> memoryview:
    """All of them in one; arrays that were taken begin at the beginning of their bytes."""
    return memoryview(parts.buffers()[2]).cast("B")


class _Prices:
    """The prices of all texts so far; their rates are of no meaning.

    A price is known by the text before its rate and the one behind it.
    """

    def __init__(self, reader: ArrowReader) -> None:
        self._reader = reader
        # How many were new in the last piece.
        self.added = 0
        self._before, self._behind = _Numbers(_BEFORE), _Numbers(_BEHIND)
        self._places = np.full((_BEHIND, _BEFORE), -1, np.int32)
        self._prices = coded(pa.array([], reader.type))

    @property
    def full(self) -> bool:
        """Whether there were more texts than can be kept."""
        return self._before.full or self._behind.full

    def of(self, document: bytes | memoryview, cut: _Cut) -> pa.StructArray | None:
        """The price of each that was cut out; None when one of them is uncertain."""
        before, behind = self._before.of(cut.before), self._behind.of(cut.behind)
        if self.full:
            return None
        places = self._places[behind, before]
        new = np.flatnonzero(places < 0)
        self.added = 0
        if len(new):
            pairs, which = np.unique(behind[new] * _BEFORE + before[new], return_index=True)
            if not self._add(pairs, cut, new[which], document):
                return None
            places = self._places[behind, before]
        return self._prices.take(pa.array(places))

    def _add(
        self, pairs: Positions, cut: _Cut, which: Positions, document: bytes | memoryview
    ) -> bool:
        """Read new prices, one of each pair of texts."""
        if not all(
            _BEFORE_RATE.fullmatch(text)
            for text in cut.before.take(pa.array(which)).unique().to_pylist()
        ):
            return False
        places = zip(cut.begins[which].tolist(), cut.ends[which].tolist(), strict=True)
        written = document_of(b",".join([bytes(document[begin:end]) for begin, end in places]))
        apart = sequence_in(written)
        if not isinstance(apart, list) or len(apart) != len(which):
            return False
        prices = self._reader.read(written)
        if prices is None:
            return False
        self.added = len(prices)
        self._places.reshape(-1)[pairs] = np.arange(len(prices)) + len(self._prices)
        self._prices = pa.concat_arrays([self._prices, coded(prices)])
        return True


class _Numbers:
    """A number for each different text, so many at most."""

    def __init__(self, most: int) -> None:
        self._numbers: dict[bytes, int] = {}
        self._most = most

    @property
    def full(self) -> bool:
        """Whether there were more texts than numbers."""
        return len(self._numbers) > self._most

    def of(self, texts: pa.BinaryArray) -> Positions:
        """The number of each text."""
        found, numbers = texts.dictionary_encode(), self._numbers
        known = [numbers.setdefault(t, len(numbers)) for t in found.dictionary.to_pylist()]
        of_each: Positions = np.array(known, np.int64)[found.indices]
        return of_each


def _price_in(kind: pa.DataType) -> pa.DataType | None:
    """The type of the prices in a type; None when it has none."""
    if pa.types.is_list(kind):
        return _price_in(kind.value_type)
    if not pa.types.is_struct(kind):
        return None
    for field in kind:
        if field.name == _LIST:
            return field.type.value_type
        if (found := _price_in(field.type)) is not None:
            return found
    return None


def _thin(kind: pa.DataType) -> pa.DataType:
    """The type with a number in place of each price."""
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_thin(kind.value_type)))
    if not pa.types.is_struct(kind):
        return kind
    return pa.struct(
        [f.with_type(list_of(pa.float64()) if f.name == _LIST else _thin(f.type)) for f in kind]
    )


def _prices_of(values: pa.Array) -> pa.Array:
    """The prices of all, or what is in their place."""
    if pa.types.is_list(values.type):
        return _prices_of(values.values)
    name = _LIST if values.type.get_field_index(_LIST) >= 0 else _ABOVE
    inside = values.field(name)
    return inside.values if name == _LIST else _prices_of(inside)


def _with_prices(values: pa.Array, prices: pa.StructArray) -> pa.Array:
    """The values with these prices in place of those there; nothing is copied."""
    if pa.types.is_list(values.type):
        inside = _with_prices(values.values, prices)
        return pa.ListArray.from_arrays(values.offsets, inside, type=list_of(inside.type))
    members, fields = [], []
    for field in values.type:
        member = values.field(field.name)
        if field.name == _LIST:
            kind = list_of(prices.type)
            member = pa.ListArray.from_arrays(member.offsets, prices, type=kind)
        elif field.name == _ABOVE:
            member = _with_prices(member, prices)
        members.append(member)
        fields.append(field.with_type(member.type))
    return pa.StructArray.from_arrays(members, fields=fields)


def coded(values: pa.StructArray) -> pa.StructArray:
    """The values with the words of their prices (or of themselves) as dictionaries."""
    if values.type.get_field_index(_RATE) < 0:
        if _price_in(values.type) is None:
            return values
        return _with_prices(values, coded(_prices_of(values)))
    members = [m.dictionary_encode() if pa.types.is_string(m.type) else m for m in values.flatten()]
    fields = [f.with_type(m.type) for f, m in zip(values.type, members, strict=True)]
    return pa.StructArray.from_arrays(members, fields=fields)
