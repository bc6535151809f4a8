"""Ninety cities and wards."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule, Rows
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.digits import bad_area_codes
from lsats_pipeline.synthetic.worlds.jobs.facts import cities
from lsats_pipeline.synthetic.worlds.jobs.places import KIND_WEIGHTS, city_weights
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, one_of, stamped, stamps

_KINDS = pa.array(list(KIND_WEIGHTS))

CITIES = sa.Table(
    "cities",
    METADATA,
    sa.Column("city_code", sa.CHAR(5), primary_key=True, comment="JIS X 0402"),
    sa.Column(
        "pref_code", sa.CHAR(2), sa.ForeignKey("prefectures.pref_code"), nullable=False, index=True
    ),
    sa.Column("lg_code6", sa.CHAR(6), nullable=False, unique=True),
    sa.Column("name_ja", sa.String(16), nullable=False),
    sa.Column("name_kana", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column(
        "parent_city_code",
        sa.CHAR(5),
        sa.ForeignKey("cities.city_code"),
        comment="of a ward of a designated city; the wards of Tokyo have none",
    ),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lng", sa.Double, nullable=False),
    sa.Column("weight", sa.REAL, nullable=False, comment="share of jobs within the prefecture"),
    *stamps(),
    one_of("kind", list(KIND_WEIGHTS)),
    sa.CheckConstraint("weight > 0", name="weight"),
    sa.CheckConstraint("left(city_code, 2) = pref_code", name="prefecture"),
)


def generate(block: Block) -> Columns:
    """The facts, and random weights."""
    records = cities()[block.start : block.stop]
    facts = ("city_code", "pref_code", "lg_code6", "name_ja", "name_kana", "kind", "lat", "lng")
    return {
        **listed(records, *facts),
        "parent_city_code": None,
        "weight": city_weights(block.options.seed)[block.start : block.stop],
        **stamped(block.options),
    }


def _codes_disagree(rows: Rows) -> Any:
    head = pc.utf8_slice_codeunits(rows.arrow("lg_code6"), 0, 5)
    return pc.not_equal(head, rows.arrow("city_code"))


def _elsewhere(rows: Rows) -> Any:
    head = pc.utf8_slice_codeunits(rows.arrow("city_code"), 0, 2)
    return pc.not_equal(head, rows.arrow("pref_code"))


def outside_japan(rows: Rows) -> Any:
    """A mask of rows outside 20-46 N, 122-154 E."""
    lat, lng = rows["lat"], rows["lng"]
    return ~((lat >= 20) & (lat <= 46) & (lng >= 122) & (lng <= 154))


TABLE = WorldTable(
    CITIES,
    rows=lambda options: len(cities()),
    generate=generate,
    about="47 capitals, 20 designated cities, 23 wards of Tokyo, the 16 largest others",
    stamped=True,
    rules=(
        RowRule(
            "C1_check_digit",
            lambda rows: bad_area_codes(rows.arrow("lg_code6")),
            about="the six-digit code has its check digit",
            weight=3,
        ),
        RowRule(
            "C2_codes_agree",
            _codes_disagree,
            about="the six-digit code begins with the city's code",
            weight=2,
        ),
        RowRule("C3_prefecture", _elsewhere, about="every city is in its prefecture", weight=2),
        RowRule("C4_coordinates", outside_japan, about="coordinates are inside Japan's box"),
        RowRule("C5_weight", lambda rows: ~(rows["weight"] > 0), about="weights are above 0"),
        RowRule(
            "C6_kind",
            lambda rows: pc.invert(pc.is_in(rows.arrow("kind"), value_set=_KINDS)),
            about="a city, ward, town or village",
        ),
    ),
)
