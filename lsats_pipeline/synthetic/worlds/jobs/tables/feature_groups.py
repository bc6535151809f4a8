"""Groups of feature tags."""

from __future__ import annotations

import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import groups
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

FEATURE_GROUPS = sa.Table(
    "feature_groups",
    METADATA,
    sa.Column("group_code", sa.CHAR(1), primary_key=True),
    sa.Column("name_ja", sa.String(16), nullable=False, unique=True),
    sa.Column("name_en", sa.String(32), nullable=False),
    *stamps(),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = groups()[block.start : block.stop]
    return {**listed(records, "group_code", "name_ja", "name_en"), **stamped(block.options)}


TABLE = WorldTable(
    FEATURE_GROUPS,
    rows=lambda options: len(groups()),
    generate=generate,
    about="5 groups of feature tags",
    stamped=True,
    rules=(
        RowRule(
            "F1_code",
            lambda rows: pc.invert(pc.match_substring_regex(rows.arrow("group_code"), "^[A-E]$")),
            about="codes are A to E",
        ),
    ),
)
