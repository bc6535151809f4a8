"""Types of employment."""

from __future__ import annotations

import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import Total
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import employments
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

EMPLOYMENT_TYPES = sa.Table(
    "employment_types",
    METADATA,
    sa.Column("employment_code", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name_ja", sa.String(16), nullable=False, unique=True),
    sa.Column("name_en", sa.String(32), nullable=False),
    sa.Column("share_target", sa.Numeric(5, 2), nullable=False, comment="percent of jobs"),
    sa.Column("pay_factor", sa.Numeric(4, 2), nullable=False),
    *stamps(),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = employments()[block.start : block.stop]
    return {
        **listed(records, "employment_code", "name_ja", "name_en"),
        "share_target": [int(record.share_target * 100) for record in records],
        "pay_factor": [int(record.pay_factor * 100) for record in records],
        **stamped(block.options),
    }


TABLE = WorldTable(
    EMPLOYMENT_TYPES,
    rows=lambda options: len(employments()),
    generate=generate,
    about="7 types of employment with their shares and pay factors",
    stamped=True,
    rules=(
        Total(
            "E1_shares",
            lambda rows: int(rows["share_target"].sum()),
            lambda options: 100_00,
            about="shares add up to 100 %",
            weight=2,
        ),
    ),
)
