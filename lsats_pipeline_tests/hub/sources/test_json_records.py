from __future__ import annotations

import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsats_pipeline.hub.sources.json_records import cut, cut_file, in_portions, read_as, whole
from lsats_pipeline.hub.sources.nesting import DEEPEST, too_deep

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def texts(body: bytes, *path: str) -> list[bytes]:
    return [bytes(record) for record in cut(body, *path)]


@given(st.lists(VALUES), st.sampled_from([(",", ":"), (" , ", " : "), (",\n", ":\t")]))
def test_cutting_loses_nothing(values: list[object], separators: tuple[str, str]) -> None:
    body = json.dumps({"L": {"D": values}}, ensure_ascii=False, separators=separators).encode()
    assert [json.loads(text) for text in texts(body, "L", "D")] == values


@pytest.mark.parametrize("odd", [b"\xff", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\x01", b"\n"])
def test_an_odd_record_spoils_nothing_but_itself(odd: bytes) -> None:
    records = [b'{"n":1}', b'{"n":2,"t":"' + odd + b'"}', b'{"n":3}']
    assert texts(b"[" + b", ".join(records) + b"]") == records
    assert [read_as(r, Numbered) for r in records] == [Numbered(1), Numbered(2), Numbered(3)]


class Numbered(msgspec.Struct):
    n: int


@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST, 5_000, 50_000])
def test_a_deep_record_spoils_nothing_but_itself(levels: int) -> None:
    deep = '{"n":2,"é":"[{","t":'.encode() + b"[" * levels + b'"]"' + b"]" * levels + b"}"
    records = [b'{"n":1}', deep, b'{"n":3,"t":"\xff"}']
    page = b"[" + b", ".join(records) + b"]"
    assert texts(b'{"L":' + page + b"}", "L") == records
    assert list(cut_file(io.BytesIO(page))) == records
    assert [read_as(r, Numbered) for r in records] == [Numbered(1), Numbered(2), Numbered(3)]
    assert [too_deep(r) for r in records] == [False, levels >= DEEPEST, False]
    for cut_off in (page[:-1], page[: len(page) // 2]):
        with pytest.raises(ValueError):
            cut(cut_off)
        with pytest.raises(ValueError):
            list(cut_file(io.BytesIO(cut_off)))


def test_envelopes() -> None:
    assert texts(b'{"L":{"D":{"a":1}}}', "L", "D") == [b'{"a":1}']
    assert texts(b'{"L":{"D":[]}}', "L", "D") == []
    assert texts(b'{"L":{}}', "L", "D") == []
    assert texts(b'{"L":null}', "L", "D") == []


@pytest.mark.parametrize("body", [b"", b"{}", b'{"L":{"D":[1,', b'{"L":3}', b'{"M":1}', b"<html>"])
def test_another_shape_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        cut(body, "L", "D")


def test_one_object() -> None:
    assert whole(b' {"a": [1, 2]} ') == b'{"a": [1, 2]}'
    assert whole(b"null") is None
    for body in (b'{"a":', b"", b"1,2"):
        with pytest.raises(ValueError):
            whole(body)


def test_portions() -> None:
    records = cut(b"[1,2,3]")
    assert list(in_portions(records, 2)) == [[b"1", b"2"], [b"3"]]
    assert list(in_portions([], 2)) == [[]]
