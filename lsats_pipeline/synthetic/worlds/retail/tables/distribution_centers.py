"""Distribution centers: in the heaviest places (domain/world_retail.md 2 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

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
from lsats_pipeline.synthetic.worlds.retail.site_allocation import DCS_IN_HEAVIEST


def _generate(block: Block) -> Mapping[str, Any]:
    geography = placement(block.options).dc_geography[block.start : block.stop]
    return {
        "id": block.rows + 1,
        "dc_number": prefixed("DC", digits(block.rows + 1, 3)),
        "address": addresses(block, HouseNumbers.INDUSTRIAL, geography),
        "geography_id": geography + 1,
    }


TABLE = WorldTable(
    sa.Table(
        "distribution_centers",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("dc_number", sa.String(20), nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        referring("geography_id", "geographies"),
    ),
    lambda options: options.distribution_centers,
    _generate,
    "distribution centers, which stores are supplied from",
    rules=(
        numbered(lambda options: options.distribution_centers),
        coded("R8_dc_number", "dc_number", "DC", 3),
        *address_rules("distribution_centers", HouseNumbers.INDUSTRIAL),
        DCS_IN_HEAVIEST,
    ),
)
