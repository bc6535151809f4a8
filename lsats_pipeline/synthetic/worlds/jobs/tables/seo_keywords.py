"""Search words: occupations, needs, prefectures, and occupations with needs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from lsats_pipeline.synthetic.columns import values_of
from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts
from lsats_pipeline.synthetic.sampling import Floats, Ints, generator
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs.facts import minors, needs, prefectures
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, listed, one_of, stamped, stamps

_INTENTS = ("job", "area", "condition")
_TOP_VOLUME, _LEAST_VOLUME = 90_000, 10  # a month
_MEDIAN_CPC, _CPC_SPREAD, _MOST_CPC = 90, 0.6, 3_000  # yen
_EASIEST, _RANGE, _NOISE = 20, 60, 6  # difficulty
_SINGLE = 8.0  # how much more a single word is searched for than a pair
_TARGETS = ("need_code", "minor_code", "pref_code")

SEO_KEYWORDS = sa.Table(
    "seo_keywords",
    METADATA,
    sa.Column("keyword_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("keyword", sa.String(64), nullable=False, unique=True),
    sa.Column("normalized", sa.String(64), nullable=False),
    sa.Column("need_code", sa.String(24), sa.ForeignKey("needs.need_code"), index=True),
    sa.Column(
        "minor_code", sa.SmallInteger, sa.ForeignKey("occupation_minors.minor_code"), index=True
    ),
    sa.Column("pref_code", sa.CHAR(2), sa.ForeignKey("prefectures.pref_code"), index=True),
    sa.Column("monthly_volume", sa.Integer, nullable=False),
    sa.Column("difficulty", sa.SmallInteger, nullable=False),
    sa.Column("cpc_jpy", sa.SmallInteger, nullable=False),
    sa.Column("intent", sa.String(16), nullable=False),
    *stamps(),
    sa.CheckConstraint("num_nonnulls(need_code, minor_code, pref_code) > 0", name="target"),
    sa.CheckConstraint("monthly_volume >= 0 AND cpc_jpy >= 0", name="figures"),
    sa.CheckConstraint("difficulty BETWEEN 0 AND 100", name="difficulty"),
    one_of("intent", _INTENTS),
)


class Keyword(NamedTuple):
    """A search word and what it points at."""

    keyword: str
    need_code: str | None
    minor_code: int | None
    pref_code: str | None
    intent: str


class Figures(NamedTuple):
    """What is known of each search word."""

    monthly_volume: Ints
    difficulty: Ints
    cpc_jpy: Ints


@cache
def keywords() -> tuple[Keyword, ...]:
    """All 1,501: 96 + 14 + 47 + 96 x 14."""
    return (
        *(Keyword(m.name_ja, None, m.minor_code, None, "job") for m in minors()),
        *(Keyword(n.name_ja, n.need_code, None, None, "condition") for n in needs()),
        *(Keyword(f"{p.name_ja} バイト", None, None, p.pref_code, "area") for p in prefectures()),
        *(
            Keyword(f"{m.name_ja} {n.name_ja}", n.need_code, m.minor_code, None, "condition")
            for m in minors()
            for n in needs()
        ),
    )


def normalized(keyword: str) -> str:
    """The word as it is compared: compatible characters, small letters, no blanks."""
    return unicodedata.normalize("NFKC", keyword).lower().replace(" ", "")


def zipf_volumes(size: int) -> Ints:
    """Searches a month by rank: 90,000/rank, at least 10."""
    return np.maximum(_LEAST_VOLUME, _TOP_VOLUME // np.arange(1, size + 1))


@lru_cache
def figures(seed: int) -> Figures:
    """Volumes, difficulties and prices of all words."""
    rng = generator(seed, "jobs", "seo_keywords", "figures")
    size = len(keywords())
    single = np.array([" " not in k.keyword or k.pref_code is not None for k in keywords()])
    rank = _ranks(rng.lognormal(0.0, 1.0, size) * np.where(single, _SINGLE, 1.0))
    percentile = 1 - rank / (size - 1)
    difficulty = np.round(_EASIEST + _RANGE * percentile + rng.normal(0.0, _NOISE, size))
    cpc = np.round(rng.lognormal(np.log(_MEDIAN_CPC), _CPC_SPREAD, size))
    return Figures(
        zipf_volumes(size)[rank],
        np.clip(difficulty, 0, 100).astype(np.int64),
        np.clip(cpc, 1, _MOST_CPC).astype(np.int64),
    )


def generate(block: Block) -> Columns:
    """Words from the dictionaries, random figures."""
    part = slice(block.start, block.stop)
    records, known = keywords()[part], figures(block.options.seed)
    return {
        "keyword_id": block.rows + 1,
        **listed(records, *Keyword._fields),
        "normalized": [normalized(record.keyword) for record in records],
        **{name: column[part] for name, column in known._asdict().items()},
        **stamped(block.options),
    }


def _ranks(scores: Floats) -> Ints:
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks


def _pointless(rows: Rows) -> Any:
    empty = [pc.is_null(rows.arrow(name)) for name in _TARGETS]
    return pc.and_(pc.and_(empty[0], empty[1]), empty[2])


def _not_normalized(rows: Rows) -> Any:
    pairs = zip(*(rows.arrow(n).to_pylist() for n in ("keyword", "normalized")), strict=True)
    return [normalized(keyword or "") != found for keyword, found in pairs]


def _no_zipf(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    found = np.sort(values_of(tables["seo_keywords"]["monthly_volume"]))[::-1]
    off = np.flatnonzero(found != zipf_volumes(len(found)))
    examples = [
        f"rank {n + 1}: {found[n]} instead of {zipf_volumes(len(found))[n]}" for n in off[:5]
    ]
    return RuleCounts(len(found), len(off), examples)


TABLE = WorldTable(
    SEO_KEYWORDS,
    rows=lambda options: len(keywords()),
    generate=generate,
    about="1,501 search words with volumes, difficulties and prices",
    stamped=True,
    rules=(
        RowRule(
            "K1_target",
            _pointless,
            about="a word points at a need, an occupation or a prefecture",
            weight=2,
        ),
        RowRule("K2_normalized", _not_normalized, about="the normalised word is that of the word"),
        RowRule(
            "K3_figures",
            lambda rows: (
                (rows["monthly_volume"] < _LEAST_VOLUME)
                | (rows["difficulty"] < 0)
                | (rows["difficulty"] > 100)
                | (rows["cpc_jpy"] < 0)
            ),
            about="at least 10 searches, a difficulty of 0-100, a price",
        ),
        AcrossTables(
            "K4_zipf",
            {"seo_keywords": ("monthly_volume",)},
            _no_zipf,
            about="searches follow Zipf's law from 90,000 a month",
        ),
        RowRule(
            "K5_intent",
            lambda rows: pc.invert(pc.is_in(rows.arrow("intent"), value_set=pa.array(_INTENTS))),
            about="the intent is job, area or condition",
        ),
    ),
)
