"""Rules of all jobs together: distributions of domain/world_jobs.md 4, limits of 5.

A limit holds for 100,000 jobs; fewer scatter more, and it widens with the square root.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import AcrossTables, ExpectedShares, Rows, RuleCounts, WorldRule
from lsats_pipeline.synthetic.sampling import Floats
from lsats_pipeline.synthetic.worlds.jobs import days, features
from lsats_pipeline.synthetic.worlds.jobs.employers import AT_HOME
from lsats_pipeline.synthetic.worlds.jobs.facts import cities, prefectures
from lsats_pipeline.synthetic.worlds.jobs.job_rules import flat, instants, local
from lsats_pipeline.synthetic.worlds.jobs.occupations import expected_majors
from lsats_pipeline.synthetic.worlds.jobs.pay import EQUAL_PAY, employment_shares, salary_shares
from lsats_pipeline.synthetic.worlds.jobs.places import (
    city_shares,
    pref_codes,
    prefecture_shares,
)

REFERENCE = 100_000
_ENOUGH = 5_000  # jobs from which the smallest prefecture, 0.4 %, has some for certain
_ACTIVE = 0.745
_TOP_COMPANY, _TOP_EXPECTED = 0.06, 0.05
_THURSDAY = 3  # 1970-01-01


def _without_jobs(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    found = set(pc.unique(tables["jobs"]["pref_code"]).to_pylist())
    missing = [p.name_ja for p in prefectures() if p.pref_code not in found]
    detail = f"{len(pref_codes()) - len(missing)} of {len(pref_codes())}"
    if tables["jobs"].num_rows < _ENOUGH:
        return RuleCounts(1, 0, detail=f"{detail}; checked from {_ENOUGH:,} jobs on")
    return RuleCounts(1, int(bool(missing)), missing[:5], detail)


def _top_company(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    counts = pc.value_counts(tables["jobs"]["company_id"].combine_chunks())
    jobs, most = tables["jobs"].num_rows, pc.max(counts.field("counts")).as_py()
    # A company of 5 % has the next whole number of jobs where there are few.
    within = most < _TOP_COMPANY * jobs or most <= math.ceil(_TOP_EXPECTED * jobs)
    return RuleCounts(
        1, int(not within), detail=f"under 6.00 % wanted, {100 * most / jobs:.2f} % found"
    )


def _at_home(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    jobs, companies = tables["jobs"], tables["companies"].combine_chunks()
    at = pc.index_in(jobs["company_id"], value_set=companies["company_id"])
    same = pc.equal(companies["pref_code"].take(at), jobs["pref_code"])
    share = pc.mean(same.cast(pa.int8())).as_py() or 0.0
    limit = 0.01 * math.sqrt(max(1.0, REFERENCE / jobs.num_rows))
    detail = f"{AT_HOME:.2%} wanted, {share:.2%} found"
    return RuleCounts(1, int(abs(share - AT_HOME) > limit), detail=detail)


def _tags_without_high_pay(rows: Rows) -> Any:
    code = flat(rows.arrow("feature_codes"))[1]
    return code[code != features.HIGH_PAY]


def _by_city(options: Any) -> dict[str, float]:
    shares = prefecture_shares() @ city_shares(options.seed)
    return {c.city_code: float(s) for c, s in zip(cities(), shares, strict=True)}


def _weekday(rows: Rows) -> Any:
    return (local(rows) // days.DAY + _THURSDAY) % 7


def _duration(rows: Rows) -> Any:
    return (instants(rows, "expires_at") - instants(rows, "posted_at")) // days.DAY


def _yes(share: float) -> dict[bool, float]:
    return {True: share, False: 1 - share}


def _named(shares: Floats) -> dict[str, float]:
    return dict(zip(pref_codes(), shares.tolist(), strict=True))


SHARES: tuple[WorldRule, ...] = (
    ExpectedShares(
        "V3_mail_share",
        lambda rows: rows["fee"] > rows.options.mail_fee_over,
        lambda options: _yes(options.mail_share),
        limit=0.005,
        rows=REFERENCE,
        about="share of jobs whose fee pays for mail",
        weight=3,
    ),
    AcrossTables(
        "V14_prefectures",
        {"jobs": ("pref_code",)},
        _without_jobs,
        about="every prefecture has jobs",
    ),
    ExpectedShares(
        "V15_prefecture",
        lambda rows: rows.arrow("pref_code"),
        lambda options: _named(prefecture_shares()),
        limit=0.015,
        rows=REFERENCE,
        distance="total_variation",
        about="jobs by prefecture",
    ),
    ExpectedShares(
        "V15_major",
        lambda rows: rows.arrow("major_code"),
        lambda options: expected_majors(),
        limit=0.010,
        rows=REFERENCE,
        distance="total_variation",
        about="jobs by occupation group",
    ),
    ExpectedShares(
        "V15_employment",
        lambda rows: rows.arrow("employment_code"),
        lambda options: employment_shares(),
        limit=0.008,
        rows=REFERENCE,
        distance="total_variation",
        about="jobs by type of employment",
    ),
    ExpectedShares(
        "V16_equal_pay",
        lambda rows: rows["salary_min"] == rows["salary_max"],
        lambda options: _yes(EQUAL_PAY),
        limit=0.01,
        rows=REFERENCE,
        about="share of jobs with one salary instead of a range",
    ),
    ExpectedShares(
        "V17_active",
        lambda rows: rows.arrow("is_active"),
        lambda options: _yes(_ACTIVE),
        limit=0.015,
        rows=REFERENCE,
        about="share of active jobs",
    ),
    AcrossTables(
        "V18_top_company",
        {"jobs": ("company_id",)},
        _top_company,
        about="the largest company has under 6 % of jobs",
    ),
    ExpectedShares(
        "D1_salary_type",
        lambda rows: rows.arrow("salary_code"),
        lambda options: salary_shares(),
        limit=0.005,
        rows=REFERENCE,
        about="jobs by type of salary",
    ),
    ExpectedShares(
        "D2_city",
        lambda rows: rows.arrow("city_code"),
        _by_city,
        limit=0.020,
        rows=REFERENCE,
        distance="total_variation",
        about="jobs by city",
    ),
    AcrossTables(
        "D3_at_home",
        {"jobs": ("company_id", "pref_code"), "companies": ("company_id", "pref_code")},
        _at_home,
        about="70 % of jobs are in the company's own prefecture",
    ),
    ExpectedShares(
        "D4_weekday",
        _weekday,
        lambda options: days.weekday_shares(options.as_of),
        limit=0.005,
        rows=REFERENCE,
        about="jobs by day of the week, from Monday = 0",
    ),
    ExpectedShares(
        "D5_duration",
        _duration,
        lambda options: days.DURATIONS,
        limit=0.005,
        rows=REFERENCE,
        about="days that jobs run",
    ),
    ExpectedShares(
        "D6_tags",
        _tags_without_high_pay,
        lambda options: features.expected_tags(),
        limit=0.005,
        rows=REFERENCE,
        about="tags by their base probabilities and conditions",
    ),
)
