"""Reading past a size limit, on directories of every temper."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.hub.sources.ldap import Truncated
from lsats_pipeline.hub.sources.ldap_ranges import RangeReader
from lsats_pipeline.hub.sources.ldap_records import LdapEntry

Order = Callable[[bytes], object]


class FakeDirectory:
    """Entries with values of `uid`; gives out `cap` per search, in an order of its own."""

    def __init__(
        self,
        entries: list[list[bytes]],
        cap: int,
        order: Order = bytes.lower,
        shuffled: bool = True,
        ordering_rule: bool = True,
    ) -> None:
        self.entries, self.cap, self.order = entries, cap, order
        self.ordering_rule = ordering_rule
        self.searches: list[str] = []
        self._delivery = list(range(len(entries)))
        if shuffled:
            random.Random(len(entries)).shuffle(self._delivery)

    def search(self, filter: str, size_limit: int) -> Iterator[LdapEntry]:
        self.searches.append(filter)
        low, high = self._bounds(filter)
        found = [i for i in self._delivery if self._inside(self.entries[i], low, high)]
        cap = min(self.cap, size_limit or self.cap)
        yield from (self._entry(i) for i in found[:cap])
        if len(found) > cap:
            raise Truncated("size limit")

    def _entry(self, index: int) -> LdapEntry:
        return LdapEntry(b"%d" % index, [(b"cn", [b"x"]), (b"UID", self.entries[index])])

    def _bounds(self, filter: str) -> tuple[bytes | None, bytes | None]:
        parts = re.findall(r"(!?)\(uid(>?=)([^)]*)\)", filter.replace("(!(", "!("))
        bounds = {bang: _unescaped(v) for bang, sign, v in parts if sign == ">="}
        return bounds.get(""), bounds.get("!")

    def _inside(self, values: list[bytes], low: bytes | None, high: bytes | None) -> bool:
        if (low, high) != (None, None) and not self.ordering_rule:
            return False  # "undefined", and so is its negation
        return (low is None or self._reaches(values, low)) and not (
            high is not None and self._reaches(values, high)
        )

    def _reaches(self, values: list[bytes], bound: bytes) -> bool:
        return any(self.order(v) >= self.order(bound) for v in values)  # type: ignore[operator]


def _unescaped(text: str) -> bytes:
    return re.sub(rb"\\(..)", lambda m: bytes([int(m[1], 16)]), text.encode())


def reader(directory: FakeDirectory, hints: object = None, after: str | None = None) -> RangeReader:
    return RangeReader("Testing", directory.search, "uid", hints, after)


def names(count: int) -> list[list[bytes]]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    rng = random.Random(count)
    distinct = {"".join(rng.choices(letters, k=rng.randint(3, 8))) for _ in range(count * 2)}
    return [[name.encode()] for name in sorted(distinct)[:count]]


def found(read: RangeReader) -> list[bytes]:
    return [entry.dn for leaf in read.leaves() for entry in leaf.entries]


def everyone(directory: FakeDirectory) -> list[bytes]:
    return sorted(b"%d" % i for i in range(len(directory.entries)))


@pytest.mark.parametrize("size", [0, 1, 349, 350, 351, 3000])
@pytest.mark.parametrize("shuffled", [True, False])
def test_everybody_once(size: int, shuffled: bool) -> None:
    directory = FakeDirectory(names(size), cap=350, shuffled=shuffled)
    assert sorted(found(reader(directory))) == everyone(directory)


ORDERS: list[Order] = [
    bytes.lower,
    bytes,
    lambda value: value[::-1],  # nothing like ours
    lambda value: re.sub(rb"\W", b"", value).lower(),
]
UID = st.lists(
    st.text("abAB0.-_é *()\\", min_size=1, max_size=4).map(str.encode), min_size=1, max_size=3
)


@given(st.lists(UID, max_size=60), st.integers(2, 9), st.sampled_from(ORDERS), st.booleans())
def test_nobody_is_missed_in_silence(
    entries: list[list[bytes]], cap: int, order: Order, shuffled: bool
) -> None:
    directory = FakeDirectory(entries, cap, order, shuffled)
    try:
        assert set(found(reader(directory))) == set(everyone(directory))
    except IncompleteRead as error:
        assert "no value in between" in str(error)


@given(st.sets(st.text("abc", min_size=1, max_size=6), max_size=80), st.integers(3, 9))
def test_plain_names_are_always_read_whole(uids: set[str], cap: int) -> None:
    directory = FakeDirectory([[uid.encode()] for uid in uids], cap)
    assert sorted(found(reader(directory))) == everyone(directory)


def test_hints_save_the_searches_that_fail() -> None:
    directory = FakeDirectory(names(5000), cap=350)
    first = reader(directory)
    found(first)
    directory.searches.clear()
    second = reader(directory, first.hints_for_next())
    assert sorted(found(second)) == everyone(directory)
    assert len(directory.searches) <= 5000 / 240 + 3
    assert second.hints_for_next() == first.hints_for_next()


def test_hints_that_no_longer_fit() -> None:
    old = reader(FakeDirectory(names(2000), cap=350))
    found(old)
    grown = FakeDirectory(names(3500), cap=350)
    assert sorted(found(reader(grown, old.hints_for_next()))) == everyone(grown)
    for nonsense in ({"boundaries": 7}, "x", {"boundaries": ["zz", "b", "B", "b"], "size": 3}):
        assert sorted(found(reader(grown, nonsense))) == everyone(grown)


def test_a_read_goes_on_from_every_boundary() -> None:
    directory = FakeDirectory(names(1500), cap=350)
    leaves = list(reader(directory).leaves())
    for done, leaf in enumerate(leaves[:-1], 1):
        before = {e.dn for part in leaves[:done] for e in part.entries}
        after = set(found(reader(directory, after=leaf.upper)))
        assert not before & after
        assert before | after == set(everyone(directory))


def test_hints_of_a_read_in_two_parts_cover_both() -> None:
    directory = FakeDirectory(names(3000), cap=350)
    whole = reader(directory)
    found(whole)
    hints = whole.hints_for_next()
    middle = hints["boundaries"][5]
    rest = reader(directory, hints, after=middle)
    found(rest)
    assert rest.hints_for_next()["boundaries"][:6] == hints["boundaries"][:6]
    assert len(rest.hints_for_next()["boundaries"]) == len(hints["boundaries"])


def test_more_of_one_value_than_the_limit() -> None:
    directory = FakeDirectory([*names(100), *[[b"twin"]] * 20], cap=10)
    with pytest.raises(IncompleteRead, match="no value in between"):
        found(reader(directory))


def test_a_server_without_an_ordering_rule() -> None:
    directory = FakeDirectory(names(1000), cap=350, ordering_rule=False)
    with pytest.raises(IncompleteRead, match="does not order"):
        found(reader(directory))
    small = FakeDirectory(names(10), cap=350, ordering_rule=False)
    with pytest.raises(IncompleteRead, match="does not order"):
        found(reader(small, {"boundaries": ["m"], "size": 245}))


def test_ranges_are_read_in_order() -> None:
    uppers = [leaf.upper for leaf in reader(FakeDirectory(names(4000), cap=350)).leaves()]
    assert uppers[-1] is None
    assert all(a < b for a, b in itertools.pairwise(u for u in uppers if u is not None))
