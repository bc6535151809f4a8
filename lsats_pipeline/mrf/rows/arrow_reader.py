"""Pieces to Arrow in native code (arro3), with a proof for everything that it takes too lightly.

arro3 refuses what lacks a required member or has the wrong type, but it takes numbers in quotes,
`1e400`, `[1.0]` for a whole number, keys it does not know, and the last of two equal keys
(domain/mrf.md 6.2). A piece that is proved to be strict JSON has as many colons as it has members,
and as many quotes as its members and texts have, besides those inside of texts. So the bytes are
counted, and so are the columns: where both agree nothing was dropped, doubled or in quotes.
Where they do not, or anything else is uncertain, there is no result; `decoding` then decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import arro3.io
import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from lsats_pipeline.mrf.rows.elements import ProviderReference
from lsats_pipeline.mrf.rows.shapes import list_of, narrowed, type_of, widened
from lsats_pipeline.mrf.text.scanning import BEFORE, BEHIND

Bytes = NDArray[np.uint8]
_QUOTE, _COLON, _DOT, _EXPONENT = ord('"'), ord(":"), ord("."), ord("e")
# Quotes and colons that are not written as such: the counts would not see them.
_WRITTEN_OTHERWISE = re.compile(rb"\\u00(22|3[aA])")
_NUMBERS = b"+-.0123456789eE, \t\r\n"
_NUMERIC = np.isin(np.arange(256), list(b"+-.0123456789 \t\r\n"))
# Of numbers that are longer, and of longer lists, it is not known what stands before them.
_LONGEST_NUMBER, _LONGEST_LIST = 64, 1 << 14
# How often members that nobody knows are learned; a file has some new ones, or all kinds of them.
_LESSONS = 4
_NULL = " null"


class ArrowReader:
    """Reads values of one kind; learns members that files have besides the published ones."""

    def __init__(
        self, kind: type[Struct] | pa.DataType, read_as: pa.DataType | None = None
    ) -> None:
        self.type: pa.DataType = kind if isinstance(kind, pa.DataType) else type_of(kind)
        self.read_as: pa.DataType = read_as or self.type
        self._all_whole = kind is ProviderReference
        self._nulls = _explicit_nulls(self.read_as)
        self._with_nulls = False
        self._lessons = 0

    def read(
        self, document: bytes | memoryview, counted: bytes | memoryview | None = None
    ) -> pa.StructArray | None:
        """The values of a document that is proved to be strict JSON; None when uncertain.

        `counted`: the same without numbers that others have to check.
        """
        counted = document if counted is None else counted
        values = self._proved(document, counted)
        if values is None and not self._with_nulls and self._nulls.search(counted):
            self._with_nulls = True
            values = self._proved(document, counted)
            self._with_nulls = values is not None
        return None if values is None else narrowed(values, self.type)

    def learn(self, document: bytes | memoryview) -> bool:
        """Learn the unknown members of values that were uncertain, and valid after all."""
        if self._lessons == _LESSONS:
            return False
        try:
            found = pa.schema(arro3.io.infer_json_schema(document))
        except Exception:  # what it raises has no class of its own
            return False
        before = self.read_as
        self.read_as = widened(before, found.field("v").type.value_type)
        self._nulls = _explicit_nulls(self.read_as)
        self._lessons += self.read_as != before
        return bool(self.read_as != before)

    def _proved(
        self, document: bytes | memoryview, counted: bytes | memoryview
    ) -> pa.StructArray | None:
        kind, same = self.read_as, counted is document
        if self._with_nulls:
            document = self._nulls.sub(_said_null, document)
            counted = document if same else self._nulls.sub(_said_null, counted)
            kind = with_nulls(kind)
        values = _read(document, kind)
        if values is None or not self._is_certain(counted, values):
            return None
        return values

    def _is_certain(self, document: bytes | memoryview, values: pa.StructArray) -> bool:
        tally = Tally()
        if not tally.add(values):
            return False
        seen = np.frombuffer(document, np.uint8)[len(BEFORE) : -len(BEHIND)]
        colons, quotes = _count(seen, _COLON), _count(seen, _QUOTE)
        if (colons, quotes) != (tally.members, 2 * (tally.members + tally.texts)):
            in_texts = tally.inside_texts()
            agree = (
                colons == tally.members + in_texts[0]
                and quotes == 2 * (tally.members + tally.texts) + in_texts[1]
            )
            if not agree or _WRITTEN_OTHERWISE.search(document):
                return False
        return not _fraction_for_whole(seen, everywhere=self._all_whole)


class Tally:
    """What members and texts there must be in JSON for columns to be as they are."""

    def __init__(self) -> None:
        self.members = 0
        self.texts = 0
        self._written: list[pa.StringArray] = []

    def add(self, array: pa.Array) -> bool:
        """Count an array and all below it; False when a number in it is none."""
        kind = array.type
        if pa.types.is_list(kind):
            return self.add(array.values)
        if pa.types.is_struct(kind):
            return self._add_members(array)
        if pa.types.is_string(kind):
            self.texts += len(array) - array.null_count
            self._written.append(array)
        elif pa.types.is_floating(kind):
            return bool(np.isfinite(array.drop_null().to_numpy()).all())
        return True

    def inside_texts(self) -> tuple[int, int]:
        """Colons and quotes inside of texts."""
        colons = quotes = 0
        for array in self._written:
            _, offsets, data = array.buffers()
            if data is not None and offsets is not None:
                ends = np.frombuffer(offsets, np.int32, len(array) + 1)
                text = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
                colons += _count(text, _COLON)
                quotes += _count(text, _QUOTE)
        return colons, quotes

    def _add_members(self, array: pa.StructArray) -> bool:
        fine = True
        there = {field.name: array.field(field.name) for field in array.type}
        for name, member in there.items():
            if name.endswith(_NULL):
                other = there.get(name.removesuffix(_NULL))
                fine = fine and other is not None and not _both(member, other)
            self.members += len(member) - member.null_count
            fine = self.add(member) and fine
        return fine


def _count(text: Bytes, byte: int) -> int:
    return int(np.count_nonzero(text == byte))


def _both(one: pa.Array, other: pa.Array) -> bool:
    """Whether a member is null and something else in the same object."""
    if one.null_count == len(one):
        return False
    return bool(np.any(_there(one) & _there(other)))


def _there(array: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return found


def with_nulls(kind: pa.DataType) -> pa.DataType:
    """The type with a second member for each that may be null, which says that it is."""
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(with_nulls(kind.value_type)))
    if not pa.types.is_struct(kind):
        return kind
    mine = [field.with_type(with_nulls(field.type)) for field in kind]
    return pa.struct([*mine, *(pa.field(f.name + _NULL, pa.int64()) for f in kind if f.nullable)])


def _explicit_nulls(kind: pa.DataType) -> re.Pattern[bytes]:
    """Finds `"setting": null`; inside of a text the second quote would have a backslash."""
    names = b"|".join(sorted(re.escape(name.encode()) for name in _nullable(kind)))
    return re.compile(rb'"(%s)"\s*:\s*null' % names)


def _said_null(found: re.Match[bytes]) -> bytes:
    return b'"%s%s":0' % (found[1], _NULL.encode())


def _nullable(kind: pa.DataType) -> set[str]:
    if pa.types.is_list(kind):
        return _nullable(kind.value_type)
    if not pa.types.is_struct(kind):
        return set()
    mine = {field.name for field in kind if field.nullable}
    return mine.union(*(_nullable(field.type) for field in kind))


def columns_of(values: Sequence[Struct], kind: type[Struct]) -> pa.StructArray:
    """Things that are decoded already."""
    array = _read(b'{"v":%s}' % msgspec.json.encode(values), type_of(kind))
    assert array is not None, "what msgspec writes is as it should be"
    return array


def _read(document: bytes | memoryview, kind: pa.DataType) -> pa.StructArray | None:
    """As arro3 has it. One row of all values is faster than a row each: a piece is one batch."""
    schema = pa.schema([pa.field("v", list_of(kind), nullable=False)])
    try:
        (batch,) = arro3.io.read_json(document, schema, batch_size=1)
    except Exception:  # what it raises has no class of its own; why is for `decoding` to say
        return None
    return pa.record_batch(batch).column(0).values


def _fraction_for_whole(seen: Bytes, *, everywhere: bool) -> bool:
    """Whether a number of a list is written with a fraction or exponent, or seems to be.

    Lists have whole numbers alone, which arro3 would cut off. `everywhere`: so do members.
    """
    after = seen[1:] | 32
    mark = after == _DOT
    mark |= after == _EXPONENT
    mark &= (seen[:-1] - ord("0")) < 10
    marks = _few(mark)
    before = _before_numbers(seen, marks)
    if bool(_NUMERIC[before].any()) or (everywhere and bool((before == _COLON).any())):
        return True
    return any(_in_a_list(seen, int(at)) for at in marks[before != _COLON])


def _few(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where a mask is true, which is seldom: twice as fast as to look at each place."""
    packed = np.packbits(mask)
    some = np.flatnonzero(packed != 0)
    rows, bits = np.nonzero(np.unpackbits(packed[some]).reshape(-1, 8))
    return some[rows] * 8 + bits


def _before_numbers(seen: Bytes, marks: NDArray[np.int64]) -> Bytes:
    """What stands before each number, given where a digit of it is."""
    at = marks
    for _ in range(_LONGEST_NUMBER):
        inside = _NUMERIC[seen[at]]
        if not inside.any():
            break
        at = np.maximum(at - inside, 0)
    return seen[at]


def _in_a_list(seen: Bytes, at: int) -> bool:
    """Whether nothing but numbers stands between there and the brackets around it.

    `[2.5 mg` in a text is none; and who wrote a list of more than a thousand is uncertain.
    """
    before = seen[max(0, at - _LONGEST_LIST) : at].tobytes().rstrip(_NUMBERS)
    behind = seen[at : at + _LONGEST_LIST].tobytes().lstrip(_NUMBERS)
    return (not before or before.endswith(b"[")) and (not behind or behind.startswith(b"]"))
