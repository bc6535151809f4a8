"""Stores: in states with a DC, with the profile of the later version (domain/world_retail.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.addresses import (
    HouseNumbers,
    address_rules,
    addresses,
)
from lsats_pipeline.synthetic.worlds.retail.identifiers import digits, prefixed
from lsats_pipeline.synthetic.worlds.retail.placement import placement
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA, referring
from lsats_pipeline.synthetic.worlds.retail.shared_rules import coded, numbered
from lsats_pipeline.synthetic.worlds.retail.site_allocation import (
    AREA_OF_REGION,
    STORES_BY_WEIGHT,
    STORES_NEAR_DCS,
)
from lsats_pipeline.synthetic.worlds.retail.store_profiles import profile_rules, profiles
from lsats_pipeline.synthetic.worlds.retail.taxes import TAX_OF_PLACE, rates

# In units of the last digit: rates have five decimals, multipliers two.
_MOST_TAX, _LEAST_TRAFFIC, _MOST_TRAFFIC = 20_000, 10, 500


def _generate(block: Block) -> Mapping[str, Any]:
    mine = slice(block.start, block.stop)
    geography, profile = placement(block.options).store_geography[mine], profiles(block.options)
    return {
        "id": block.rows + 1,
        "store_number": prefixed("S", digits(block.rows + 1, 6)),
        "address": addresses(block, HouseNumbers.COMMERCIAL, geography),
        "geography_id": geography + 1,
        "tax_rate": rates(block.options)[geography],
        "area_type": profile.area[mine],
        "volume_class": profile.volume_class[mine],
        "store_format": profile.store_format[mine],
        "operating_hours": profile.hours[mine],
        "daily_traffic_multiplier": profile.traffic[mine],
    }


TABLE = WorldTable(
    sa.Table(
        "stores",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store_number", sa.String(20), nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        referring("geography_id", "geographies", index=True),
        sa.Column("tax_rate", sa.Numeric(6, 5)),
        # The predecessor drew it and kept only what follows from it.
        sa.Column("area_type", sa.Text),
        sa.Column("volume_class", sa.Text),
        sa.Column("store_format", sa.Text),
        sa.Column("operating_hours", sa.Text),
        sa.Column("daily_traffic_multiplier", sa.Numeric(4, 2)),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 0.20", name="tax_rate"),
        sa.CheckConstraint("daily_traffic_multiplier BETWEEN 0.1 AND 5.0", name="traffic"),
    ),
    lambda options: options.stores,
    _generate,
    "stores and what kind of store each is",
    rules=(
        numbered(lambda options: options.stores),
        coded("R8_store_number", "store_number", "S", 6),
        *address_rules("stores", HouseNumbers.COMMERCIAL),
        STORES_NEAR_DCS,
        STORES_BY_WEIGHT,
        RowRule(
            "tax_range",
            lambda rows: (rows["tax_rate"] < 0) | (rows["tax_rate"] > _MOST_TAX),
            about="the tax rate is from 0 to 0.20",
            weight=2,
        ),
        TAX_OF_PLACE,
        AREA_OF_REGION,
        *profile_rules(),
        RowRule(
            "traffic_range",
            lambda rows: (
                (rows["daily_traffic_multiplier"] < _LEAST_TRAFFIC)
                | (rows["daily_traffic_multiplier"] > _MOST_TRAFFIC)
            ),
            about="the traffic multiplier is from 0.1 to 5.0",
            weight=2,
        ),
    ),
)
