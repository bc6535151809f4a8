"""The 47 prefectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts, Total
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.digits import bad_area_codes
from lsats_pipeline.synthetic.worlds.jobs.facts import prefectures
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, stamped, stamps

_CENSUS_2020 = 126_146_099
_CODES = [f"{code:02d}" for code in range(1, 48)]

PREFECTURES = sa.Table(
    "prefectures",
    METADATA,
    sa.Column("pref_code", sa.CHAR(2), primary_key=True, comment="JIS X 0401"),
    sa.Column("lg_code6", sa.CHAR(6), nullable=False, unique=True),
    sa.Column("iso_3166_2", sa.String(5), nullable=False),
    sa.Column("name_ja", sa.String(8), nullable=False),
    sa.Column("name_kana", sa.String(16), nullable=False),
    sa.Column("name_en", sa.String(16), nullable=False),
    sa.Column("region", sa.String(16), nullable=False),
    sa.Column("population", sa.Integer, nullable=False, comment="census of 2020"),
    sa.Column("min_wage_jpy", sa.SmallInteger, nullable=False, comment="yen per hour"),
    sa.Column("min_wage_from", sa.Date, nullable=False),
    *stamps(),
    sa.CheckConstraint("population > 0", name="population"),
    sa.CheckConstraint("min_wage_jpy > 0", name="min_wage"),
)


def generate(block: Block) -> Columns:
    """The facts."""
    records = prefectures()[block.start : block.stop]
    own = [c.name for c in PREFECTURES.c if c.name in records[0]._fields]
    return {**listed(records, *own), **stamped(block.options)}


def _missing(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    found = set(tables["prefectures"]["pref_code"].to_pylist())
    missing = [p for p in prefectures() if p.pref_code not in found]
    messages = [f"{p.pref_code} {p.name_ja} ({p.name_en}) is missing" for p in missing]
    unknown = [f"{code} is no prefecture" for code in sorted(found - set(_CODES), key=str)]
    return RuleCounts(len(_CODES), len(missing) + len(unknown), (*messages, *unknown))


def _codes_disagree(rows: Rows) -> Any:
    code = rows.arrow("pref_code")
    iso = pc.not_equal(rows.arrow("iso_3166_2"), pc.binary_join_element_wise("JP", code, "-"))
    # The sixth digit is the check digit: five are compared.
    head = pc.utf8_slice_codeunits(rows.arrow("lg_code6"), 0, 5)
    area = pc.not_equal(head, pc.binary_join_element_wise(code, "000", ""))
    return pc.or_(area, iso)


def _no_fact(rows: Rows) -> Any:
    wages = {p.pref_code: (p.min_wage_jpy, p.min_wage_from) for p in prefectures()}
    columns = ("pref_code", "min_wage_jpy", "min_wage_from")
    found = zip(*(rows.arrow(name).to_pylist() for name in columns), strict=True)
    return [wages.get(code, (wage, day)) != (wage, day) for code, wage, day in found]


TABLE = WorldTable(
    PREFECTURES,
    rows=lambda options: len(prefectures()),
    generate=generate,
    about="the 47 prefectures: codes, names, population, minimum wage",
    stamped=True,
    rules=(
        AcrossTables(
            "P1_all_prefectures",
            {"prefectures": ("pref_code",)},
            _missing,
            about="47 prefectures with codes 01-47",
            weight=3,
        ),
        RowRule(
            "P2_check_digit",
            lambda rows: bad_area_codes(rows.arrow("lg_code6")),
            about="the six-digit code has its check digit",
            weight=3,
        ),
        RowRule(
            "P3_codes_agree",
            _codes_disagree,
            about="six-digit and ISO codes begin and end as the JIS code says",
            weight=2,
        ),
        Total(
            "P4_population",
            lambda rows: int(rows["population"].sum()),
            lambda options: _CENSUS_2020,
            about="populations add up to the census of 2020",
            weight=2,
        ),
        RowRule(
            "P5_minimum_wage",
            _no_fact,
            about="minimum wage and its first day are those of fiscal 2024",
            weight=2,
        ),
    ),
)
