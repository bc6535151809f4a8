"""Elements and rates on their way from the source to the parts of their groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from math import inf
from typing import Generic, Protocol, TypeVar

import msgspec
import numpy as np

from lsats_pipeline.mrf.provenance.rereading import Stretch
from lsats_pipeline.mrf.splitting.options import REST
from lsats_pipeline.mrf.splitting.references import Mask, ReferenceLists
from lsats_pipeline.mrf.splitting.router import (
    ByProvider,
    Everywhere,
    OfElements,
    Using,
    UsingElement,
    rates_of,
)
from lsats_pipeline.mrf.splitting.units import Digest, Elements, Item, LargeUnit, Unit, rate_unit
from lsats_pipeline.mrf.text.index import SECTIONS

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_RATES = msgspec.json.Decoder(list[Using])
_ELEMENTS = msgspec.json.Decoder(list[UsingElement])
_ANY = msgspec.json.Decoder()


class Growing(Protocol):
    """A part that grows: written, or only counted."""

    group: str
    sequence: int
    section: str
    used: Mask
    elements: int
    digest: Digest

    @property
    def text(self) -> int:
        """Bytes so far."""

    def element(self, chunks: Iterable[Unit]) -> None:
        """One more element, in pieces of any size."""

    def elements_of(self, values: Sequence[Unit]) -> None:
        """Some more."""

    def write(self, text: bytes) -> None:
        """Text of an element that is written by and by; `element(())` began it."""


P = TypeVar("P", bound=Growing)
R = TypeVar("R", covariant=True)


class PartMaker(Protocol[P, R]):
    """Begins parts, and makes something of them in the end."""

    def begin(self, section: str, sequence: int, group: str) -> P:
        """An empty part."""

    def end(self, part: P) -> R:
        """What came of it."""


class Groups(Generic[P, R]):
    """The open parts, one for each group; a full one makes way for the next."""

    def __init__(
        self,
        mine: Callable[[str], bool],
        maker: PartMaker[P, R],
        limit: float = inf,
        first: int = 1,
    ) -> None:
        self.mine = mine
        self._maker, self._limit, self._first = maker, limit, first
        self._open: dict[tuple[str, str], P] = {}
        self._done: list[R] = []

    def part(self, section: str, group: str) -> P:
        """The part that takes the next element of a group."""
        key = section, group
        part = self._open.get(key)
        if part and part.elements and part.text >= self._limit:
            self._done.append(self._maker.end(part))
            self._open[key] = part = self._maker.begin(section, part.sequence + 1, group)
        elif part is None:
            self._open[key] = part = self._maker.begin(section, self._first, group)
        return part

    def close(self) -> list[R]:
        """Finish all; returns what came of every part."""
        self._done += map(self._maker.end, self._open.values())
        self._open.clear()
        return self._done


def spread(
    found: Iterator[Item], route: OfElements, groups: Groups[P, R], known: ReferenceLists
) -> None:
    """Whole elements to the groups that they belong to."""
    for item in found:
        if isinstance(item, Elements) and item.proved and isinstance(route, Everywhere):
            for group in filter(groups.mine, route.groups(b"")):
                _together(groups.part(item.section, group), item, known)
        elif isinstance(item, Elements) and item.proved:
            section = item.section
            used = _used_by_each(item.values, known) if section == "in_network" else None
            for number, value in enumerate(item.values):
                for group in filter(groups.mine, route.groups(value)):
                    part = groups.part(section, group)
                    part.element((value,))
                    part.digest.add(value)
                    if used is not None:
                        part.used[used[number]] = True
        elif isinstance(item, LargeUnit):
            wanted = [g for g in route.groups(item.element.header.encode()) if groups.mine(g)]
            copy([groups.part(item.element.section, group) for group in wanted], item, known)


def _together(part: Growing, item: Elements, known: ReferenceLists) -> None:
    """All elements of a piece to one part."""
    part.elements_of(item.values)
    part.digest.add_all(item.values)
    if item.section == "in_network":
        for positions in _used_by_each(item.values, known, together=True):
            part.used[positions] = True


def copy(parts: Sequence[Growing], item: LargeUnit, known: ReferenceLists) -> None:
    """A large element, as it comes, to some parts."""
    hashed = sha256()
    for part in parts:
        part.element(())
    for chunk in item.chunks:
        data = chunk if isinstance(chunk, bytes) else chunk.data
        hashed.update(data)
        for part in parts:
            part.write(data)
            if isinstance(chunk, Stretch) and part.section == "in_network":
                part.used[_used_by_rates(chunk.data, known)] = True
    for part in parts:
        part.digest.hashed(hashed.digest()[:16])


def spread_rates(
    found: Iterator[Item], route: ByProvider, groups: Groups[P, R], known: ReferenceLists
) -> None:
    """Rates to their groups, each with the other members of its element."""
    for item in found:
        if isinstance(item, Elements) and item.proved:
            for value in map(bytes, item.values):
                _spread_element(value, item.section, route, groups, known)
        elif isinstance(item, LargeUnit):
            _spread_large(item, route, groups, known)


def _spread_element(
    value: bytes, section: str, route: ByProvider, groups: Groups[P, R], known: ReferenceLists
) -> None:
    apart = rates_of(value, section)
    if apart is None or not apart[1]:
        if groups.mine(REST):
            part = groups.part(section, REST)
            part.element((value,))
            part.digest.add(value)
            _use(part, _used_by_element(value, known))
        return
    head, rates = apart
    shares: dict[str, list[bytes]] = {}
    for group, rate in zip(route.groups(rates), rates, strict=True):
        shares.setdefault(group, []).append(rate)
    for group, share in shares.items():
        if groups.mine(group):
            part = groups.part(section, group)
            part.element((opened(head, section), b",".join(share), b"]}"))
            for rate in share:
                part.digest.add(rate_unit(head, rate))
            _use(part, _used_by_rates(b",".join(share), known))


def _spread_large(
    item: LargeUnit, route: ByProvider, groups: Groups[P, R], known: ReferenceLists
) -> None:
    section, head = item.element.section, item.element.header.encode()
    begun: dict[str, Growing] = {}
    for chunk in item.chunks:
        if isinstance(chunk, bytes):
            continue
        rates = [rate for _, rate in chunk.values()]
        for group, rate in zip(route.groups(rates), rates, strict=True):
            if not groups.mine(group):
                continue
            if group in begun:
                begun[group].write(b",")
            else:
                begun[group] = groups.part(section, group)
                begun[group].element((opened(head, section),))
            begun[group].write(rate)
            begun[group].digest.add(rate_unit(head, rate))
            _use(begun[group], _used_by_rates(rate, known))
    for part in begun.values():
        part.write(b"]}")


def opened(head: bytes, section: str) -> bytes:
    """An element up to its first rate."""
    comma = b"" if head == b"{}" else b","
    return b'%b%b"%b":[' % (head[:-1], comma, SECTIONS[section].encode())


def _use(part: Growing, positions: np.ndarray) -> None:
    if part.section == "in_network":
        part.used[positions] = True


def _used_by_each(
    values: Sequence[Unit], known: ReferenceLists, *, together: bool = False
) -> list[np.ndarray]:
    """The positions of the references that each element uses; or all of them in one."""
    try:
        decoded = _ELEMENTS.decode(b"".join((b"[", b",".join(values), b"]")))
    except _FAULTS:
        return [_used_by_element(value, known) for value in values]
    if together:
        rates = chain.from_iterable(e.negotiated_rates for e in decoded)
        return [_positions((rate.provider_references for rate in rates), known)]
    return [_positions((r.provider_references for r in e.negotiated_rates), known) for e in decoded]


def _used_by_rates(rates: bytes, known: ReferenceLists) -> np.ndarray:
    try:
        decoded = _RATES.decode(b"".join((b"[", rates, b"]")))
    except _FAULTS:
        return _used_by_element(b"[%b]" % rates, known)
    return _positions((rate.provider_references for rate in decoded), known)


def _used_by_element(value: Unit, known: ReferenceLists) -> np.ndarray:
    """The same where something is not as it should be: whatever numbers are in such lists."""
    try:
        return _positions(_lists(_ANY.decode(value)), known)
    except _FAULTS:
        return np.empty(0, np.int64)


def _lists(value: object) -> Iterator[list[int]]:
    if isinstance(value, dict):
        listed = value.get("provider_references")
        if isinstance(listed, list):
            yield [n for n in listed if type(n) is int and abs(n) < 2**63]
        yield from chain.from_iterable(map(_lists, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_lists, value))


def _positions(lists: Iterator[list[int]], known: ReferenceLists) -> np.ndarray:
    try:
        numbers = np.fromiter(chain.from_iterable(lists), np.int64)
    except OverflowError:
        return np.empty(0, np.int64)
    return known.positions(numbers)
