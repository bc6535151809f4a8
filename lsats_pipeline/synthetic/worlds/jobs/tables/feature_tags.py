"""Features that a job may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import tags
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

FEATURE_TAGS = sa.Table(
    "feature_tags",
    METADATA,
    sa.Column("feature_code", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("group_code", sa.CHAR(1), sa.ForeignKey("feature_groups.group_code"), nullable=False),
    sa.Column("name_ja", sa.String(16), nullable=False, unique=True),
    sa.Column("name_en", sa.String(48), nullable=False),
    sa.Column("base_prob", sa.Numeric(3, 2), nullable=False),
    sa.Column("excludes", ARRAY(sa.SmallInteger), nullable=False),
    *stamps(),
    sa.CheckConstraint("base_prob BETWEEN 0 AND 1", name="base_prob"),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = tags()[block.start : block.stop]
    return {
        **listed(records, "feature_code", "group_code", "name_ja", "name_en"),
        "base_prob": [int(record.base_prob * 100) for record in records],
        "excludes": [record.excluded for record in records],
        **stamped(block.options),
    }


def _code_outside(rows: Rows) -> Any:
    letters = rows.arrow("group_code").to_pylist()
    numbers = rows.arrow("feature_code").to_pylist()
    return [
        n is None or letter is None or n // 100 != ord(letter[:1] or "@") - ord("@") or n % 100 == 0
        for letter, n in zip(letters, numbers, strict=True)
    ]


def _one_sided(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    table = tables["feature_tags"]
    codes, lists = table["feature_code"].to_pylist(), table["excludes"].to_pylist()
    pairs = {(a, b) for a, others in zip(codes, lists, strict=True) for b in others or []}
    off = sorted((a, b) for a, b in pairs if a == b or (b, a) not in pairs)
    return RuleCounts(
        len(codes), len(off), [f"{a} excludes {b}, not the other way" for a, b in off]
    )


TABLE = WorldTable(
    FEATURE_TAGS,
    rows=lambda options: len(tags()),
    generate=generate,
    about="44 features that a job may have, with what they exclude",
    stamped=True,
    rules=(
        RowRule("F2_code", _code_outside, about="code = 100 x group + number", weight=2),
        RowRule(
            "F3_base_prob",
            lambda rows: (rows["base_prob"] < 0) | (rows["base_prob"] > 100),
            about="the base probability is between 0 and 1",
        ),
        AcrossTables(
            "F4_excludes",
            {"feature_tags": ("feature_code", "excludes")},
            _one_sided,
            about="what a tag excludes excludes it",
            weight=2,
        ),
    ),
)
