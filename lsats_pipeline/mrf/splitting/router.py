"""Which group an element, or a rate, belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import Protocol

import msgspec
import numpy as np
from msgspec import Struct

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.splitting.options import REST, Codes, SplitOptions
from lsats_pipeline.mrf.splitting.references import ReferenceLists
from lsats_pipeline.mrf.splitting.units import Unit, taken_apart

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
_REFERRING = msgspec.json.Decoder(list[_Referring])


class OfElements(Protocol):
    """Says to which groups a whole element belongs."""

    def groups(self, element: Unit) -> Sequence[str]:
        """Of an element, or of the other members of a large one."""


class ByCodes:
    """The first of the groups that holds an element's code; without groups, its code system."""

    def __init__(self, codes: Sequence[Codes]) -> None:
        self._codes = codes

    def groups(self, element: Unit) -> Sequence[str]:
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

    def groups(self, element: Unit) -> Sequence[str]:
        """All of them."""
        return self._groups


class ByProvider:
    """The group of a rate: that of the first of its providers who has one.

    Listed providers: `listed` if any provider of the rate is listed, by TIN or NPI. Buckets: that
    of the TIN of the first provider. A rate is never in two groups, and never cut.
    """

    def __init__(self, options: SplitOptions, known: ReferenceLists | None = None) -> None:
        self._listed = options.providers
        self._buckets = options.buckets
        self._numbers = self._label_of = np.empty(0, np.int64)
        if known is not None and len(known):
            self._numbers, first = np.unique(known.numbers[known.ranked], return_index=True)
            self._label_of = np.maximum.reduceat(known.labels[known.ranked], first)

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

    def groups(self, rates: Sequence[bytes]) -> list[str]:
        """The group of each of these rates, or allowed amounts."""
        try:
            referring = _REFERRING.decode(b"".join((b"[", b",".join(rates), b"]")))
            by_reference = self._by_reference(referring)
        except (*_FAULTS, OverflowError):
            # One that is not as it should be; alone it has no provider that could be known.
            return [REST] if len(rates) == 1 else [self.groups([rate])[0] for rate in rates]
        return [
            self.name(label or self._written_out(rate))
            for label, rate in zip(by_reference, referring, strict=True)
        ]

    def _by_reference(self, rates: Sequence[_Referring]) -> list[int]:
        """The label of the first reference of each rate that has one; 0 when none has."""
        sizes = np.fromiter((len(rate.provider_references) for rate in rates), np.int64)
        numbers = np.fromiter(chain.from_iterable(r.provider_references for r in rates), np.int64)
        found = np.zeros(len(rates), np.int64)
        if len(numbers) and len(self._numbers):
            at = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
            labels = np.where(self._numbers[at] == numbers, self._label_of[at], 0)
            having = np.flatnonzero(labels)
            rate_of = np.repeat(np.arange(len(rates)), sizes)[having]
            which, first = np.unique(rate_of, return_index=True)
            found[which] = labels[having[first]]
        labelled: list[int] = found.tolist()
        return labelled

    def _written_out(self, rate: _Referring) -> int:
        if label := self._of_groups(rate.provider_groups):
            return label
        if rate.tin is None:
            return 0
        npis = [npi for p in rate.payments for charge in p.providers for npi in charge.npi]
        return self._of_groups([_Group(rate.tin, npis)])

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
        return taken_apart(element, section)
    except (BadFile, *_FAULTS):
        return None
