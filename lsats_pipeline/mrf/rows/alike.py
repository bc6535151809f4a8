"""Prices that are written alike but for their rate are read once: they are most of a file's text.

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
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from lsats_pipeline.mrf.rows.columnar import Bytes, Columnar
from lsats_pipeline.mrf.rows.elements import Price
from lsats_pipeline.mrf.rows.shapes import list_of, type_of
from lsats_pipeline.mrf.text.scanning import document_of, sequence_in

Positions = NDArray[np.int64]
_LIST, _RATE = "negotiated_prices", "negotiated_rate"
# Compact, or with a space behind colons and commas; prices in other layouts are read one by one.
_LAYOUT = re.compile(rb'"negotiated_prices":( ?)\[\{"')
_BEFORE_RATE = re.compile(rb'\{(?="[A-Za-z])(.*, ?)?"negotiated_rate": ?', re.DOTALL)
_IN_NUMBERS = np.isin(np.arange(256), list(b"+-.0123456789eE"))
_ZERO, _NINE = ord("0"), ord("9")
_OPEN, _CLOSE, _COLON = ord("{"), ord("}"), ord(":")
# Texts that are kept, and how many pieces may be mostly new before nobody looks any more.
_MOST, _OFTEN = 1 << 15, 8


class Alike:
    """Reads pieces of one kind, given as documents that are proved to be strict JSON."""

    def __init__(self, kind: type[Struct]) -> None:
        self._whole = Columnar(kind)
        self._thin: Columnar | None = None
        self._in_vain = 0
        self._begin()

    def read(self, document: bytes | memoryview) -> pa.StructArray | None:
        """The values of a document that is proved to be strict JSON; None when in doubt."""
        values = self._read_thin(document) if self._thin and self._in_vain < _OFTEN else None
        return self._whole.read(document) if values is None else values

    def learn(self, document: bytes | memoryview) -> bool:
        """Take in the unknown members of values that were in doubt, and good after all."""
        learned = self._whole.learn(document)
        if learned:
            self._begin()
        return learned

    def _begin(self) -> None:
        """Read thin pieces and prices as whole ones are read; unless there are no prices."""
        read_as, price = self._whole.read_as, _price_in(self._whole.read_as)
        if price is not None:
            self._thin = Columnar(_thin(self._whole.type), _thin(read_as))
            self._prices = _Prices(Columnar(type_of(Price), price))

    def _read_thin(self, document: bytes | memoryview) -> pa.StructArray | None:
        assert self._thin is not None
        self._in_vain += 1
        cut = _cut(document)
        values = self._thin.read(cut.thin, cut.gaps) if cut else None
        rates = None if values is None else _rates_of(values)
        if cut is None or rates is None or len(rates) != len(cut.begins):
            return None
        known = self._prices.known
        prices = self._prices.of(document, cut)
        if prices is None:
            return None
        if 2 * (self._prices.known - known) < len(rates):
            self._in_vain = 0
        members = [rates if f.name == _RATE else prices.field(f.name) for f in prices.type]
        whole = pa.StructArray.from_arrays(members, fields=list(prices.type))
        return _thick(values, whole, self._whole.type)


@dataclass(frozen=True)
class _Cut:
    """A piece without its prices: `thin` has a number for each, `gaps` not even that.

    `around`: the text of each price but its number, which stood `before` bytes behind its begin.
    """

    thin: memoryview
    gaps: memoryview
    around: pa.BinaryArray
    begins: Positions
    ends: Positions
    before: Positions


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
    around = parts.take(_every(4, (1, 3), len(begins)))
    pairs = np.frombuffer(around.buffers()[1], np.int32)[::2].copy()
    return _Cut(
        thin=_bytes(parts.take(_every(4, (0, 2), len(begins), 1))),
        gaps=_bytes(parts.take(_every(4, (0,), len(begins), 1))),
        around=_binary(len(begins), pairs, around.buffers()[2]),
        begins=begins,
        ends=ends,
        before=rates - begins,
    )


def _objects_with_a_number(seen: Bytes, lag: int) -> tuple[Positions, Positions, Positions]:
    """Objects with no object inside, and one member that is a number, so many bytes behind a colon.

    Begin, number, end of each. What is inside of texts may look like one.
    """
    here, there = seen[:-lag], seen[lag:]
    mark = there >= _ZERO
    mark &= there <= _NINE
    mark &= here == _COLON
    mark |= here == _OPEN
    mark |= here == _CLOSE
    marks = np.flatnonzero(mark)
    kinds = seen[marks]
    is_one = kinds[:-2] == _OPEN
    is_one &= kinds[1:-1] == _COLON
    is_one &= kinds[2:] == _CLOSE
    first = np.flatnonzero(is_one)
    return marks[first], marks[first + 1] + lag, marks[first + 2] + 1


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
    while (inside := _IN_NUMBERS[seen[at]]).any():
        at = at + inside
    return at


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
    """The prices of all texts so far; their rates are of no meaning."""

    def __init__(self, reader: Columnar) -> None:
        self._reader = reader
        self._forget()

    @property
    def known(self) -> int:
        """How many different texts there were."""
        return len(self._numbers)

    def of(self, document: bytes | memoryview, cut: _Cut) -> pa.StructArray | None:
        """The price of each that was cut out; None when one of them is in doubt."""
        coded = cut.around.dictionary_encode()
        codes = np.asarray(coded.indices)
        one_of = np.empty(len(coded.dictionary), np.int64)
        one_of[codes] = np.arange(len(codes))
        before = cut.before[one_of]
        if (cut.before != before[codes]).any():
            return None  # the number may be elsewhere in the same text
        texts = list(zip(coded.dictionary.to_pylist(), before.tolist(), strict=True))
        if self.known + len(texts) > _MOST:
            self._forget()
        new = [at for at, text in enumerate(texts) if text not in self._numbers]
        if new and not self._add([texts[at] for at in new], _written(document, cut, one_of[new])):
            return None
        numbers = np.array([self._numbers[text] for text in texts])
        return self._prices.take(pa.array(numbers[codes]))

    def _add(self, texts: Sequence[tuple[bytes, int]], written: Sequence[bytes]) -> bool:
        """Read new prices, one for each text."""
        if not all(_BEFORE_RATE.fullmatch(text[:before]) for text, before in texts):
            return False
        document = document_of(b",".join(written))
        apart = sequence_in(document)
        if not isinstance(apart, list) or len(apart) != len(texts):
            return False
        prices = self._reader.read(document)
        if prices is None:
            return False
        for number, text in enumerate(texts, self.known):
            self._numbers[text] = number
        self._prices = pa.concat_arrays([self._prices, prices])
        return True

    def _forget(self) -> None:
        self._numbers: dict[tuple[bytes, int], int] = {}
        self._prices = pa.array([], self._reader.type)


def _written(document: bytes | memoryview, cut: _Cut, which: Positions) -> list[bytes]:
    places = zip(cut.begins[which].tolist(), cut.ends[which].tolist(), strict=True)
    return [bytes(document[begin:end]) for begin, end in places]


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


def _rates_of(values: pa.Array) -> pa.DoubleArray:
    """The numbers in place of prices."""
    if pa.types.is_list(values.type):
        return _rates_of(values.values)
    name = next(n for n in (_LIST, "negotiated_rates") if values.type.get_field_index(n) >= 0)
    inside = values.field(name).values
    return inside if name == _LIST else _rates_of(inside)


def _thick(values: pa.Array, prices: pa.StructArray, wanted: pa.DataType) -> pa.Array:
    """The values with their prices in place of numbers; nothing is copied."""
    if pa.types.is_list(wanted):
        inside = _thick(values.values, prices, wanted.value_type)
        return pa.ListArray.from_arrays(values.offsets, inside, type=wanted)
    if values.type == wanted:
        return values
    members = []
    for field in wanted:
        member = values.field(field.name)
        if field.name == _LIST:
            member = pa.ListArray.from_arrays(member.offsets, prices, type=field.type)
        elif _price_in(field.type) is not None:
            member = _thick(member, prices, field.type)
        members.append(member)
    return pa.StructArray.from_arrays(members, fields=list(wanted))
