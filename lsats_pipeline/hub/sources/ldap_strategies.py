"""How a branch of a directory is read whole: four strategies, the cheapest first.

    in one search ──limit──▶ in pages ──limit──▶ in ranges ──no order──▶ by beginnings
                                       IncompleteRead, with what each met ◀────┘

| strategy | complete because | what it needs |
|---|---|---|
| in one search | it ended with success | no size limit |
| in pages | the last page had no cookie and ended with success | unlimited pages (RFC 2696) |
| in ranges | of the proof in `ldap_ranges` | an ordering rule of the attribute |
| by beginnings | of the proof in `ldap_prefixes` | a substring rule of the attribute |

The first that works is found by asking for names alone (`plan`); `lsats doctor` does the same. A
read remembers it for the next one; where it works no more, the others are tried within the read.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from lsats_pipeline.core.errors import IncompleteRead, LsatsError
from lsats_pipeline.hub.sources.ldap import Directory, distinct
from lsats_pipeline.hub.sources.ldap_errors import Declined, Truncated
from lsats_pipeline.hub.sources.ldap_prefixes import PrefixReader
from lsats_pipeline.hub.sources.ldap_ranges import RangeReader
from lsats_pipeline.hub.sources.ldap_records import LdapEntry

log = logging.getLogger(__name__)

IDENTITY = "entryUUID"  # RFC 4530; without it the DN counts
PAGES = (500, 100)  # entries; a server may refuse the larger ones
# Entries handed on at a time. A search that is cut short before so many leaves no trace in a read,
# which can then be resumed.
BATCH = 1000
NO_NAMES = ("1.1",)  # RFC 4511, 4.5.1.8: no attributes
REPLAN_DAYS = 30  # after which a cheaper strategy is looked for again


@dataclass(frozen=True)
class Branch:
    """Part of a directory: the entries below `base` that meet `condition`.

    `attribute` names them, `names` are all that are read. `unnamed` finds those that lack it.
    """

    directory: Directory
    base: str
    kind: str
    attribute: str
    unnamed: str
    names: Sequence[str]
    condition: str = ""

    @property
    def title(self) -> str:
        """Of the directory, for messages."""
        return self.directory.account.title

    @property
    def named(self) -> str:
        """The filter of all that have the attribute."""
        return f"({self.attribute}=*)"

    def search(
        self, filter: str, size_limit: int = 0, *, page_size: int = 0, bare: bool = False
    ) -> Iterator[LdapEntry]:
        """Entries that match; Truncated when there are more than the server gives out."""
        return self.directory.search(
            self.base,
            f"(&{self.condition}{filter})" if self.condition else filter,
            NO_NAMES if bare else (*self.names, IDENTITY),
            size_limit=size_limit,
            page_size=page_size,
        )


class Part(NamedTuple):
    """Some entries; `position` is where another read can go on after them, None: nowhere."""

    entries: Sequence[LdapEntry]
    position: Any = None


Hints = dict[str, Any]
StrategyRead = Generator[Part, None, Hints]  # and, at the end, hints for the next read


class Strategy(NamedTuple):
    """`probe` raises what makes it useless here, else gives hints; `read` takes hints, position."""

    title: str
    probe: Callable[[Branch], Hints]
    read: Callable[[Branch, Hints, Any], StrategyRead]


def _probe_one_search(branch: Branch) -> Hints:
    _exhaust(branch.search(branch.named, bare=True))
    return {}


def _read_in_one_search(branch: Branch, hints: Hints, after: Any) -> StrategyRead:
    yield from _batches(branch.search(branch.named))
    return {}


def _probe_pages(branch: Branch) -> Hints:
    """A size of pages that the server takes; only a larger one is refused for its size."""
    refusal: LsatsError = IncompleteRead("")
    for size in PAGES:
        try:
            _exhaust(branch.search(branch.named, page_size=size, bare=True))
        except Truncated:
            raise
        except USELESS as error:
            refusal = error
        else:
            return {"page_size": size}
    raise refusal


def _read_in_pages(branch: Branch, hints: Hints, after: Any) -> StrategyRead:
    size = hints.get("page_size") or PAGES[-1]
    yield from _batches(branch.search(branch.named, page_size=size))
    return {"page_size": size}


def _probe_ranges(branch: Branch) -> Hints:
    RangeReader(branch.title, branch.search, branch.attribute, None, None).prove()
    return {}


def _read_in_ranges(branch: Branch, hints: Hints, after: Any) -> StrategyRead:
    reader = RangeReader(branch.title, branch.search, branch.attribute, hints, after)
    for leaf in reader.leaves():
        after = leaf.upper or after
        yield Part(leaf.entries, after)
    return reader.hints_for_next()


def _probe_prefixes(branch: Branch) -> Hints:
    PrefixReader(branch.title, branch.search, branch.attribute, None, None).prove()
    return {}


def _read_by_prefixes(branch: Branch, hints: Hints, after: Any) -> StrategyRead:
    reader = PrefixReader(branch.title, branch.search, branch.attribute, hints, after)
    for entries, position in reader.parts():
        yield Part(entries, position)
    return reader.hints_for_next()


# By the names that hints and positions keep.
STRATEGIES = {
    "one_search": Strategy("in one search", _probe_one_search, _read_in_one_search),
    "pages": Strategy("in pages", _probe_pages, _read_in_pages),
    "ranges": Strategy("in ranges", _probe_ranges, _read_in_ranges),
    "prefixes": Strategy("by beginnings", _probe_prefixes, _read_by_prefixes),
}
# What says that a strategy does not work here; anything else ends the read.
USELESS = (IncompleteRead, Declined)


@dataclass
class ReadPlan:
    """How a branch is read: a strategy, what it goes by, and what others ran into."""

    name: str
    hints: Hints
    failed: dict[str, LsatsError] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """For people: `in pages`."""
        return STRATEGIES[self.name].title


def plan(branch: Branch, failed: dict[str, LsatsError] | None = None) -> ReadPlan:
    """The first strategy that works, tried with names alone; IncompleteRead when none does.

    `failed`: those that are known not to.
    """
    failed = {} if failed is None else failed
    for name, strategy in STRATEGIES.items():
        if name in failed:
            continue
        try:
            return ReadPlan(name, strategy.probe(branch), failed)
        except USELESS as error:
            failed[name] = error
    account = branch.directory.account
    met = "; ".join(
        f"{STRATEGIES[name].title}: {str(error).removeprefix(f'{branch.title}: ')}"
        for name, error in failed.items()
    )
    raise IncompleteRead(
        f"{branch.title}: {branch.kind} cannot be read whole ({met}). Ask the directory's "
        f"administrators to lift the limits of the account in {account.user_variable}, for "
        f"searches or for paged results, or to give {branch.attribute} an ordering or a "
        "substring rule"
    )


def examine(branch: Branch) -> ReadPlan:
    """How a read would go about a branch; fails as it would."""
    _exhaust(entry for part in _unnamed(branch, bare=True) for entry in part.entries)
    return plan(branch)


def read_whole(
    branch: Branch,
    memory: Any,
    position: str | None,
    day: dt.date,
    leave_hints: Callable[[Any], None],
) -> Iterator[Part]:
    """Every entry of a branch once; its positions are text. IncompleteRead when that is no use.

    `memory` is what an earlier read gave to `leave_hints`, or None.
    """
    for part in _unnamed(branch):
        yield Part(part.entries, position)
    planned, since, after = _resumed(memory, position, day)
    given: set[bytes] = set()
    failed: dict[str, LsatsError] = {}
    resumable = remembered = True
    while True:
        if planned is None:
            remembered = False
            planned, after = plan(branch, failed), None
            planned.hints = {**_details(memory), **planned.hints}
            log.info("%s: %s are read %s", branch.title, branch.kind, planned.title)
        reading = STRATEGIES[planned.name].read(branch, planned.hints, after)
        try:
            while True:
                part = next(reading)
                fresh = list(distinct(part.entries, IDENTITY, given))
                place = part.position if resumable else None
                kept = {"by": planned.name, "after": place}
                yield Part(fresh, json.dumps(kept) if place else None)
        except StopIteration as end:
            leave_hints({**end.value, "strategy": planned.name, "since": since.isoformat()})
            return
        except USELESS as error:
            log.warning("%s: %s: %s", branch.title, planned.title, error)
            if not remembered:
                failed[planned.name] = error
            # A read that goes on after what was given so far would give it once more.
            planned, since, resumable = None, day, not given


def _unnamed(branch: Branch, *, bare: bool = False) -> Iterator[Part]:
    """The few entries without the attribute, in one search or in pages."""
    try:
        found = list(branch.search(branch.unnamed, bare=bare))
    except USELESS:
        try:
            found = list(branch.search(branch.unnamed, page_size=PAGES[-1], bare=bare))
        except USELESS as error:
            account = branch.directory.account
            raise IncompleteRead(
                f"{error}; {branch.kind} without {branch.attribute} ({branch.unnamed}) have to be"
                " found in one search or in pages. Ask the directory's administrators to lift the"
                f" limits of the account in {account.user_variable}"
            ) from None
    yield Part(found)


class _Memory(msgspec.Struct):
    strategy: str = ""
    since: str = ""


class _Position(msgspec.Struct):
    by: str
    after: Any


def _resumed(
    memory: Any, position: str | None, day: dt.date
) -> tuple[ReadPlan | None, dt.date, Any]:
    """What is known in advance: the plan, since when it is in use, and where to go on."""
    try:
        place = msgspec.json.decode(position or "{}", type=_Position)
        if place.by in STRATEGIES:
            return ReadPlan(place.by, _details(memory)), day, place.after
    except msgspec.DecodeError:
        pass
    try:
        known = msgspec.convert(memory or {}, _Memory)
        since = dt.date.fromisoformat(known.since)
    except (msgspec.ValidationError, ValueError):
        return None, day, None
    if known.strategy not in STRATEGIES or abs((day - since).days) >= REPLAN_DAYS:
        return None, day, None
    return ReadPlan(known.strategy, _details(memory)), since, None


def _details(memory: Any) -> Hints:
    return dict(memory) if isinstance(memory, dict) else {}


def _batches(entries: Iterator[LdapEntry]) -> Iterator[Part]:
    while batch := list(islice(entries, BATCH)):
        yield Part(batch)


def _exhaust(entries: Iterator[LdapEntry]) -> None:
    for _ in entries:
        pass
