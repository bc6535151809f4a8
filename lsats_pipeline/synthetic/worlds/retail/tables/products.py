"""A product of the dictionary from a brand, with its prices (domain/world_retail.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule, Rows
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.catalogue import PAIRS_UNIQUE, drawn
from lsats_pipeline.synthetic.worlds.retail.launches import launch_days, launch_rule
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.prices import price_rules, prices
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA
from lsats_pipeline.synthetic.worlds.retail.shared_rules import numbered, unlike, within
from lsats_pipeline.synthetic.worlds.retail.taxes import (
    TAXABILITIES,
    TAXABILITY_OF_CATEGORY,
    TAXABILITY_OF_GOODS,
    taxabilities,
)
from lsats_pipeline.synthetic.worlds.retail.vocabulary import REFRIGERATED, blocked, goods

_OF_PRODUCT = ("product_name", "department", "category", "subcategory", "tags")
_COLD = pa.array(REFRIGERATED)


def _generate(block: Block) -> Mapping[str, Any]:
    known, pairs = goods(block.options.dictionaries), drawn(block.options, block.rows)
    product, brand = pa.array(pairs.product), pa.array(pairs.brand)
    group = pa.array(known.product_group[pairs.product])
    price = prices(block, known.base_price[pairs.product], known.price_factor[pairs.brand])
    of_product = {name: getattr(known, name).take(product) for name in _OF_PRODUCT}
    return {
        "id": block.rows + 1,
        **of_product,
        "brand": known.brand.take(brand),
        "company": known.company.take(brand),
        **price._asdict(),
        "requires_refrigeration": pc.is_in(of_product["category"], value_set=_COLD),
        "launch_date": launch_days(block),
        "taxability": pa.array(taxabilities(block.options)).take(group),
    }


def _known_products(options: RetailOptions) -> list[Any]:
    known = goods(options.dictionaries)
    return [getattr(known, name) for name in _OF_PRODUCT]


def _known_brands(options: RetailOptions) -> list[Any]:
    known = goods(options.dictionaries)
    return [known.brand, known.company]


def _sold_by_others(rows: Rows) -> Any:
    """Rows whose brand is of another brand category than their product."""
    known = goods(rows.options.dictionaries)
    product = pc.index_in(rows.arrow("product_name"), value_set=known.product_name)
    brand = pc.index_in(rows.arrow("brand"), value_set=known.brand)
    groups = np.array(known.group_brand_category)[known.product_group]
    return pc.not_equal(pa.array(groups).take(product), pa.array(known.brand_category).take(brand))


TABLE = WorldTable(
    sa.Table(
        "products",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("product_name", sa.String(200), nullable=False),
        sa.Column("brand", sa.String(100), nullable=False),
        sa.Column("company", sa.String(100), nullable=False),
        sa.Column("department", sa.String(100), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("subcategory", sa.String(100), nullable=False),
        sa.Column("cost", sa.Numeric(10, 2), nullable=False),
        sa.Column("msrp", sa.Numeric(10, 2), nullable=False),
        sa.Column("sale_price", sa.Numeric(10, 2), nullable=False),
        sa.Column("requires_refrigeration", sa.Boolean, nullable=False),
        sa.Column("launch_date", sa.Date, nullable=False),
        sa.Column("taxability", sa.String(20), nullable=False),
        sa.Column("tags", sa.Text),
        sa.CheckConstraint("0 < cost AND cost < sale_price AND sale_price <= msrp", name="prices"),
        sa.CheckConstraint(
            f"taxability IN ({', '.join(repr(taxability) for taxability in TAXABILITIES)})",
            name="taxability",
        ),
    ),
    lambda options: options.products,
    _generate,
    "products of brands with their prices",
    rules=(
        numbered(lambda options: options.products),
        within(
            "product_from_dictionary",
            "name, department, category, subcategory and tags are a line of the dictionary",
            *_OF_PRODUCT,
            known=_known_products,
        ),
        within(
            "company_of_brand",
            "the company is the brand's own",
            "brand",
            "company",
            known=_known_brands,
        ),
        RowRule(
            "brand_of_category",
            _sold_by_others,
            about="the brand is one of those that sell this category",
            weight=2,
        ),
        PAIRS_UNIQUE,
        unlike(
            "B16_coined_names",
            "no brand and no company has a well-known name",
            "brand",
            "company",
            names=lambda: pa.array(sorted(blocked("brand") | blocked("company"))),
        ),
        *price_rules(),
        RowRule(
            "refrigerated_categories",
            lambda rows: pc.xor(
                rows.arrow("requires_refrigeration"),
                pc.is_in(rows.arrow("category"), value_set=_COLD),
            ),
            about="refrigerated: produce, baby food, dairy, meat and seafood, and nothing else",
            weight=2,
        ),
        launch_rule(),
        TAXABILITY_OF_GOODS,
        TAXABILITY_OF_CATEGORY,
    ),
)
