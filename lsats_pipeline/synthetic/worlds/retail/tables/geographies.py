"""Places of the world: synthetic cities in the states of the USA (domain/world_retail.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.placement import placement
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA
from lsats_pipeline.synthetic.worlds.retail.shared_rules import (
    matching,
    numbered,
    unlike,
    within,
)
from lsats_pipeline.synthetic.worlds.retail.vocabulary import blocked, places

_TEXTS = ("city", "state", "zip_code", "district", "region")


def _generate(block: Block) -> Mapping[str, Any]:
    known = places(block.options.dictionaries, block.options.geographies)
    at = pa.array(placement(block.options).place[block.start : block.stop])
    return {"id": block.rows + 1, **{name: getattr(known, name).take(at) for name in _TEXTS}}


def _known(options: RetailOptions) -> list[Any]:
    known = places(options.dictionaries, options.geographies)
    return [getattr(known, name) for name in _TEXTS]


TABLE = WorldTable(
    sa.Table(
        "geographies",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("city", sa.String(100), nullable=False, index=True),
        sa.Column("state", sa.CHAR(2), nullable=False, index=True),
        sa.Column("zip_code", sa.String(10), nullable=False),
        sa.Column("district", sa.String(100), nullable=False),
        sa.Column("region", sa.String(100), nullable=False, index=True),
        sa.CheckConstraint("city <> '' AND district <> '' AND region <> ''", name="not_empty"),
    ),
    lambda options: options.geographies,
    _generate,
    "places where customers live and stores are",
    rules=(
        numbered(lambda options: options.geographies),
        RowRule(
            "texts_not_empty",
            lambda rows: (rows["city"] == "") | (rows["district"] == "") | (rows["region"] == ""),
            about="city, district and region are not empty",
            weight=2,
        ),
        matching("state_format", "state", "^[A-Z]{2}$", "a state is two capital letters"),
        matching("zip_format", "zip_code", r"^\d{5}(-\d{4})?$", "a ZIP code is 5 or 5+4 digits"),
        within("from_dictionary", "every place is a line of the dictionary", *_TEXTS, known=_known),
        unlike(
            "B16_coined_names",
            "no city has the name of a large real one",
            "city",
            names=lambda: pa.array(sorted(blocked("city"))),
        ),
    ),
)
