"""Arrays cut anywhere give the values that a JSON parser gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text.cutting import LargePiece, Limits, Piece, pieces
from lsats_pipeline.mrf.text.scanning import Outline, State, ValueEnd, value_at
from lsats_pipeline.mrf.text.window import Window, members
from lsats_pipeline_tests.mrf.files import TOO_DEEP

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ['},{"a"', "\\", '\\"', "]}", '{"a":[', "\ud83d\ude00", "é€𝄞", '"in_network": [', "\\u0022"]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
LIKE = st.fixed_dictionaries({"a": VALUES, "b": VALUES})
ARRAYS = st.one_of(st.lists(VALUES, max_size=12), st.lists(LIKE, max_size=30))
LAYOUTS = st.sampled_from(
    [(None, (",", ":")), (None, (", ", ": ")), (2, None), (1, (",\r", " :\t"))]
)


def chunked(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The bytes in chunks of these sizes, again and again."""
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


def values_of(data: bytes, sizes: list[int], limits: Limits) -> list[Any]:
    """All values of the array that the bytes are; Large ones too."""
    window = Window(chunked(data, sizes))
    found = []
    for piece in pieces(window, limits):
        if isinstance(piece, LargePiece):
            size, _ = window.skip()
            found.append(json.loads(data[piece.begin : piece.begin + size]))
        else:
            assert data[piece.begin : piece.end] == piece.data
            found += [json.loads(bytes(value)) for value in piece.values]
            assert piece.count == len(piece.values)
    assert window.at == data.rindex(b"]") + 1
    return found


@given(
    ARRAYS,
    LAYOUTS,
    st.booleans(),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.sampled_from([1, 7, 40, 200]),
    st.sampled_from([5, 50, 100_000]),
)
@settings(max_examples=250)
def test_a_cut_array_is_the_array(
    array: list[Any], layout: Any, ascii_only: bool, sizes: list[int], piece: int, largest: int
) -> None:
    indent, separators = layout
    written = json.dumps(array, indent=indent, separators=separators, ensure_ascii=ascii_only)
    data = written.encode(errors="surrogatepass") + b' , "next" : {}'
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    assert values_of(data, sizes, Limits(piece, largest)) == json.loads(written)


@given(VALUES, LAYOUTS, st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_outline_of_a_value_ends_where_the_value_does(
    value: Any, layout: Any, sizes: list[int]
) -> None:
    written = json.dumps({"": value}, indent=layout[0], separators=layout[1]).encode()
    outline, at = Outline(), 0
    for chunk in chunked(written + b',"]}', sizes):
        end = outline.feed(chunk)
        if end is not None:
            break
        at += len(chunk)
    assert end is not None
    assert at + end == len(written)


@given(st.dictionaries(TEXTS, VALUES, max_size=6), LAYOUTS, st.lists(st.integers(1, 9), min_size=1))
def test_members_of_an_object(value: dict[str, Any], layout: Any, sizes: list[int]) -> None:
    written = json.dumps(value, indent=layout[0], separators=layout[1]).encode()
    window = Window(chunked(written, sizes))
    found = {}
    for key, at in members(window):
        assert written[at : at + 1] == b'"'
        found[key] = json.loads(window.value(1 << 20) or b"")
    assert found == json.loads(written)


@pytest.mark.parametrize("cut", range(2, 40))
def test_a_number_is_never_shortened(cut: int) -> None:
    """Cut off anywhere, a value is whole only when something follows it."""
    data = b'[10, 20, 3456, {"a": 78}, "x"], 1'
    begun = data[:cut]
    found = [value_at(begun, begin) for begin in (1, 5, 9, 15, 26) if begin < cut]
    ends = [found_.at for found_ in found if found_.state is State.whole]
    assert ends == [end for end in (3, 7, 13, 24, 29) if end < cut][: len(ends)]
    for begin, one in zip((1, 5, 9, 15, 26), found, strict=False):
        if one.state is State.whole:
            whole = data[begin : one.at].strip()
            assert json.loads(whole) in (10, 20, 3456, {"a": 78}, "x")


def test_what_msgspec_says_is_understood() -> None:
    """Its messages are read; another release may word them otherwise."""
    assert value_at(b'{"a":1}, 2') == ValueEnd(State.whole, 7)
    assert value_at(b'{"a":') == ValueEnd(State.cut)
    assert value_at(b'{"a":NaN}').state is State.bad
    assert value_at(b"[" * TOO_DEEP + b"]" * TOO_DEEP + b",").state is State.bad
    assert msgspec.__version__ >= "0.19"


def test_a_separator_that_is_deeper_too_costs_nothing_but_a_try() -> None:
    inner = {"a": [{"a": 1}, {"a": 2}, {"a": 3}]}
    array = [{"a": 0}, {"a": 1}, *[inner] * 50, {"a": 2}]
    data = json.dumps(array, separators=(",", ":")).encode()
    assert values_of(data, [64], Limits(100, 10_000)) == array


@pytest.mark.parametrize(
    "broken",
    [
        b'[{"a":1},,{"a":2}]',
        b'[{"a":1},]',
        b'[{"a":1} {"a":2}]',
        b'[{"a":1},{"a":[2}]',
        b'[{"a":1},{"a":2',
        b'[{"a":1},{"a":"2',
        b"[",
        b'[{"a":1}',
        b'[{"a":1}}',
    ],
)
def test_an_array_that_is_none_says_where(broken: bytes) -> None:
    with pytest.raises(BadFile) as caught:
        list(pieces(Window(iter((broken,))), Limits(4, 100)))
    assert caught.value.code in ("malformed", "incomplete")
    assert caught.value.offset is not None


def test_a_bad_value_does_not_spoil_its_neighbours() -> None:
    good = b",".join(b'{"a":%d}' % number for number in range(100))
    bad = b'{"a":NaN,"b":"]},{"},{"a":[1,,2]},nope,{"a":"\n"}'
    window = Window(chunked(b"[" + good + b"," + bad + b"," + good + b"]", [11]))
    found = list(pieces(window, Limits(60, 1000)))
    assert all(isinstance(piece, Piece) for piece in found)
    assert sum(piece.count for piece in found if isinstance(piece, Piece)) == 204
    kept = [p.data for p in found if isinstance(p, Piece) and not p.values]
    assert kept == [b'{"a":NaN,"b":"]},{"}', b'{"a":[1,,2]}', b"nope", b'{"a":"\n"}']


def test_memory_is_bounded_by_the_largest_value() -> None:
    """A value beyond the limit passes through, and is never in memory whole."""
    largest = 100_000
    one = b'{"a":"' + b"x" * 5_000_000 + b'"}'
    window = Window(chunked(b"[" + one + b",1]", [4096]))
    most = 0
    for piece in pieces(window, Limits(1000, largest)):
        most = max(most, len(window.data))
        if isinstance(piece, LargePiece):
            assert window.skip()[0] == len(one)
    assert most <= 2 * largest + 2 * 4096
