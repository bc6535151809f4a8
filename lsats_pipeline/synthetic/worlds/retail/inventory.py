"""Stock of every product in every DC and store on the day `as_of` (domain/world_retail.md 4).

row number ─▶ place and product: the full cross product, place after place
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import BLOCKING, RowRule, Rows, WorldRule
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.options import DC_COVER, STORE_COVER, RetailOptions
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA, referring


@dataclass(frozen=True)
class Shelf:
    """A kind of place that holds stock.

    `kind`: what its options begin with; `cover`: stock is at least so many times the reorder point.
    """

    name: str
    kind: str
    parent: str
    count: Callable[[RetailOptions], int]
    cover: int

    @property
    def key(self) -> str:
        """The column that says which place."""
        return f"{self.kind}_id"

    def range_of(self, options: RetailOptions, what: str) -> tuple[int, int]:
        """Least and most `stock`, or `reorder` point."""
        ends = (getattr(options, f"{self.kind}_{what}_{end}") for end in ("min", "max"))
        least, most = ends
        return int(least), int(most)


DC = Shelf(
    "dc_inventory_snapshots", "dc", "distribution_centers", lambda o: o.distribution_centers,
    DC_COVER,
)  # fmt: skip
STORE = Shelf("store_inventory_snapshots", "store", "stores", lambda o: o.stores, STORE_COVER)


def snapshot_table(shelf: Shelf) -> WorldTable:
    """A snapshot of every product in every such place."""
    table = sa.Table(
        shelf.name,
        METADATA,
        referring(shelf.key, shelf.parent, primary_key=True),
        referring("product_id", "products", primary_key=True),
        sa.Column("current_quantity", sa.Integer, nullable=False),
        sa.Column("reorder_point", sa.Integer, nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("current_quantity >= 0", name="quantity"),
        sa.CheckConstraint("reorder_point > 0", name="reorder"),
    )
    return WorldTable(
        table,
        lambda options: shelf.count(options) * options.products,
        lambda block: _stock(shelf, block),
        f"stock of each product in each of the {shelf.parent.replace('_', ' ')}",
        rules=_rules(shelf),
        block=100_000,
    )


def _stock(shelf: Shelf, block: Block) -> Mapping[str, Any]:
    options, rows = block.options, block.rows
    place, product = np.divmod(rows, options.products)
    stock = shelf.range_of(options, "stock")
    quantity = _uniform(block.rng("current_quantity"), stock[0], np.full(len(rows), stock[1]))
    least, most = shelf.range_of(options, "reorder")
    highest = np.minimum(most, quantity // shelf.cover)
    return {
        shelf.key: (place + 1).astype(np.int32),
        "product_id": (product + 1).astype(np.int32),
        "current_quantity": quantity.astype(np.int32),
        "reorder_point": _uniform(block.rng("reorder_point"), least, highest).astype(np.int32),
        "last_updated": _moment(options),
    }


def _uniform(rng: np.random.Generator, least: int, most: Ints) -> Ints:
    """Whole numbers from `least` to `most`, each of them as likely."""
    drawn: Ints = least + (rng.random(len(most)) * (most - least + 1)).astype(np.int64)
    return drawn


def _moment(options: RetailOptions) -> dt.datetime:
    """When the stock was counted: as the day began, never by the clock."""
    return dt.datetime.combine(options.as_of, dt.time(), dt.UTC)


def _rules(shelf: Shelf) -> tuple[WorldRule, ...]:
    """Ranges. The cross product follows from count, key and references."""

    def outside(column: str, what: str) -> Callable[[Rows], Any]:
        def mask(rows: Rows) -> Any:
            least, most = shelf.range_of(rows.options, what)
            return (rows[column] < least) | (rows[column] > most)

        return mask

    return (
        RowRule(
            "quantity_range",
            outside("current_quantity", "stock"),
            about="quantities are in the range of the options, and not below nothing",
            weight=BLOCKING,
        ),
        RowRule(
            "reorder_range",
            outside("reorder_point", "reorder"),
            about="reorder points are in the range of the options, and above nothing",
            weight=BLOCKING,
        ),
        RowRule(
            "reorder_cover",
            lambda rows: rows["reorder_point"] * shelf.cover > rows["current_quantity"],
            about=f"the stock is at least {shelf.cover} times the reorder point",
            weight=2,
        ),
        RowRule(
            "R4_as_of",
            lambda rows: (
                rows["last_updated"]
                != np.datetime64(_moment(rows.options).replace(tzinfo=None), "us")
            ),
            about="counted on the day as_of, not by the clock",
            weight=2,
        ),
    )
