"""Companies that hire, with synthetic names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.sampling import Floats, Ints, generator, positions, shuffled
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.employers import COMPANIES as NUMBER
from lsats_pipeline.synthetic.worlds.jobs.employers import homes, ranks
from lsats_pipeline.synthetic.worlds.jobs.facts import majors
from lsats_pipeline.synthetic.worlds.jobs.names import company_names, known
from lsats_pipeline.synthetic.worlds.jobs.places import pref_codes
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, one_of, stamped, stamps

# Share of companies of each size, the largest by rank first.
_SIZES = {"XL": 0.01, "L": 0.09, "M": 0.30, "S": 0.60}
_NG_SHARE = 0.01  # companies whose jobs are not to be mailed

COMPANIES = sa.Table(
    "companies",
    METADATA,
    sa.Column("company_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name_ja", sa.String(64), nullable=False, unique=True),
    sa.Column("name_kana", sa.String(64), nullable=False),
    sa.Column(
        "pref_code", sa.CHAR(2), sa.ForeignKey("prefectures.pref_code"), nullable=False, index=True
    ),
    sa.Column(
        "industry_major",
        sa.SmallInteger,
        sa.ForeignKey("occupation_majors.major_code"),
        nullable=False,
        index=True,
    ),
    sa.Column("size_band", sa.String(2), nullable=False),
    sa.Column("popularity", sa.REAL, nullable=False),
    sa.Column("ng_flag", sa.Boolean, nullable=False),
    *stamps(),
    one_of("size_band", list(_SIZES)),
    sa.CheckConstraint("popularity BETWEEN 0 AND 1", name="popularity"),
)


def generate(block: Block) -> Columns:
    """Random names, homes and ranks."""
    seed, part = block.options.seed, slice(block.start, block.stop)
    rank = ranks(seed)[part]
    name, kana = company_names(seed)
    industries = [float(m.share_target) for m in majors()]
    industry = positions(
        generator(seed, "jobs", "companies", "industry").random(NUMBER), industries
    )
    return {
        "company_id": block.rows + 1,
        "name_ja": name[part],
        "name_kana": kana[part],
        "pref_code": pa.array(pref_codes()).take(pa.array(homes(seed)[rank])),
        "industry_major": np.array([m.major_code for m in majors()])[industry[part]],
        "size_band": np.array(list(_SIZES))[positions(rank / NUMBER, list(_SIZES.values()))],
        "popularity": popularity(rank),
        "ng_flag": shuffled(block.rows, NUMBER, seed, "jobs", "companies", "ng")
        < _NG_SHARE * NUMBER,
        **stamped(block.options),
    }


def popularity(rank: Ints) -> Floats:
    """From 1 for the first to 0 for the last rank, by its logarithm."""
    # A `real` of PostgreSQL has six digits for certain.
    return np.asarray(np.round(1 - np.log1p(rank) / np.log(NUMBER), 5))


TABLE = WorldTable(
    COMPANIES,
    rows=lambda options: NUMBER,
    generate=generate,
    about="8,000 companies with coined names, sizes and homes",
    stamped=True,
    rules=(
        RowRule(
            "B16_known_name",
            lambda rows: known(rows.arrow("name_ja")),
            about="no name of a known company or brand",
            weight=2,
        ),
        RowRule(
            "B1_popularity",
            lambda rows: ~((rows["popularity"] >= 0) & (rows["popularity"] <= 1)),
            about="popularity is between 0 and 1",
        ),
        RowRule(
            "B2_size",
            lambda rows: pc.invert(
                pc.is_in(rows.arrow("size_band"), value_set=pa.array(list(_SIZES)))
            ),
            about="the size is S, M, L or XL",
        ),
    ),
)
