"""Reads a directory past its size limit, in ranges of one attribute, with nothing missing.

    (uid=*) ──truncated──▶ (!(uid>=m)) │ (uid>=m) ──truncated──▶ ... until every search is whole

Proof of completeness. Let b1 ... bn be the boundaries in the order they are used. The searches are
(!(uid>=b1)), (uid>=bi)(!(uid>=bi+1)) and (uid>=bn), each with (uid=*), each ended with success.
Take an entry that has the attribute. If (uid>=b1) is false, the first search found it. Otherwise
let i be the greatest index for which (uid>=bi) is true: the search that begins with bi found it.
So every entry was found, in whatever order the server sorts and however many values the entry has;
our own idea of order only decides how even the ranges are.

What the proof needs is that the server gives (uid>=b) a truth value at all: one without an ordering
rule for the attribute answers "undefined", and the entry is in neither half. That is tried on a
live entry before each read. An entry renamed from a range still to come into one already read is
missed, as by any reader of a live directory.

Ranges are disjoint as far as the server's order agrees with itself; a repeated entry does no harm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.hub.sources.ldap import escape
from lsats_pipeline.hub.sources.ldap_errors import CutShort
from lsats_pipeline.hub.sources.ldap_records import LdapEntry, values_of

Search = Callable[[str, int], Iterator[LdapEntry]]

FILL = 0.7  # share of the server's limit that a range is meant to hold, to leave room for growth


class Leaf(NamedTuple):
    """The entries of one range, whole, and the boundary after them (None: the last range)."""

    entries: list[LdapEntry]
    upper: str | None


class Hints(msgspec.Struct):
    """What a complete read leaves for the next: boundaries about `size` entries apart."""

    boundaries: list[str] = []
    size: int | None = None


def all_of(found: Iterable[LdapEntry]) -> tuple[list[LdapEntry], bool]:
    """The entries of a search, each once, and whether they are all."""
    entries: dict[bytes, LdapEntry] = {}
    try:
        for entry in found:
            entries.setdefault(entry.dn, entry)
    except CutShort:
        return list(entries.values()), False
    return list(entries.values()), True


class RangeReader:
    """One read of the entries that have `attribute` and meet `condition`.

    `search(filter, size_limit)` searches the directory; `after` is the boundary up to which an
    earlier, broken-off read got; `hints` is what `hints_for_next` of an earlier read returned.
    """

    def __init__(
        self, title: str, search: Search, attribute: str, hints: Any, after: str | None
    ) -> None:
        self._title, self._search, self._attribute = title, search, attribute
        self._after = after
        self._before = _usable(hints)
        self._size = self._before.size
        self._marks: list[str] = []
        # No boundary is used twice, so splitting ends however odd the server's order is.
        self._used: set[str] = set()
        self._filling = 0

    def leaves(self) -> Iterator[Leaf]:
        """Yield range after range, ascending; IncompleteRead when one cannot be had whole."""
        self.prove()
        pending = deque(self._first_ranges())
        while pending:
            low, high = pending.popleft()
            entries, whole = self._try(low, high)
            if whole:
                self._mark(entries)
                yield Leaf(entries, high)
            else:
                middle = self._middle(entries, low, high)
                pending.extendleft([(middle, high), (low, middle)])

    def hints_for_next(self) -> dict[str, Any]:
        """Boundaries for the next read, as plain JSON values."""
        kept = [] if self._after is None else self._done_before(self._after)
        return {"boundaries": kept + self._marks, "size": self._size}

    def _done_before(self, after: str) -> list[str]:
        return [b for b in self._before.boundaries if _fold(b) < _fold(after)] + [after]

    def prove(self) -> None:
        """IncompleteRead when the server does not order values; tried on a live entry."""
        sample, _ = self._all(f"({self._attribute}=*)", limit=1)
        value = next((v for entry in sample for v in values_of(entry, self._attribute)), None)
        if value is None:
            return
        same = f"({self._attribute}={escape(value)})({self._attribute}>={escape(value)})"
        if not self._all(f"(&{same})", limit=0)[0]:
            raise IncompleteRead(
                f"{self._title}: the server does not order entries by {self._attribute}, "
                "so they cannot be read in ranges"
            )

    def _first_ranges(self) -> list[tuple[str | None, str | None]]:
        known = [
            b for b in self._before.boundaries
            if self._after is None or _fold(b) > _fold(self._after)
        ]  # fmt: skip
        self._used.update(map(_fold, known))
        ends: list[str | None] = [self._after, *known, None]
        return list(pairwise(ends))

    def _try(self, low: str | None, high: str | None) -> tuple[list[LdapEntry], bool]:
        name = self._attribute
        above = f"({name}>={escape(low.encode())})" if low is not None else ""
        below = f"(!({name}>={escape(high.encode())}))" if high is not None else ""
        return self._all(f"(&({name}=*){above}{below})" if above or below else f"({name}=*)", 0)

    def _all(self, filter: str, limit: int) -> tuple[list[LdapEntry], bool]:
        return all_of(self._search(filter, limit))

    def _middle(self, entries: Sequence[LdapEntry], low: str | None, high: str | None) -> str:
        """A value inside a truncated range at which to split it."""
        self._size = min(self._size or len(entries), max(1, int(len(entries) * FILL)))
        found = [v for entry in entries if (v := self._place(entry)) is not None]
        fresh = set(found) - self._used
        # Where the server sorts in another way than we do, none may lie between for us.
        inside = sorted(v for v in fresh if _between(v, low, high)) or sorted(fresh)
        if not inside:
            raise IncompleteRead(
                f"{self._title}: more than {len(entries)} entries between {self._attribute} "
                f"{low!r} and {high!r}, and no value in between to split at: a limit of the "
                "server hides some of them; ask for a higher one"
            )
        # A server that answers in order has shown the lowest values: they fit into one search.
        middle = inside[-1] if found == sorted(found) else inside[len(inside) // 2]
        self._used.add(middle)
        return middle

    def _mark(self, entries: Sequence[LdapEntry]) -> None:
        if self._size is None:
            return
        for value in sorted(v for entry in entries if (v := self._place(entry)) is not None):
            self._filling += 1
            if self._filling > self._size:
                self._marks.append(value)
                self._filling = 1

    def _place(self, entry: LdapEntry) -> str | None:
        """Where the entry stands in our order; None if its value cannot serve as a boundary.

        With several values it is the greatest that counts, since (uid>=b) holds when any does.
        """
        texts = (value.decode("utf-8", "replace") for value in values_of(entry, self._attribute))
        greatest = max(map(_fold, texts), default="\ufffd")
        return None if "\ufffd" in greatest or not greatest.strip() else greatest


def _fold(value: str) -> str:
    return value.lower()


def _between(value: str, low: str | None, high: str | None) -> bool:
    return (low is None or value > _fold(low)) and (high is None or value < _fold(high))


def _usable(hints: Any) -> Hints:
    try:
        found = msgspec.convert(hints or {}, Hints)
    except msgspec.ValidationError:
        return Hints()
    return Hints(sorted(set(found.boundaries), key=_fold), found.size)
