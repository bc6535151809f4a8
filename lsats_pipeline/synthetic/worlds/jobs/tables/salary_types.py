"""Types of salary."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import salaries
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, one_of, stamped, stamps

_UNITS = ["hour", "day", "month", "task", "year"]

SALARY_TYPES = sa.Table(
    "salary_types",
    METADATA,
    sa.Column("salary_code", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name_ja", sa.String(16), nullable=False, unique=True),
    sa.Column("name_en", sa.String(32), nullable=False),
    sa.Column("unit", sa.String(8), nullable=False, unique=True),
    sa.Column("hours_equiv", sa.SmallInteger, nullable=False),
    sa.Column("round_to_jpy", sa.SmallInteger, nullable=False),
    *stamps(),
    one_of("unit", _UNITS),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = salaries()[block.start : block.stop]
    own = ("salary_code", "name_ja", "name_en", "unit", "hours_equiv", "round_to_jpy")
    return {**listed(records, *own), **stamped(block.options)}


TABLE = WorldTable(
    SALARY_TYPES,
    rows=lambda options: len(salaries()),
    generate=generate,
    about="5 types of salary with their hours and roundings",
    stamped=True,
    rules=(
        RowRule(
            "S1_unit",
            lambda rows: pc.invert(pc.is_in(rows.arrow("unit"), value_set=pa.array(_UNITS))),
            about="an hour, day, month, task or year",
        ),
        RowRule(
            "S2_positive",
            lambda rows: (rows["hours_equiv"] <= 0) | (rows["round_to_jpy"] <= 0),
            about="hours and roundings are above 0",
        ),
    ),
)
