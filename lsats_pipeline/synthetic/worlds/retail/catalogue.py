"""Which brand sells which product: pairs without repetition while there are any (R12).

A product of a category is sold by the brands of its brand category; all such pairs are numbered,
category after category, and drawn by a permutation of the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import AcrossTables, RuleCounts
from lsats_pipeline.synthetic.sampling import Ints, shuffled
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.vocabulary import BRAND_CATEGORIES, goods


class Pairs(NamedTuple):
    """Positions of products and of the brands that sell them."""

    product: Ints
    brand: Ints


@dataclass(frozen=True)
class Numbering:
    """For each brand category: its products, its brands, and where its pairs end."""

    products: tuple[Ints, ...]
    brands: tuple[Ints, ...]
    ends: Ints

    @property
    def total(self) -> int:
        """Pairs in all."""
        return int(self.ends[-1])


@lru_cache
def numbering(folder: Path | None) -> Numbering:
    """All pairs of the dictionaries, numbered."""
    known = goods(folder)
    sold_by = np.array(known.group_brand_category)[known.product_group]
    made_by = np.array(known.brand_category)
    products = tuple(np.flatnonzero(sold_by == name) for name in BRAND_CATEGORIES)
    brands = tuple(np.flatnonzero(made_by == name) for name in BRAND_CATEGORIES)
    sizes = [len(p) * len(b) for p, b in zip(products, brands, strict=True)]
    return Numbering(products, brands, np.cumsum(sizes))


def drawn(options: RetailOptions, rows: Ints) -> Pairs:
    """The pair of each row. After the last pair they start again from the first."""
    pairs = numbering(options.dictionaries)
    number = shuffled(rows % pairs.total, pairs.total, options.seed, "retail", "products", "pairs")
    group = np.searchsorted(pairs.ends, number, side="right")
    product, brand = np.empty_like(number), np.empty_like(number)
    for at, (products, brands) in enumerate(zip(pairs.products, pairs.brands, strict=True)):
        mine = group == at
        inside = number[mine] - (pairs.ends[at] - len(products) * len(brands))
        if mine.any():
            product[mine] = products[inside // len(brands)]
            brand[mine] = brands[inside % len(brands)]
    return Pairs(product, brand)


PAIRS_UNIQUE = AcrossTables(
    "R12_pairs_unique",
    {"products": ("product_name", "brand")},
    lambda tables, options: _repeated(tables, options),
    about="no product of a brand occurs twice while there are pairs left",
    weight=2,
)


def _repeated(tables: Mapping[str, pa.Table], options: RetailOptions) -> RuleCounts:
    rows = tables["products"]
    counted = rows.group_by(["product_name", "brand"]).aggregate([([], "count_all")])
    pairs, repeats = _pairs_of(options.dictionaries), rows.num_rows - counted.num_rows
    allowed = max(0, rows.num_rows - pairs)
    twice = counted.filter(pc.greater(counted["count_all"], 1)).slice(0, 5).to_pylist()
    return RuleCounts(
        rows.num_rows,
        max(0, repeats - allowed),
        [f"{row['product_name']} of {row['brand']}" for row in twice] if repeats > allowed else [],
        f"{pairs:,} pairs, {counted.num_rows:,} used, {repeats:,} rows repeat one",
    )


@lru_cache
def _pairs_of(folder: Path | None) -> int:
    """Counted from the dictionaries anew, so that the rule does not trust the numbering."""
    known = goods(folder)
    sold = [known.group_brand_category[group] for group in known.product_group.tolist()]
    return sum(known.brand_category.count(name) for name in sold)
