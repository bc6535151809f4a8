"""Groups of occupations."""

from __future__ import annotations

import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule, Total
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import majors
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

MAJORS = sa.Table(
    "occupation_majors",
    METADATA,
    sa.Column("major_code", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name_ja", sa.String(32), nullable=False, unique=True),
    sa.Column("name_en", sa.String(64), nullable=False),
    sa.Column("share_target", sa.Numeric(5, 2), nullable=False, comment="percent of jobs"),
    sa.Column("pay_factor", sa.Numeric(4, 2), nullable=False, comment="on the minimum wage"),
    sa.Column("sort_order", sa.SmallInteger, nullable=False),
    *stamps(),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = majors()[block.start : block.stop]
    return {
        **listed(records, "major_code", "name_ja", "name_en"),
        "share_target": [int(record.share_target * 100) for record in records],
        "pay_factor": [int(record.pay_factor * 100) for record in records],
        "sort_order": block.rows + 1,
        **stamped(block.options),
    }


TABLE = WorldTable(
    MAJORS,
    rows=lambda options: len(majors()),
    generate=generate,
    about="14 groups of occupations with their shares and pay factors",
    stamped=True,
    rules=(
        RowRule(
            "O1_code",
            lambda rows: (rows["major_code"] % 100 != 0) | (rows["major_code"] <= 0),
            about="codes are hundreds",
            weight=2,
        ),
        Total(
            "O2_shares",
            lambda rows: int(rows["share_target"].sum()),
            lambda options: 100_00,
            about="shares add up to 100 %",
            weight=2,
        ),
        RowRule(
            "O3_pay_factor",
            lambda rows: rows["pay_factor"] < 100,
            about="no group pays under the minimum wage",
        ),
    ),
)
