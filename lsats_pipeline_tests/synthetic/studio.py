"""The studio in small, for its tests."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from lsats_pipeline.synthetic.blocks import BlockGenerator
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions

ADMIN = uuid.UUID("0d1e2f30-4a5b-4c6d-8e7f-908172635445")
STUDIO = world("studio")
SMALL = {"users": 40, "content_items": 700, "content_items_auto": 1300}


def studio_options(**values: Any) -> StudioOptions:
    return StudioOptions(**{"admin_user_uuid": ADMIN, **SMALL, **values})


def batches(options: StudioOptions) -> dict[str, pa.Table]:
    """Every table whole."""
    with BlockGenerator(STUDIO, options) as maker:
        return {
            table.name: pa.Table.from_batches([made.batch for made in maker.made(table)])
            for table in STUDIO.tables
        }


def rows_of(tables: Mapping[str, pa.Table], name: str) -> list[dict[str, Any]]:
    return list(tables[name].to_pylist())
