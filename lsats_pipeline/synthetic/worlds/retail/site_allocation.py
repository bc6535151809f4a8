"""Rules: everything is where the weights of the dictionary put it (domain/world_retail.md 10, R11).

Worked out from the stored rows and the dictionary; how the generator places things is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import BLOCKING, AcrossTables, RuleCounts
from lsats_pipeline.synthetic.sampling import Floats, Ints
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.store_profiles import AREAS, REGIONS
from lsats_pipeline.synthetic.worlds.retail.vocabulary import places

Tables = Mapping[str, pa.Table]
_PLACE = ("id", "state", "zip_code")

CUSTOMERS_BY_WEIGHT = AcrossTables(
    "R11_placement",
    {"geographies": _PLACE, "customers": ("geography_id",)},
    lambda tables, options: _customers(tables, options),
    about="each geography has its share of the customers, to less than one customer",
    weight=2,
)
STORES_BY_WEIGHT = AcrossTables(
    "R11_placement",
    {
        "geographies": _PLACE,
        "distribution_centers": ("geography_id",),
        "stores": ("geography_id",),
    },
    lambda tables, options: _stores(tables, options),
    about="one store in each of the heaviest places with a DC in the state, the rest by weight",
    weight=2,
)
STORES_NEAR_DCS = AcrossTables(
    "state_has_dc",
    {
        "geographies": _PLACE,
        "distribution_centers": ("geography_id",),
        "stores": ("id", "geography_id"),
    },
    lambda tables, options: _far(tables),
    about="every store is in a state with a DC",
    weight=BLOCKING,
)
DCS_IN_HEAVIEST = AcrossTables(
    "R11_placement",
    {"geographies": _PLACE, "distribution_centers": ("geography_id",)},
    lambda tables, options: _centers(tables, options),
    about="DCs are in the heaviest places, no two in one while there are others",
    weight=2,
)
AREA_OF_REGION = AcrossTables(
    "area_of_region",
    {"geographies": ("id", "region"), "stores": ("geography_id", "area_type")},
    lambda tables, options: _areas(tables),
    about="stores are urban, suburban and rural with the shares of their region",
)


def _customers(tables: Tables, options: RetailOptions) -> RuleCounts:
    place = _places(tables)
    weights = _weights(place, options)
    counts = _counts(tables["customers"]["geography_id"], place["id"])
    return _compared(place, counts, counts.sum() * _shares(weights))


def _stores(tables: Tables, options: RetailOptions) -> RuleCounts:
    place = _places(tables)
    weights = np.where(_served(tables), _weights(place, options), 0.0)
    counts = _counts(tables["stores"]["geography_id"], place["id"])
    total, served = int(counts.sum()), np.flatnonzero(weights)
    expected = np.zeros(len(weights))
    expected[served[np.argsort(-weights[served], kind="stable")[:total]]] = 1.0
    left = total - expected.sum()
    return _compared(place, counts, expected + left * _shares(weights))


def _compared(place: pa.Table, counts: Ints, expected: Floats) -> RuleCounts:
    """Counts that are a whole one away from what is expected, with how far shares are off."""
    # Not to the last bit: a share is a quotient of binary fractions.
    off = np.abs(counts - expected) > 1 - 1e-9
    distance = np.abs(counts - expected).sum() / 2 / max(1, counts.sum())
    most = int(np.argmax(np.abs(counts - expected)))
    detail = (
        f"total variation difference {distance:.6f}; largest: geography "
        f"{place['id'][most].as_py()}, {expected[most]:,.2f} wanted, {counts[most]:,} found"
    )
    examples = [f"geography {place['id'][int(i)].as_py()}" for i in np.flatnonzero(off)[:5]]
    return RuleCounts(len(counts), int(off.sum()), examples, detail)


def _centers(tables: Tables, options: RetailOptions) -> RuleCounts:
    place = _places(tables)
    counts = _counts(tables["distribution_centers"]["geography_id"], place["id"])
    rounds, more = divmod(int(counts.sum()), len(counts))
    weights = _weights(place, options)
    heaviest = np.argsort(-weights, kind="stable")
    # Places of equal weight may stand for each other.
    wanted = np.full(len(counts), rounds)
    wanted[heaviest[:more]] += 1
    wrong = np.sort(weights.repeat(counts)) != np.sort(weights.repeat(wanted))
    return RuleCounts(int(counts.sum()), int(wrong.sum()))


def _far(tables: Tables) -> RuleCounts:
    stores, place = tables["stores"], _places(tables)
    served = place["id"].filter(pa.array(_served(tables)))
    known = pc.is_in(stores["geography_id"], value_set=place["id"].combine_chunks())
    far = pc.and_(
        known, pc.invert(pc.is_in(stores["geography_id"], value_set=served.combine_chunks()))
    )
    lost = stores.filter(far)
    examples = [f"id {id}" for id in lost["id"].slice(0, 5).to_pylist()]
    return RuleCounts(stores.num_rows, lost.num_rows, examples)


def _areas(tables: Tables) -> RuleCounts:
    """Shares of areas are exact to one store in each of the three kinds of region."""
    region = dict(
        zip(*(tables["geographies"][n].to_pylist() for n in ("id", "region")), strict=True)
    )
    stores = tables["stores"]
    found: dict[str, list[str]] = {kind: [] for kind in AREAS}
    for at, area in zip(*(stores[n].to_pylist() for n in stores.column_names), strict=True):
        if at in region:
            found[REGIONS.get(region[at], "open")].append(area)
    examples = [
        f"{kind} regions: {len(areas) * share:.1f} {area} wanted, {areas.count(area)} found"
        for kind, areas in found.items()
        for area, share in AREAS[kind].items()
        if abs(areas.count(area) - len(areas) * share) >= 1
    ]
    return RuleCounts(sum(len(shares) for shares in AREAS.values()), len(examples), examples)


def _served(tables: Tables) -> Any:
    """Which geographies are in a state with a DC."""
    place = _places(tables)
    with_dc = pc.is_in(
        place["id"], value_set=tables["distribution_centers"]["geography_id"].combine_chunks()
    )
    states = place["state"].filter(with_dc).combine_chunks()
    return np.asarray(pc.is_in(place["state"], value_set=states))


def _places(tables: Tables) -> pa.Table:
    """Geographies in the order of their ids, from wherever they were read."""
    return tables["geographies"].sort_by("id")


def _shares(weights: Floats) -> Floats:
    return weights / (weights.sum() or 1.0)


def _weights(place: pa.Table, options: RetailOptions) -> Floats:
    known = places(options.dictionaries, options.geographies)
    at = pc.index_in(place["zip_code"], value_set=known.zip_code)
    # A place that is in no dictionary is found by another rule; it weighs nothing.
    found: Floats = np.append(known.weight, 0.0)[np.asarray(at.fill_null(len(known)))]
    return found


def _counts(used: pa.ChunkedArray, ids: pa.ChunkedArray) -> Ints:
    """How often each id is used, in the order of the ids; unknown ones break a foreign key."""
    at = pc.index_in(used, value_set=ids.combine_chunks()).drop_null()
    return np.bincount(np.asarray(at), minlength=len(ids)).astype(np.int64)
