"""Trucks of DCs, of the pool and of suppliers (domain/world_retail.md 2 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.fleet import fleet, fleet_rules
from lsats_pipeline.synthetic.worlds.retail.identifiers import license_plates
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA, referring
from lsats_pipeline.synthetic.worlds.retail.shared_rules import matching, numbered


def _generate(block: Block) -> Mapping[str, Any]:
    mine = slice(block.start, block.stop)
    dc = fleet(block.options).dc[mine]
    return {
        "id": block.rows + 1,
        "license_plate": license_plates(block.rows),
        "refrigeration": fleet(block.options).refrigerated[mine],
        "dc_id": pa.array(dc, pa.int32(), mask=dc == 0),
    }


TABLE = WorldTable(
    sa.Table(
        "trucks",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("license_plate", sa.String(20), nullable=False, unique=True),
        sa.Column("refrigeration", sa.Boolean, nullable=False, index=True),
        # Nothing: of a supplier, or of the pool.
        referring("dc_id", "distribution_centers", nullable=True, index=True),
    ),
    lambda options: options.trucks,
    _generate,
    "trucks: of a DC, of the pool, of suppliers",
    rules=(
        numbered(lambda options: options.trucks),
        matching(
            "R8_license_plate", "license_plate", r"^[A-Z]{3}\d{4}$", "plates: 3 letters, 4 digits"
        ),
        *fleet_rules(),
    ),
)
