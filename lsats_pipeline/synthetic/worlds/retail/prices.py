"""Prices in whole cents, so that the rules hold at the stored precision (R5).

base x factor of the brand ─▶ MSRP, 15 % up or down ─▶ sale price: full, or 5 to 35 % less ─▶ cost,
50 to 85 % of it. Every price is drawn among the cents that the rule allows: nothing is rounded.
(domain/world_retail.md 4)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.synthetic.rules import BLOCKING, ExpectedShares, RowRule, Rows, WorldRule
from lsats_pipeline.synthetic.sampling import Floats, Ints, shuffled
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.retail.vocabulary import goods

FULL_PRICE_SHARE = 0.60
# Percent, least and most.
_MSRP, _SALE, _COST = (85, 115), (65, 95), (50, 85)
# A brand's factor is in thousandths.
_FACTOR = 1_000


class Prices(NamedTuple):
    """Cents."""

    msrp: Ints
    sale_price: Ints
    cost: Ints


def prices(block: Block, base: Ints, factor: Ints) -> Prices:
    """Prices of products with these base prices, in cents, of brands with these factors."""
    msrp = _between(block.rng("msrp"), base * factor, _MSRP, _FACTOR)
    total, seed = block.options.products, block.options.seed
    mixed = shuffled(block.rows, total, seed, block.world, block.table, "full price")
    full = mixed < round(FULL_PRICE_SHARE * total)
    sale = np.where(full, msrp, _between(block.rng("sale_price"), msrp, _SALE))
    return Prices(msrp, sale, _between(block.rng("cost"), sale, _COST))


def price_rules() -> tuple[WorldRule, ...]:
    """R5 and R6."""
    return (
        RowRule(
            "R5_msrp",
            _msrp_is_off,
            about="MSRP is within 15 % of the base price times the factor of the brand",
            weight=BLOCKING,
        ),
        RowRule(
            "R5_discount",
            lambda rows: (
                (rows["sale_price"] != rows["msrp"])
                & _outside(rows["sale_price"], rows["msrp"], _SALE)
            ),
            about="the sale price is the MSRP, or 5 to 35 % under it",
            weight=BLOCKING,
        ),
        RowRule(
            "R5_cost",
            lambda rows: (
                (rows["cost"] <= 0)
                | (rows["cost"] >= rows["sale_price"])
                | _outside(rows["cost"], rows["sale_price"], _COST)
            ),
            about="the cost is above nothing, and 50 to 85 % of the sale price",
            weight=BLOCKING,
        ),
        ExpectedShares(
            "R6_full_price",
            lambda rows: rows["sale_price"] == rows["msrp"],
            lambda _: {True: FULL_PRICE_SHARE, False: 1 - FULL_PRICE_SHARE},
            0.015,
            about="60 % of the products are sold at full price",
            weight=2,
        ),
    )


def _between(rng: np.random.Generator, of: Ints, percent: tuple[int, int], unit: int = 1) -> Ints:
    """A draw from all whole cents that are from so many to so many percent of `of` / `unit`."""
    least = -(-of * percent[0] // (100 * unit))
    most = of * percent[1] // (100 * unit)
    uniform: Floats = rng.random(len(of))
    drawn: Ints = least + (uniform * (most - least + 1)).astype(np.int64)
    return drawn


def _outside(cents: Ints, of: Ints, percent: tuple[int, int], unit: int = 1) -> NDArray[np.bool_]:
    exact = cents * 100 * unit
    outside: NDArray[np.bool_] = (exact < of * percent[0]) | (exact > of * percent[1])
    return outside


def _msrp_is_off(rows: Rows) -> Any:
    known = goods(rows.options.dictionaries)
    product = pc.index_in(rows.arrow("product_name"), value_set=known.product_name)
    brand = pc.index_in(rows.arrow("brand"), value_set=known.brand)
    # Names that are in no dictionary are found by another rule.
    found = np.asarray(pc.and_(product.is_valid(), brand.is_valid()))
    base = known.base_price[np.asarray(product.fill_null(0))]
    factor = known.price_factor[np.asarray(brand.fill_null(0))]
    return found & _outside(rows["msrp"], base * factor, _MSRP, _FACTOR)
