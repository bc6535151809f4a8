"""Reading a branch whole, on servers with and without limits, pages, orders and substrings."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsats_pipeline.core.errors import ConfigurationError, IncompleteRead, TransientError
from lsats_pipeline.hub.sources.ldap import Directory
from lsats_pipeline.hub.sources.ldap_errors import CutShort, Declined, Truncated
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.ldap_strategies import (
    PAGES,
    Branch,
    Part,
    examine,
    plan,
    read_whole,
)

DAY = dt.date(2026, 3, 2)
Fold = Callable[[bytes], bytes]


@dataclass
class FakeServer:
    """Entries with values of `uid`, and what the server is able to do.

    `limit`: entries of a search, pages included unless `free_pages`. `undefined`: beginnings that
    it cannot read, folded. A filter is true, false or undefined (None), as RFC 4511 has it.
    """

    entries: list[list[bytes]]
    limit: int = 0
    free_pages: bool = False
    paging: bool = True
    largest_page: int = 1000
    cut: type[CutShort] = Truncated
    ordering: bool = False
    substrings: bool = True
    fold: Fold = bytes.lower
    undefined: frozenset[bytes] = frozenset()
    searches: list[str] = field(default_factory=list)
    account: Any = field(default_factory=lambda: SimpleNamespace(title="T", user_variable="T_USER"))

    def search(
        self, base: str, filter: str, names: Sequence[str], *, size_limit: int, page_size: int
    ) -> Iterator[LdapEntry]:
        self.searches.append(filter)
        if page_size and not self.paging:
            raise Declined("T: no pages")
        if page_size > self.largest_page:
            raise IncompleteRead("T: the page is too large")
        parsed, _ = _parsed(filter, 0)
        found = [i for i, values in enumerate(self.entries) if self.matches(parsed, values)]
        random.Random(7).shuffle(found)
        own = 0 if page_size and self.free_pages else self.limit
        limit = min((n for n in (own, size_limit) if n), default=len(found))
        for i in found[:limit]:
            yield LdapEntry(b"%d" % i, [(b"UID", self.entries[i])] if names[0] != "1.1" else [])
        if len(found) > limit:
            raise self.cut("T: code 4")

    def matches(self, parsed: Any, values: list[bytes]) -> bool | None:
        kind: str = parsed[0]
        parts: Any = parsed[1]
        if kind in "&|":
            results = [self.matches(part, values) for part in parts]
            deciding = bool(kind == "|")
            if deciding in results:
                return deciding
            return None if None in results else not deciding
        if kind == "!":
            result = self.matches(parts[0], values)
            return None if result is None else not result
        if kind == "*":
            beginning = self.fold(parts)
            if not self.substrings or beginning in self.undefined:
                return None
            return any(self.fold(value).startswith(beginning) for value in values)
        if kind == ">":
            if not self.ordering:
                return None
            return any(self.fold(value) >= self.fold(parts) for value in values)
        if kind == "=":
            return any(self.fold(value) == self.fold(parts) for value in values)
        return bool(values)


def _parsed(filter: str, at: int) -> tuple[Any, int]:
    if filter[at + 1] in "&|!":
        parts, kind, at = [], filter[at + 1], at + 2
        while filter[at] == "(":
            part, at = _parsed(filter, at)
            parts.append(part)
        return (kind, parts), at + 1
    end = filter.index(")", at)
    item = re.fullmatch(r"uid(>?=)(.*?)(\*?)", filter[at + 1 : end])
    assert item is not None, filter
    value = re.sub(rb"\\(..)", lambda m: bytes([int(m[1], 16)]), item[2].encode())
    if item[3]:
        return ("*" if value else "present", value), end + 1
    return (item[1][0], value), end + 1


def branch(server: FakeServer) -> Branch:
    return Branch(cast(Directory, server), "dc=x", "people", "uid", "(!(uid=*))", ("uid",))


class Reading:
    """One read, with what it remembered."""

    def __init__(
        self,
        server: FakeServer,
        memory: Any = None,
        position: str | None = None,
        day: dt.date = DAY,
    ) -> None:
        left: list[Any] = []
        before = len(server.searches)
        self.parts = list(read_whole(branch(server), memory, position, day, left.append))
        self.memory = left[0]
        self.searches = server.searches[before:]
        self.found = [int(entry.dn) for part in self.parts for entry in part.entries]

    @property
    def strategy(self) -> str:
        return str(self.memory["strategy"])


def names(count: int) -> list[list[bytes]]:
    rng = random.Random(count)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [["".join(rng.choices(letters, k=rng.randint(3, 8))).encode()] for _ in range(count)]


def everyone(server: FakeServer) -> list[int]:
    return list(range(len(server.entries)))


LADDER: list[tuple[dict[str, Any], str]] = [
    ({}, "one_search"),
    ({"limit": 350, "free_pages": True}, "pages"),
    ({"limit": 350, "free_pages": True, "largest_page": 200}, "pages"),
    ({"limit": 350, "ordering": True}, "ranges"),
    ({"limit": 350, "paging": False, "ordering": True}, "ranges"),
    ({"limit": 350}, "prefixes"),
    ({"limit": 350, "paging": False}, "prefixes"),
    ({"limit": 350, "ordering": True, "cut": CutShort}, "ranges"),
    ({"limit": 350, "cut": CutShort}, "prefixes"),
]


@pytest.mark.parametrize(("able", "strategy"), LADDER)
def test_the_cheapest_strategy_that_works(able: dict[str, Any], strategy: str) -> None:
    server = FakeServer([*names(1500), []], **able)
    reading = Reading(server)
    assert sorted(reading.found) == everyone(server)
    assert reading.strategy == strategy
    assert plan(branch(server)).name == strategy


@pytest.mark.parametrize(("able", "strategy"), LADDER)
def test_a_day_later_nothing_is_tried_again(able: dict[str, Any], strategy: str) -> None:
    server = FakeServer(names(1500), **able)
    first = Reading(server)
    second = Reading(server, first.memory, day=DAY + dt.timedelta(days=1))
    assert sorted(second.found) == everyone(server)
    assert second.memory == first.memory
    proofs = {"one_search": 0, "pages": 0, "ranges": 2, "prefixes": 2}[strategy]
    parts = len([part for part in second.parts if part.entries])
    divided = len(second.memory.get("splits", ()))
    reads = 1 if strategy in ("one_search", "pages") else parts + divided
    assert len(second.searches) <= 1 + proofs + reads + divided


@pytest.mark.parametrize(("able", "strategy"), LADDER)
def test_what_works_no_more_is_replaced_within_the_read(
    able: dict[str, Any], strategy: str
) -> None:
    before = Reading(FakeServer(names(1500), **able))
    for now, other in LADDER:
        server = FakeServer(names(1500), **now)
        reading = Reading(server, before.memory)
        assert sorted(reading.found) == everyone(server)
        if other == strategy:
            assert reading.strategy == strategy


def test_a_cheaper_strategy_is_looked_for_after_a_month() -> None:
    memory = Reading(FakeServer(names(1500), limit=350)).memory
    free = FakeServer(names(1500))
    for days, strategy in ((29, "prefixes"), (30, "one_search")):
        assert Reading(free, memory, day=DAY + dt.timedelta(days=days)).strategy == strategy


@pytest.mark.parametrize("memory", [7, "x", [], {"strategy": 1}, {"strategy": "no", "since": "x"}])
def test_memory_that_is_none(memory: Any) -> None:
    server = FakeServer(names(800), limit=100)
    assert sorted(Reading(server, memory, position="m").found) == everyone(server)


@pytest.mark.parametrize("ordering", [True, False])
def test_a_read_goes_on_after_every_part(ordering: bool) -> None:
    server = FakeServer(names(400), limit=80, ordering=ordering)
    whole = Reading(server)
    for memory in (None, whole.memory):
        parts = Reading(server, memory).parts
        for done, part in enumerate(parts[1:-1], 2):
            before = {int(e.dn) for earlier in parts[:done] for e in earlier.entries}
            after = set(Reading(server, memory, part.position).found)
            assert not before & after
            assert before | after == set(everyone(server))


@pytest.mark.parametrize("ordering", [True, False])
def test_whoever_may_read_no_names_any_more_reads_nobody(ordering: bool) -> None:
    server = FakeServer(names(400), limit=80, ordering=ordering)
    memory = Reading(server).memory
    server.entries = []
    reading = Reading(server, memory)
    assert reading.found == []
    assert {type(part.position) for part in reading.parts} <= {str, type(None)}


def test_no_way_at_all_says_what_to_ask_for() -> None:
    server = FakeServer(names(1500), limit=350, paging=False, substrings=False)
    with pytest.raises(IncompleteRead) as planned:
        plan(branch(server))
    with pytest.raises(IncompleteRead) as read:
        Reading(server)
    assert str(read.value) == str(planned.value)
    for words in ("in one search: code 4", "no pages", "does not order", "beginnings", "T_USER"):
        assert words in str(read.value)


def test_those_without_a_name_have_to_be_found_by_the_doctor_too() -> None:
    server = FakeServer([*names(20), *[[] for _ in range(400)]], limit=350, paging=False)
    for read in (lambda: examine(branch(server)), lambda: Reading(server)):
        with pytest.raises(IncompleteRead, match=r"without uid .* T_USER"):
            read()


def test_what_is_no_limit_ends_the_read() -> None:
    class Refusing(FakeServer):
        def search(self, *args: Any, **options: Any) -> Iterator[LdapEntry]:
            raise error

    for error in (TransientError("lost"), ConfigurationError("no right")):
        with pytest.raises(type(error)):
            Reading(Refusing([]))


# ── by beginnings ─────────────────────────────────────────────────────────────────────────────────


VALUE = st.text("abAB0.-_é *()\\\u0301ß", min_size=1, max_size=4).map(str.encode) | st.binary(
    min_size=1, max_size=3
)
UID = st.lists(VALUE, min_size=1, max_size=3)
FOLDS: list[Fold] = [
    bytes.lower,
    bytes,  # a server that distinguishes case
    lambda value: value.replace(b" ", b"").lower(),
    lambda value: value.decode("utf-8", "replace").casefold().encode(),
]


@given(
    st.lists(UID, max_size=50),
    st.integers(2, 9),
    st.sampled_from(FOLDS),
    st.frozensets(st.text("ab0 é", min_size=1, max_size=2).map(str.encode), max_size=3),
)
def test_nobody_is_missed_in_silence(
    entries: list[list[bytes]], limit: int, fold: Fold, undefined: frozenset[bytes]
) -> None:
    memory = None
    for now in (entries, [*entries, [b"zoe"], [b"anna"]]):
        server = FakeServer(now, limit, fold=fold, undefined=undefined)
        try:
            reading = Reading(server, memory)
        except IncompleteRead as error:
            assert "go on in different ways" in str(error) or "beginnings" in str(error)
        else:
            assert sorted(reading.found) == everyone(server)
            memory = reading.memory


@given(st.sets(st.text("abc", min_size=1, max_size=6), max_size=80), st.integers(2, 9))
def test_plain_names_are_always_read_whole(uids: set[str], limit: int) -> None:
    server = FakeServer([[uid.encode()] for uid in sorted(uids)], limit)
    assert sorted(Reading(server).found) == everyone(server)


@pytest.mark.parametrize("fold", FOLDS)
def test_names_that_begin_alike_are_not_taken_apart_letter_by_letter(fold: Fold) -> None:
    server = FakeServer([[b"Department of Synthetic Studies %d" % n] for n in range(500)], 50)
    reading = Reading(server)
    assert sorted(reading.found) == everyone(server)
    assert len(reading.searches) < 250


def test_more_of_one_value_than_the_limit() -> None:
    server = FakeServer([*names(100), *[[b"twin"]] * 20], limit=10)
    with pytest.raises(IncompleteRead, match="begins with 'twin'"):
        Reading(server)


def test_pages_are_tried_in_sizes() -> None:
    server = FakeServer(names(1500), limit=350, free_pages=True, largest_page=PAGES[-1])
    assert plan(branch(server)).hints == {"page_size": PAGES[-1]}


def test_positions_are_given_up_once_something_would_come_twice() -> None:
    """A read that was cut after that begins again."""
    memory = Reading(FakeServer(names(3000))).memory
    server = FakeServer(names(3000), limit=1200, ordering=True)
    reading = Reading(server, memory)
    assert reading.strategy == "ranges"
    assert sorted(reading.found) == everyone(server)
    assert {part.position for part in reading.parts} == {None}


def test_parts_are_small() -> None:
    sizes = [len(part.entries) for part in Reading(FakeServer(names(1700))).parts]
    assert max(sizes) <= 1000
    assert Part([]).position is None
