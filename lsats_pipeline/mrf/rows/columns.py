"""Elements to the columns of the tables, array by array: no Python object for a price."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.mrf.rows import tables
from lsats_pipeline.mrf.rows.decoding import RowReject

Positions = NDArray[np.int64]
_SERVICE = ("name", "billing_code_type", "billing_code_type_version", "billing_code", "description")
# Beyond this a rate in cents may not fit the sum's 64 bits.
_HUGE = 1e12


class Lineage:
    """The columns that say where rows are from."""

    def __init__(self, file: str, span: int) -> None:
        self._file = pa.array([file])
        self._span = span

    def columns(self, elements: Positions) -> list[pa.Array]:
        """For rows of the elements with these numbers."""
        size = len(elements)
        file = pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), self._file)
        return [file, np.full(size, self._span, np.int32), np.asarray(elements, np.int64)]


def in_network(
    elements: pa.StructArray,
    numbers: Positions,
    lineage: Lineage,
    inline: Positions | None,
    rate_numbers: Positions | None = None,
) -> pa.Table:
    """A row for every negotiated price.

    `inline`: the `inline_ids` of the rates. `rate_numbers`: those of the rates in their elements,
    if they do not begin with 0 in each.
    """
    rates, of_element = _inside(elements, "negotiated_rates")
    prices, of_rate = _inside(rates, "negotiated_prices")
    if rate_numbers is None:
        rate_numbers = np.arange(len(rates)) - _firsts(of_element)
    element_of = of_element[of_rate]
    at, at_rate = pa.array(element_of), pa.array(of_rate)
    return pa.Table.from_arrays(
        [
            *lineage.columns(numbers[element_of]),
            _words(elements, "negotiation_arrangement").take(at),
            *(_words(elements, name).take(at) for name in _SERVICE),
            _words(elements, "severity_of_illness").take(at),
            _codes(elements, "bundled_codes", at),
            _codes(elements, "covered_services", at),
            rate_numbers[of_rate],
            _references(rates, inline).take(at_rate),
            _words(prices, "negotiated_type"),
            prices.field("negotiated_rate"),
            _words(prices, "expiration_date"),
            _words(prices, "billing_class"),
            _words(prices, "setting"),
            _word_lists(prices, "service_code"),
            _word_lists(prices, "billing_code_modifier"),
            _words(prices, "additional_information"),
        ],
        schema=tables.IN_NETWORK,
    )


def around(values: pa.StructArray, name: str, element: pa.StructArray) -> pa.StructArray:
    """One element with these values in a list of it, which was empty."""
    ends = np.array([0, len(values)], np.int32)
    inside = pa.ListArray.from_arrays(ends, values)
    members = [inside if f.name == name else element.field(f.name) for f in element.type]
    return pa.StructArray.from_arrays(members, [f.name for f in element.type])


def inline_ids(elements: pa.StructArray) -> Positions | None:
    """The numbers made for the provider groups that rates write out: by content, negative.

    For those rates in order that do; None without any.
    """
    sets = elements.field("negotiated_rates").flatten().field("provider_groups")
    return None if sets.null_count == len(sets) else _ids(sets.drop_null())


def written_out(
    elements: pa.StructArray, numbers: Positions, lineage: Lineage, inline: Positions
) -> pa.Table:
    """The provider groups that rates write out, each different set once."""
    rates, of_element = _inside(elements, "negotiated_rates")
    sets = rates.field("provider_groups")
    ids, first = np.unique(inline, return_index=True)
    order = np.argsort(first)
    chosen = np.flatnonzero(_there(sets))[first[order]]
    size = len(chosen)
    references = pa.StructArray.from_arrays(
        [
            pa.array(ids[order]),
            sets.take(pa.array(chosen)),
            pa.nulls(size, pa.list_(pa.string())),
            pa.nulls(size, pa.string()),
        ],
        ["provider_group_id", "provider_groups", "network_name", "location"],
    )
    return provider_references(references, numbers[of_element[chosen]], lineage, inline=True)


def provider_references(
    references: pa.StructArray, numbers: Positions, lineage: Lineage, *, inline: bool
) -> pa.Table:
    """A row for every provider group; one without groups (a location) has a row too."""
    lists = references.field("provider_groups")
    sizes = _sizes(lists)
    parent = np.repeat(np.arange(len(lists)), np.maximum(sizes, 1))
    groups = lists.values.take(_or_none(lists, sizes))
    tins = groups.field("tin")
    at = pa.array(parent)
    there = groups.is_valid()
    return pa.Table.from_arrays(
        [
            *lineage.columns(numbers[parent]),
            references.field("provider_group_id").take(at),
            pa.array(np.full(len(parent), inline)),
            _word_lists(references, "network_name").take(at),
            references.field("location").take(at),
            _numbers(groups.field("npi"), there),
            _words(tins, "type"),
            tins.field("value"),
            tins.field("business_name"),
        ],
        schema=tables.PROVIDER_REFERENCES,
    )


def allowed_amounts(elements: pa.StructArray, numbers: Positions, lineage: Lineage) -> pa.Table:
    """A row for every payment."""
    amounts, of_element = _inside(elements, "allowed_amounts")
    payments, of_amount = _inside(amounts, "payments")
    element_of, tins = of_element[of_amount], amounts.field("tin")
    at, at_amount = pa.array(element_of), pa.array(of_amount)
    return pa.Table.from_arrays(
        [
            *lineage.columns(numbers[element_of]),
            *(_words(elements, name).take(at) for name in _SERVICE),
            _words(tins, "type").take(at_amount),
            tins.field("value").take(at_amount),
            tins.field("business_name").take(at_amount),
            _word_lists(amounts, "service_code").take(at_amount),
            _words(amounts, "billing_class").take(at_amount),
            payments.field("allowed_amount"),
            _modifiers(amounts, payments, at_amount),
            payments.field("providers").cast(tables.CHARGES),
        ],
        schema=tables.ALLOWED_AMOUNTS,
    )


def _modifiers(amounts: pa.StructArray, payments: pa.StructArray, at: pa.Array) -> pa.Array:
    """Those of the payment, else those said of all payments to the TIN."""
    own, of_all = (things.field("billing_code_modifier") for things in (payments, amounts))
    return _listed(pc.coalesce(own, of_all.take(at)))


def rejects(found: list[RowReject], lineage: Lineage) -> pa.Table:
    """A row for everything that is in no other table."""
    return pa.Table.from_arrays(
        [
            *lineage.columns(np.array([r.element for r in found], np.int64)),
            pa.array([r.section for r in found], tables.WORD),
            pa.array([r.path for r in found], pa.string()),
            pa.array([r.level for r in found], tables.WORD),
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


def _ids(sets: pa.ListArray) -> Positions:
    groups, sizes = sets.values, _sizes(sets)
    npis, tins = groups.field("npi"), groups.field("tin")
    texts = [_Bytes(tins.field(name)) for name in ("type", "value", "business_name")]
    numbers = memoryview(npis.values.to_numpy()).cast("B")
    counts = memoryview(_sizes(npis).tobytes())
    starts = np.asarray(npis.offsets, np.int64)
    ends = np.cumsum(sizes)
    ids = np.empty(len(sets), np.int64)
    for at, (begin, end) in enumerate(zip((ends - sizes).tolist(), ends.tolist(), strict=True)):
        digest = blake2b(counts[8 * begin : 8 * end], digest_size=8)
        digest.update(numbers[8 * starts[begin] : 8 * starts[end]])
        for text in texts:
            text.feed(digest, begin, end)
        ids[at] = -1 - (int.from_bytes(digest.digest(), "big") >> 1)
    return ids


class _Bytes:
    """Texts as bytes that differ for any different texts, nulls among them."""

    def __init__(self, texts: pa.StringArray) -> None:
        _, ends, data = texts.buffers()
        self._data = memoryview(data) if data is not None else memoryview(b"")
        size = len(texts) + 1
        offsets = np.frombuffer(ends, np.int32, size, 4 * texts.offset).astype(np.int64)
        self._offsets = offsets.tolist()
        self._lengths = memoryview(np.where(_there(texts), np.diff(offsets), -1).tobytes())

    def feed(self, digest: blake2b, begin: int, end: int) -> None:
        """Add the texts from one position to another."""
        digest.update(self._lengths[8 * begin : 8 * end])
        digest.update(self._data[self._offsets[begin] : self._offsets[end]])


def _references(rates: pa.StructArray, ids: Positions | None) -> pa.Array:
    """What each rate refers to; groups written out are referred to by the number made for them."""
    refs, sets = rates.field("provider_references"), rates.field("provider_groups")
    there = _there(refs)
    if ids is None:
        return _numbers(refs, pa.array(there))
    inline = _there(sets)
    sizes = _sizes(refs)
    ends = np.cumsum(sizes + inline)
    flat = np.empty(int(ends[-1]), np.int64)
    own = np.ones(len(flat), bool)
    own[ends[inline] - 1] = False
    flat[own] = refs.flatten().to_numpy()
    flat[~own] = ids
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(~(there | inline)))


def _inside(things: pa.StructArray, name: str) -> tuple[pa.StructArray, Positions]:
    """What is in the lists of a member, and for each the position of its parent."""
    lists = things.field(name)
    return lists.flatten(), np.repeat(np.arange(len(lists)), _sizes(lists))


def _sizes(lists: pa.ListArray) -> Positions:
    """How many there are in each; 0 where there is no list."""
    sizes: Positions = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    return sizes


def _or_none(lists: pa.ListArray, sizes: Positions) -> pa.Array:
    """The positions of the values of all lists in their flat array; null for an empty one."""
    shown = np.maximum(sizes, 1)
    ends = np.cumsum(shown)
    starts = np.asarray(lists.offsets, np.int64)[:-1]
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - shown, shown)
    return pa.array(np.repeat(starts, shown) + within, mask=np.repeat(sizes == 0, shown))


def _firsts(parents: Positions) -> Positions:
    """For each child the position of its parent's first one."""
    return np.searchsorted(parents, parents)


def _there(array: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return found


def _words(things: pa.StructArray, name: str) -> pa.DictionaryArray:
    words = things.field(name)
    return _in_order(words) if pa.types.is_dictionary(words.type) else words.dictionary_encode()


def _in_order(words: pa.DictionaryArray) -> pa.DictionaryArray:
    """With the words that there are, as they come: whatever was read before makes no difference."""
    used = words.indices.unique().drop_null()
    becomes = np.zeros(len(words.dictionary), np.int32)
    becomes[used] = np.arange(len(used))
    return pa.DictionaryArray.from_arrays(
        pa.array(becomes).take(words.indices), words.dictionary.take(used)
    )


def _word_lists(things: pa.StructArray, name: str) -> pa.ListArray:
    return _listed(things.field(name))


def _listed(lists: pa.ListArray) -> pa.ListArray:
    mask = lists.is_null() if lists.null_count else None
    return pa.ListArray.from_arrays(lists.offsets, lists.values, mask=mask)


def _numbers(lists: pa.ListArray, there: pa.BooleanArray) -> pa.ListArray:
    mask = None if there.false_count == 0 else pc.invert(there)
    return pa.ListArray.from_arrays(lists.offsets, lists.values, mask=mask)


def _codes(elements: pa.StructArray, name: str, at: pa.Array) -> pa.Array:
    codes = elements.field(name)
    if codes.null_count == len(codes):
        return pa.nulls(len(at), tables.CODES)
    return codes.cast(tables.CODES).take(at)
