"""Occupations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from lsats_pipeline.synthetic.columns import values_of
from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import minors
from lsats_pipeline.synthetic.worlds.jobs.occupations import shares_in_major
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

MINORS = sa.Table(
    "occupation_minors",
    METADATA,
    sa.Column("minor_code", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column(
        "major_code",
        sa.SmallInteger,
        sa.ForeignKey("occupation_majors.major_code"),
        nullable=False,
        index=True,
    ),
    sa.Column("name_ja", sa.String(32), nullable=False, unique=True),
    sa.Column("name_en", sa.String(64), nullable=False),
    sa.Column("share_in_major", sa.Double, nullable=False, comment="1/rank^0.7, sum 1"),
    sa.Column("night_share", sa.Double, nullable=False, comment="share of its jobs at night"),
    *stamps(),
)


def generate(block: Block) -> Columns:
    """The facts, and Zipf shares."""
    records = minors()[block.start : block.stop]
    return {
        **listed(records, "minor_code", "major_code", "name_ja", "name_en", "night_share"),
        "share_in_major": shares_in_major()[block.start : block.stop],
        **stamped(block.options),
    }


def _code_outside(rows: Rows) -> Any:
    within = rows["minor_code"] - rows["major_code"]
    return (within < 1) | (within > 99)


def _shares_off(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    table = tables["occupation_minors"]
    major, share = values_of(table["major_code"]), values_of(table["share_in_major"])
    codes, at = np.unique(major, return_inverse=True)
    sums = np.bincount(at, weights=share)
    off = np.flatnonzero(~(np.abs(sums - 1) < 1e-9))
    return RuleCounts(len(codes), len(off), [f"major {codes[n]}: {sums[n]:.4f}" for n in off[:5]])


TABLE = WorldTable(
    MINORS,
    rows=lambda options: len(minors()),
    generate=generate,
    about="96 occupations with their shares in their group",
    stamped=True,
    rules=(
        RowRule("O4_code", _code_outside, about="code = group + 1..99", weight=2),
        AcrossTables(
            "O5_shares",
            {"occupation_minors": ("major_code", "share_in_major")},
            _shares_off,
            about="shares in a group add up to 1",
            weight=2,
        ),
        RowRule(
            "O6_night_share",
            lambda rows: ~((rows["night_share"] >= 0) & (rows["night_share"] <= 1)),
            about="the share at night is between 0 and 1",
        ),
    ),
)
