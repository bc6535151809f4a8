"""What people look for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from lsats_pipeline.synthetic.rules import AcrossTables, RuleCounts
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import Need, needs, numbers
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

NEEDS = sa.Table(
    "needs",
    METADATA,
    sa.Column("need_code", sa.String(24), primary_key=True),
    sa.Column("name_ja", sa.String(16), nullable=False, unique=True),
    sa.Column("name_en", sa.String(48), nullable=False),
    sa.Column("rule_json", JSONB, nullable=False, comment="a job with any of these answers it"),
    *stamps(),
)
# Key of a rule: the table and column of its codes.
_CODES = {
    "features": ("feature_tags", "feature_code"),
    "salaries": ("salary_types", "salary_code"),
    "majors": ("occupation_majors", "major_code"),
    "minors": ("occupation_minors", "minor_code"),
}


def generate(block: Block) -> Columns:
    """The facts."""
    records = needs()[block.start : block.stop]
    return {
        **listed(records, "need_code", "name_ja", "name_en"),
        "rule_json": [_rule(record) for record in records],
        **stamped(block.options),
    }


def _rule(need: Need) -> str:
    codes = {key: numbers(getattr(need, key)) for key in _CODES}
    # With the blanks and the order of keys (by length, then alphabet) of PostgreSQL's jsonb.
    keys = sorted((key for key in codes if codes[key]), key=lambda key: (len(key), key))
    return json.dumps({key: codes[key] for key in keys})


def _unusable(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    known = {key: set(tables[t][c].to_pylist()) for key, (t, c) in _CODES.items()}
    codes, rules = (tables["needs"][name].to_pylist() for name in ("need_code", "rule_json"))
    off = [code for code, rule in zip(codes, rules, strict=True) if not _usable(rule, known)]
    return RuleCounts(len(codes), len(off), off[:5])


def _usable(rule: str | None, known: Mapping[str, set[Any]]) -> bool:
    try:
        found = json.loads(rule or "")
        return bool(found) and all(set(codes) <= known[key] for key, codes in found.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


TABLE = WorldTable(
    NEEDS,
    rows=lambda options: len(needs()),
    generate=generate,
    about="14 needs, each with the features, salaries or occupations that answer it",
    stamped=True,
    rules=(
        AcrossTables(
            "N1_rule",
            {"needs": ("need_code", "rule_json"), **{t: (c,) for t, c in _CODES.values()}},
            _unusable,
            about="every need has a rule, of codes that there are",
            weight=2,
        ),
    ),
)
