"""Decoded elements to columns, without a Python object per cell where it can be helped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.mrf import tables
from lsats_pipeline.mrf.decoding import Reject
from lsats_pipeline.mrf.elements import (
    AllowedAmount,
    InNetwork,
    OutOfNetwork,
    Payment,
    ProviderReference,
    Rate,
)

Positions = NDArray[np.int64]
_SERVICE = ("name", "billing_code_type", "billing_code_type_version", "billing_code", "description")
# Beyond this a rate in cents may not fit the sum's 64 bits.
_HUGE = 1e12


class Lineage:
    """The columns that say where rows are from."""

    def __init__(self, file: str, span: int) -> None:
        self._file = pa.array([file])
        self._span = span

    def columns(self, elements: Sequence[int] | Positions) -> list[pa.Array]:
        """For rows of the elements with these numbers."""
        size = len(elements)
        file = pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), self._file)
        return [file, np.full(size, self._span, np.int32), np.asarray(elements, np.int64)]


def in_network(elements: list[InNetwork], numbers: list[int], lineage: Lineage) -> pa.Table:
    """A row for every negotiated price."""
    rates = [rate for element in elements for rate in element.negotiated_rates]
    prices = [price for rate in rates for price in rate.negotiated_prices]
    element_of_rate = _parents(len(e.negotiated_rates) for e in elements)
    rate_of = _parents(len(r.negotiated_prices) for r in rates)
    element_of = element_of_rate[rate_of]
    spread = _spreader(elements, element_of)
    within = np.arange(len(rates)) - _firsts(element_of_rate)
    return pa.Table.from_arrays(
        [
            *lineage.columns(np.asarray(numbers, np.int64)[element_of]),
            spread("negotiation_arrangement"),
            *map(spread, _SERVICE),
            spread("severity_of_illness"),
            _codes(elements, "bundled_codes", element_of),
            _codes(elements, "covered_services", element_of),
            within[rate_of],
            _references(rates).take(pa.array(rate_of)),
            _words(prices, "negotiated_type"),
            np.fromiter((p.negotiated_rate for p in prices), np.float64, len(prices)),
            _words(prices, "expiration_date"),
            _words(prices, "billing_class"),
            _words(prices, "setting"),
            _few_lists(prices, "service_code"),
            _few_lists(prices, "billing_code_modifier"),
            _words(prices, "additional_information"),
        ],
        schema=tables.IN_NETWORK,
    )


def written_out(
    elements: list[InNetwork], numbers: list[int], known: set[int]
) -> tuple[list[ProviderReference], list[int]]:
    """The provider groups that rates write out and are not yet known, with a number each."""
    references, origins = [], []
    for element, number in zip(elements, numbers, strict=True):
        for rate in element.negotiated_rates:
            if rate.provider_groups is not None and (key := inline_id(rate)) not in known:
                known.add(key)
                references.append(ProviderReference(key, rate.provider_groups))
                origins.append(number)
    return references, origins


def provider_references(
    references: list[ProviderReference], numbers: list[int], lineage: Lineage, *, inline: bool
) -> pa.Table:
    """A row for every provider group; one without groups (a location) has a row too."""
    groups = [group for r in references for group in r.provider_groups or (None,)]
    parent = _parents(len(r.provider_groups or (None,)) for r in references)
    tins = [group.tin if group else None for group in groups]
    return pa.Table.from_arrays(
        [
            *lineage.columns(np.asarray(numbers, np.int64)[parent]),
            np.asarray([r.provider_group_id for r in references], np.int64)[parent],
            pa.array(np.full(len(parent), inline)),
            pa.array([r.network_name for r in references], tables.WORDS).take(pa.array(parent)),
            pa.array([r.location for r in references], pa.string()).take(pa.array(parent)),
            _numbers([group.npi if group else None for group in groups]),
            _dictionary([tin.type if tin else None for tin in tins]),
            pa.array([tin.value if tin else None for tin in tins], pa.string()),
            pa.array([tin.business_name if tin else None for tin in tins], pa.string()),
        ],
        schema=tables.PROVIDER_REFERENCES,
    )


def allowed_amounts(elements: list[OutOfNetwork], numbers: list[int], lineage: Lineage) -> pa.Table:
    """A row for every payment."""
    amounts = [amount for element in elements for amount in element.allowed_amounts]
    payments = [payment for amount in amounts for payment in amount.payments]
    amount_of = _parents(len(a.payments) for a in amounts)
    element_of = _parents(len(e.allowed_amounts) for e in elements)[amount_of]
    of_element, of_amount = _spreader(elements, element_of), _spreader(amounts, amount_of)
    at = pa.array(amount_of)
    charges = [
        [{"billed_charge": c.billed_charge, "npi": c.npi} for c in p.providers] for p in payments
    ]
    return pa.Table.from_arrays(
        [
            *lineage.columns(np.asarray(numbers, np.int64)[element_of]),
            *map(of_element, _SERVICE),
            of_amount("tin.type"),
            pa.array([a.tin.value for a in amounts], pa.string()).take(at),
            pa.array([a.tin.business_name for a in amounts], pa.string()).take(at),
            _few_lists(amounts, "service_code").take(at),
            of_amount("billing_class"),
            np.fromiter((p.allowed_amount for p in payments), np.float64, len(payments)),
            _modifiers(amounts, payments, at),
            pa.array(charges, tables.CHARGES),
        ],
        schema=tables.ALLOWED_AMOUNTS,
    )


def _modifiers(amounts: list[AllowedAmount], payments: list[Payment], at: pa.Array) -> pa.Array:
    """Those of the payment, else those said of all payments to the TIN."""
    own = _few_lists(payments, "billing_code_modifier")
    return pc.coalesce(own, _few_lists(amounts, "billing_code_modifier").take(at))


def rejects(found: list[Reject], lineage: Lineage) -> pa.Table:
    """A row for everything that is in no other table."""
    return pa.Table.from_arrays(
        [
            *lineage.columns([r.element for r in found]),
            _dictionary([r.section for r in found]),
            pa.array([r.path for r in found], pa.string()),
            _dictionary([r.level for r in found]),
            pa.array([r.reason for r in found], pa.string()),
            pa.array([r.offset for r in found], pa.int64()),
            pa.array([r.length for r in found], pa.int64()),
            pa.array([r.text for r in found], pa.string()),
        ],
        schema=tables.REJECTS,
    )


def cents(amounts: pa.ChunkedArray) -> int:
    """The sum in hundredths, each amount rounded by itself; exact however many there are."""
    values = np.asarray(amounts, np.float64)
    if values.size and np.abs(values).max() > _HUGE:
        return sum(round(value * 100) for value in values.tolist())
    return int(np.rint(values * 100).astype(np.int64).sum())


def inline_id(rate: Rate) -> int:
    """The number of provider groups that a rate writes out: the same for the same; negative."""
    digest = blake2b(msgspec.json.encode(rate.provider_groups), digest_size=8).digest()
    return -1 - (int.from_bytes(digest, "big") >> 1)


def _references(rates: list[Rate]) -> pa.Array:
    """What each rate refers to; groups written out are referred to by the number made for them."""
    if [rate.provider_groups for rate in rates].count(None) == len(rates):
        return _numbers([rate.provider_references for rate in rates])
    return _numbers(
        [
            rate.provider_references
            if rate.provider_groups is None
            else [*(rate.provider_references or ()), inline_id(rate)]
            for rate in rates
        ]
    )


def _parents(counts: Iterable[int]) -> Positions:
    """For each child the position of its parent."""
    sizes = np.fromiter(counts, np.int64)
    return np.repeat(np.arange(len(sizes)), sizes)


def _firsts(parents: Positions) -> Positions:
    """For each child the position of its parent's first one."""
    return np.searchsorted(parents, parents)


def _spreader(things: Sequence[Any], parents: Positions) -> Callable[[str], pa.Array]:
    """Gives the values of a member for every child."""
    at = pa.array(parents)
    return lambda name: _words(things, name).take(at)


def _words(things: Sequence[Any], name: str) -> pa.Array:
    return _dictionary(list(map(attrgetter(name), things)))


def _dictionary(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode()


def _numbers(lists: list[list[int] | None]) -> pa.Array:
    """Lists of numbers, made from one flat array."""
    sizes = np.fromiter((len(found) if found else 0 for found in lists), np.int64, len(lists))
    flat = np.fromiter(chain.from_iterable(filter(None, lists)), np.int64, int(sizes.sum()))
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    missing = pa.array(np.fromiter((found is None for found in lists), bool, len(lists)))
    return pa.ListArray.from_arrays(ends, flat, mask=missing)


def _few_lists(things: Sequence[Any], name: str) -> pa.Array:
    """Lists of words, of which there are few different ones."""
    known: dict[tuple[str, ...] | None, int] = {}
    at = [known.setdefault(value, len(known)) for value in map(attrgetter(name), things)]
    return pa.array(list(known), tables.WORDS).take(pa.array(at, pa.int64()))


def _codes(elements: list[InNetwork], name: str, parents: Positions) -> pa.Array:
    values = [getattr(element, name) for element in elements]
    if values.count(None) == len(values):
        return pa.nulls(len(parents), tables.CODES)
    plain = [None if codes is None else msgspec.to_builtins(codes) for codes in values]
    return pa.array(plain, tables.CODES).take(pa.array(parents))
