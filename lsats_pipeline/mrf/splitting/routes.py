"""Which group an element, or a rate, belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Protocol

import msgspec
import numpy as np
from msgspec import Struct

from lsats_pipeline.errors import BadFile
from lsats_pipeline.mrf.splitting.options import REST, Codes, SplitOptions
from lsats_pipeline.mrf.splitting.references import References
from lsats_pipeline.mrf.splitting.units import taken_apart
from lsats_pipeline.mrf.window import Window, members

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Coded(Struct, gc=False):
    billing_code_type: str
    billing_code: str


class _Tin(Struct, gc=False):
    value: str


class _Group(Struct, gc=False):
    tin: _Tin
    npi: list[int] = []


class _Reference(Struct, gc=False):
    provider_groups: list[_Group] = []


class _Charge(Struct, gc=False):
    npi: list[int] = []


class _Payment(Struct, gc=False):
    providers: list[_Charge] = []


class _Referring(Struct, gc=False):
    """A rate or an allowed amount, as far as it says who is paid."""

    provider_references: list[int] = []
    provider_groups: list[_Group] = []
    tin: _Tin | None = None
    payments: list[_Payment] = []


class Using(Struct, gc=False):
    """A rate, as far as it refers to providers."""

    provider_references: list[int] = []


class UsingElement(Struct, gc=False):
    """An element, as far as its rates refer to providers."""

    negotiated_rates: list[Using] = []


_CODED = msgspec.json.Decoder(_Coded)
_REFERENCE = msgspec.json.Decoder(_Reference)
_REFERRING = msgspec.json.Decoder(_Referring)


class OfElements(Protocol):
    """Says to which groups a whole element belongs."""

    def groups(self, element: bytes) -> Sequence[str]:
        """Of an element, or of the other members of a large one."""


class ByCodes:
    """The first of the groups of codes that holds an element's code; else its system or the rest."""

    def __init__(self, codes: Sequence[Codes]) -> None:
        self._codes = codes

    def groups(self, element: bytes) -> Sequence[str]:
        """One group."""
        try:
            coded = _CODED.decode(element)
        except _FAULTS:
            return (REST,)
        if not self._codes:
            return (coded.billing_code_type,)
        system, code = coded.billing_code_type, coded.billing_code
        return (next((str(c) for c in self._codes if c.hold(system, code)), REST),)


class Everywhere:
    """Every element belongs to all groups."""

    def __init__(self, groups: Sequence[str]) -> None:
        self._groups = groups

    def groups(self, element: bytes) -> Sequence[str]:
        """All of them."""
        return self._groups


class ByProvider:
    """The group of a rate: that of the first of its providers who has one.

    Listed providers: `listed` if any provider of the rate is listed, by TIN or NPI. Buckets: that
    of the TIN of the first provider. A rate is never in two groups, and never cut.
    """

    def __init__(self, options: SplitOptions) -> None:
        self._listed = options.providers
        self._buckets = options.buckets
        self._references: References | None = None

    def know(self, references: References) -> None:
        """The references of the file, each with its label."""
        self._references = references

    def label(self, reference: bytes) -> int:
        """Of a provider reference: 0 for none, 1 for listed, or the bucket counted from 1."""
        try:
            groups = _REFERENCE.decode(reference).provider_groups
        except _FAULTS:
            return 0
        return self._of_groups(groups)

    def name(self, label: int) -> str:
        """The group of a label."""
        if not label:
            return REST
        return "listed" if self._listed else f"bucket {label} of {self._buckets}"

    def group(self, rate: bytes) -> str:
        """The group of a rate, or of an allowed amount."""
        try:
            referring = _REFERRING.decode(rate)
        except _FAULTS:
            return REST
        return self.name(next(filter(None, self._labels(referring)), 0))

    def _labels(self, rate: _Referring) -> Iterator[int]:
        known = self._references
        if known is not None and len(rate.provider_references):
            if self._listed:
                positions = known.positions(np.asarray(rate.provider_references))
                yield int(known.labels[positions].max(initial=0))
            else:
                for number in rate.provider_references:
                    at = known.first(number)
                    yield int(known.labels[at]) if at >= 0 else 0
        yield self._of_groups(rate.provider_groups)
        if rate.tin:
            npis = [npi for p in rate.payments for charge in p.providers for npi in charge.npi]
            yield self._of_groups([_Group(rate.tin, npis)])

    def _of_groups(self, groups: Sequence[_Group]) -> int:
        if not self._listed:
            return self._bucket(groups[0].tin.value) if groups else 0
        return int(any(self._is_listed(group) for group in groups))

    def _is_listed(self, group: _Group) -> bool:
        if group.tin.value.replace("-", "") in self._listed:
            return True
        return not self._listed.isdisjoint(map(str, group.npi))

    def _bucket(self, tin: str) -> int:
        digest = blake2b(tin.replace("-", "").encode(), digest_size=4).digest()
        return 1 + int.from_bytes(digest, "big") % self._buckets


def rates_of(element: bytes, section: str) -> tuple[bytes, list[bytes]] | None:
    """An element's other members and its rates; None when it cannot be taken apart in safety."""
    try:
        head, rates = taken_apart(element, section)
        return (head, rates) if _each_key_once(element, head, rates, section) else None
    except _FAULTS:
        return None


def _each_key_once(element: bytes, head: bytes, rates: list[bytes], section: str) -> bool:
    """Whether nothing got lost: of two members of one name only the last would be left."""
    try:
        keys = [key for key, _ in _members(element)]
    except BadFile:
        return False
    return len(keys) == len(set(keys))


def _members(element: bytes) -> Iterator[tuple[str, int]]:
    window = Window(iter((element,)))
    for key, at in members(window):
        window.value(len(element))
        yield key, at
