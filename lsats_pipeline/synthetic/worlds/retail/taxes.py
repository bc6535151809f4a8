"""The tax rate of a place, and how a class of goods is taxed (domain/world_retail.md 2 and 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts
from lsats_pipeline.synthetic.sampling import Ints, shuffled
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.placement import placement
from lsats_pipeline.synthetic.worlds.retail.vocabulary import goods, places, tax_rates

# Units of the fifth decimal: where neither the city nor its state has a rate.
DEFAULT_RATE = 7_407
TAXABILITIES = ("TAXABLE", "NON_TAXABLE", "REDUCED_RATE")
REDUCED_SHARE = 0.10
_OF_GOODS = {"food": "NON_TAXABLE", "clothing": "REDUCED_RATE"}


def rates(options: RetailOptions) -> Ints:
    """The rate of each geography: of its city, or the mean of its state, or the default."""
    known, at = places(options.dictionaries, options.geographies), placement(options).place
    cities, states = _rates(options.dictionaries)
    where = zip(known.state.take(at).to_pylist(), known.city.take(at).to_pylist(), strict=True)
    return np.array(
        [cities.get((state, city), states.get(state, DEFAULT_RATE)) for state, city in where],
        dtype=np.int64,
    )


def taxabilities(options: RetailOptions) -> list[str]:
    """How each category of goods is taxed.

    Food is not, clothing less; so is every tenth of the other categories, which the seed chooses.
    """
    kinds = goods(options.dictionaries).group_goods
    others = [at for at, kind in enumerate(kinds) if kind not in _OF_GOODS]
    mixed = shuffled(np.arange(len(others)), len(others), options.seed, "retail", "taxability")
    reduced = {others[i] for i in np.flatnonzero(mixed < _reduced(len(others)))}
    return [
        _OF_GOODS.get(kind, "REDUCED_RATE" if at in reduced else "TAXABLE")
        for at, kind in enumerate(kinds)
    ]


@lru_cache
def _rates(folder: Path | None) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    rows = tax_rates(folder)
    of_state = defaultdict[str, list[int]](list)
    for state, _, rate in rows:
        of_state[state].append(rate)
    means = {state: round(sum(found) / len(found)) for state, found in of_state.items()}
    return {(state, city): rate for state, city, rate in rows}, means


def _reduced(others: int) -> int:
    """A tenth of so many categories, half a one rounded up."""
    return int(REDUCED_SHARE * others + 0.5)


TAX_OF_PLACE = AcrossTables(
    "tax_of_place",
    {"geographies": ("id", "city", "state"), "stores": ("id", "geography_id", "tax_rate")},
    lambda tables, options: _taxed_elsewhere(tables, options),
    about="the tax rate is that of the city, or the mean of the state, or 0.07407",
    weight=2,
)
TAXABILITY_OF_GOODS = RowRule(
    "taxability_of_goods",
    lambda rows: _taxed_otherwise(rows),
    about="food is not taxed, clothing at a reduced rate, the rest in one of the known ways",
    weight=2,
)
TAXABILITY_OF_CATEGORY = AcrossTables(
    "taxability_of_category",
    {"products": ("department", "category", "taxability")},
    lambda tables, options: _taxed_in_two_ways(tables, options),
    about="a category is taxed in one way; a tenth of all but food and clothing at a reduced rate",
    weight=2,
)


def _taxed_elsewhere(tables: Mapping[str, pa.Table], options: RetailOptions) -> RuleCounts:
    place = {row["id"]: row for row in tables["geographies"].to_pylist()}
    stores = tables["stores"].to_pylist()
    wrong = [
        f"id {store['id']} in {where['city']}, {where['state']}: {store['tax_rate']}"
        for store in stores
        if (where := place.get(store["geography_id"]))
        and store["tax_rate"] is not None
        and not _is_rate(store["tax_rate"], where, options)
    ]
    return RuleCounts(len(stores), len(wrong), wrong[:5])


def _is_rate(rate: Any, where: Mapping[str, str], options: RetailOptions) -> bool:
    """Whether a stored rate is one that the dictionary gives, worked out from its lines."""
    lines = [row for row in tax_rates(options.dictionaries) if row[0] == where["state"]]
    found = [row[2] for row in lines if row[1] == where["city"]] or [row[2] for row in lines]
    exact = sum(found) / len(found) if found else DEFAULT_RATE
    return abs(int(rate.scaleb(5)) - exact) <= 0.5


def _kind_of(rows: Rows) -> Any:
    known = goods(rows.options.dictionaries)
    kinds = dict(zip(known.group_names, known.group_goods, strict=True))
    keys = zip(rows["department"].tolist(), rows["category"].tolist(), strict=True)
    return np.array([kinds.get(key, "") for key in keys])


def _taxed_otherwise(rows: Rows) -> Any:
    kind, taxed = _kind_of(rows), np.asarray(rows["taxability"], dtype=str)
    masks = [(kind == of) & (taxed != wanted) for of, wanted in _OF_GOODS.items()]
    return np.logical_or.reduce([*masks, (kind == "other") & ~np.isin(taxed, TAXABILITIES[::2])])


def _taxed_in_two_ways(tables: Mapping[str, pa.Table], options: RetailOptions) -> RuleCounts:
    ways = defaultdict[tuple[str, str], set[str]](set)
    columns = ["department", "category", "taxability"]
    for row in tables["products"].group_by(columns).aggregate([]).to_pylist():
        ways[row["department"], row["category"]].add(row["taxability"])
    known = goods(options.dictionaries)
    others = [n for n, k in zip(known.group_names, known.group_goods, strict=True) if k == "other"]
    mixed = [f"{key[0]} / {key[1]}" for key, found in ways.items() if len(found) > 1]
    reduced = sum(ways[key] == {"REDUCED_RATE"} for key in others if key in ways)
    wanted, unseen = _reduced(len(others)), sum(key not in ways for key in others)
    off = max(0, reduced - wanted, wanted - unseen - reduced)
    detail = f"{wanted} of {len(others)} categories wanted at a reduced rate, {reduced} found"
    return RuleCounts(len(ways), len(mixed) + off, mixed[:5], detail)
