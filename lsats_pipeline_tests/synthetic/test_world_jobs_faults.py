"""Faults put into the rows of the world of jobs, one at a time: each found under its own rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lsats_pipeline.synthetic.validation import rules_of
from lsats_pipeline_tests.synthetic.jobs import (
    WORLD,
    Faulty,
    Rows,
    failed,
    findings_of,
    options,
    tables_of,
)

Job = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Faulty:
    return Faulty(tables_of(options()))


def test_without_a_fault_nothing_is_found(world: Faulty) -> None:
    findings = findings_of(world.tables, options())
    assert (failed(findings), findings.score) == (set(), 100.0)


def value(column: str, new: Any, row: int = 0) -> Callable[[Rows], None]:
    """One value of one row is another."""

    def fault(rows: Rows) -> None:
        rows[row][column] = new(rows[row]) if callable(new) else new

    return fault


def first(wanted: Callable[[Job], bool], **new: Any) -> Callable[[Rows], None]:
    """The first row of a kind has other values."""

    def fault(rows: Rows) -> None:
        row = next(row for row in rows if wanted(row))
        row.update({name: new(row) if callable(new) else new for name, new in new.items()})

    return fault


def every(**new: Any) -> Callable[[Rows], None]:
    def fault(rows: Rows) -> None:
        for row in rows:
            row.update({name: new(row) if callable(new) else new for name, new in new.items()})

    return fault


def without_row(number: int) -> Callable[[Rows], None]:
    def fault(rows: Rows) -> None:
        del rows[number]

    return fault


def one_company(rows: Rows) -> None:
    """A tenth of jobs go to the largest company, within the same prefecture."""
    for row in rows[: len(rows) // 10]:
        row["company_id"] = rows[0]["company_id"]


def away_from_home(rows: Rows) -> None:
    """Companies swap their jobs: each keeps its number, none its places."""
    companies = [row["company_id"] for row in rows]
    for row, company in zip(rows, companies[1:] + companies[:1], strict=True):
        row["company_id"] = company


def plain(job: Job) -> bool:
    """A food job by day for hourly pay, without what other rules look at."""
    return bool(
        job["salary_code"] == 1
        and job["major_code"] == 100
        and not job["is_night"]
        and 203 not in job["feature_codes"]
        and job["salary_min"] < job["salary_max"]
    )


def hourly(job: Job) -> bool:
    return bool(job["salary_code"] == 1 and 203 not in job["feature_codes"])


def with_tag(*codes: int, without: tuple[int, ...] = ()) -> Callable[[Job], list[int]]:
    return lambda job: sorted({*job["feature_codes"], *codes} - set(without))


def has_room(job: Job) -> bool:
    return plain(job) and len(job["feature_codes"]) < 20


def other_major(job: Job) -> int:
    return 200 if job["major_code"] == 100 else 100


JOB_FAULTS: list[tuple[str, Callable[[Rows], Any], set[str]]] = [
    ("V1", value("title", None), {"not_null"}),
    ("V2 zero", value("fee", 0), {"V2_fee"}),
    ("V2 high", first(lambda j: j["fee"] > 500, fee=20_100), {"V2_fee"}),
    ("V2 step", first(lambda j: j["fee"] > 600, fee=1_050), {"V2_fee"}),
    ("V3", every(fee=lambda j: 100 if j["job_id"] % 5 == 0 else 2_000), {"V3_mail_share"}),
    ("V4", first(plain, salary_min=lambda j: j["salary_max"] + 10), {"V4_salary"}),
    ("V5", first(hourly, salary_min=900, salary_max=900), {"V5_minimum_wage"}),
    ("V6", first(plain, salary_max=lambda j: 2 * j["salary_min"] + 10), {"V6_range"}),
    ("V7 company", value("company_id", 8_001), {"foreign_key_company_id"}),
    (
        "V7 city",
        first(lambda j: j["pref_code"] == "01", city_code="01999"),
        {"foreign_key_city_code"},
    ),
    ("V7 employment", value("employment_code", 9), {"foreign_key_employment_code"}),
    ("V8 city", first(lambda j: j["pref_code"] != "13", city_code="13104"), {"V8_city"}),
    (
        "V8 major",
        first(lambda j: j["minor_code"] == 201 and 303 not in j["feature_codes"], major_code=600),
        {"V8_major"},
    ),
    ("V9 id", value("job_id", 2), {"unique_job_id"}),
    (
        "V9 code",
        lambda rows: rows[0].update(endcl_code=rows[1]["endcl_code"]),
        {"unique_endcl_code"},
    ),
    (
        "V10 expired",
        first(lambda j: not j["is_active"], expires_at=lambda j: j["posted_at"]),
        {"V10_dates"},
    ),
    ("V10 active", value("is_active", lambda j: not j["is_active"]), {"V10_dates"}),
    (
        "V10 future",
        first(
            lambda j: j["is_active"],
            posted_at=lambda j: dt.datetime(2025, 10, 1, 3, tzinfo=dt.UTC),
            expires_at=lambda j: dt.datetime(2025, 10, 15, 3, tzinfo=dt.UTC),
        ),
        {"V10_dates"},
    ),
    (
        "V11 twice",
        value("feature_codes", lambda j: [j["feature_codes"][0], *j["feature_codes"]]),
        {"V11_features"},
    ),
    (
        "V11 unsorted",
        value("feature_codes", lambda j: j["feature_codes"][::-1]),
        {"V11_features"},
    ),
    ("V11 unknown", first(has_room, feature_codes=with_tag(599)), {"V11_features"}),
    ("V11 excluded", first(has_room, feature_codes=with_tag(109, 111)), {"V11_features"}),
    ("V11 few", first(plain, feature_codes=[102, 301]), {"V11_features"}),
    ("V11 none", first(plain, feature_codes=[]), {"V11_features"}),
    (
        "V12",
        first(
            lambda j: j["employment_code"] == 7 and j["salary_code"] == 1,
            salary_code=3,
            salary_min=lambda j: (j["salary_min"] + 100) * 100 * 2,
            salary_max=lambda j: (j["salary_min"] + 100) * 100 * 2,
            feature_codes=with_tag(203),
        ),
        {"V12_pay_type"},
    ),
    ("V13 north", value("lat", 46.5), {"V13_coordinates"}),
    ("V13 nowhere", value("lng", 0.0), {"V13_coordinates"}),
    (
        "V13 walk",
        first(lambda j: j["walk_minutes"] and 401 not in j["feature_codes"], walk_minutes=31),
        {"V13_walk_minutes"},
    ),
    (
        "V14",
        lambda rows: [
            r.update(pref_code="43", city_code="43100") for r in rows if r["pref_code"] == "03"
        ],
        {"V14_prefectures"},
    ),
    (
        "V15",
        lambda rows: [r.update(employment_code=3) for r in rows if r["employment_code"] == 2],
        {"V15_employment"},
    ),
    ("V16", every(salary_max=lambda j: j["salary_min"]), {"V16_equal_pay"}),
    (
        "V17",
        every(
            expires_at=lambda j: j["posted_at"] + dt.timedelta(days=90),
            is_active=True,
        ),
        {"V17_active", "D5_duration"},
    ),
    ("V18", one_company, {"V18_top_company", "D3_at_home"}),
    ("V19", without_row(0), {"row_count"}),
    ("B16", first(lambda j: j["nearest_station"], nearest_station="新宿駅"), {"B16_known_station"}),
    ("J1", value("endcl_code", "J1234567890"), {"J1_external_code"}),
    ("J2 title", value("title", "短い"), {"J2_texts"}),
    ("J2 text", value("description", "長" * 401), {"J2_texts"}),
    ("J3", value("min_days_week", lambda j: j["max_days_week"] + 1), {"J3_days"}),
    ("J4", first(plain, shift_end=lambda j: dt.time(0, 30)), {"J4_shift"}),
    ("J5 half", first(lambda j: j["walk_minutes"], nearest_station=None), {"J5_station"}),
    ("J5 far", first(lambda j: 401 in j["feature_codes"], walk_minutes=11), {"J5_station"}),
    (
        "J6 meals",
        first(
            lambda j: has_room({**j, "major_code": 100}) and j["major_code"] == 200,
            feature_codes=with_tag(409),
        ),
        {"J6_tags"},
    ),
    ("J6 pay", first(has_room, feature_codes=with_tag(203)), {"J6_tags"}),
    ("J6 night", first(has_room, feature_codes=with_tag(107, without=(303,))), {"J6_tags"}),
    (
        "J7",
        first(
            lambda j: not j["is_active"],
            posted_at=lambda j: j["posted_at"].replace(hour=15),
            expires_at=lambda j: j["expires_at"].replace(hour=15),
        ),
        {"J7_posted"},
    ),
    ("J8", first(plain, salary_max=lambda j: j["salary_max"] + 1), {"J8_steps"}),
    ("D3", away_from_home, {"D3_at_home"}),
]


@pytest.mark.parametrize(
    ("fault", "rules"), [f[1:] for f in JOB_FAULTS], ids=[f[0] for f in JOB_FAULTS]
)
def test_a_fault_among_jobs_is_found_under_its_rule(
    world: Faulty, fault: Callable[[Rows], Any], rules: set[str]
) -> None:
    findings = findings_of(world.tables_with("jobs", fault), options(), ["jobs"])
    assert failed(findings) == {f"jobs.{rule}" for rule in rules}
    assert findings.score < 100


MASTER_FAULTS: list[tuple[str, str, Callable[[Rows], Any], set[str]]] = [
    ("P2", "prefectures", value("lg_code6", "010007"), {"prefectures.P2_check_digit"}),
    ("P3", "prefectures", value("iso_3166_2", "JP-02"), {"prefectures.P3_codes_agree"}),
    ("P4", "prefectures", value("population", 5_224_615), {"prefectures.P4_population"}),
    ("P5", "prefectures", value("min_wage_jpy", 1_011), {"prefectures.P5_minimum_wage"}),
    ("C1", "cities", value("lg_code6", "011003"), {"cities.C1_check_digit"}),
    ("C2", "cities", value("lg_code6", "012025"), {"cities.C2_codes_agree"}),
    ("C3", "cities", value("pref_code", "02"), {"cities.C3_prefecture"}),
    ("C4", "cities", value("lat", 12.5), {"cities.C4_coordinates"}),
    ("C5", "cities", value("weight", 0.0), {"cities.C5_weight"}),
    ("C6", "cities", value("kind", "county"), {"cities.C6_kind"}),
    ("C fk", "cities", value("parent_city_code", "99999"), {"cities.foreign_key_parent_city_code"}),
    ("O2", "occupation_majors", value("share_target", 21.01), {"occupation_majors.O2_shares"}),
    ("O3", "occupation_majors", value("pay_factor", 0.99), {"occupation_majors.O3_pay_factor"}),
    ("O5", "occupation_minors", value("share_in_major", 0.5), {"occupation_minors.O5_shares"}),
    ("O6", "occupation_minors", value("night_share", 1.5), {"occupation_minors.O6_night_share"}),
    ("E1", "employment_types", value("share_target", 40), {"employment_types.E1_shares"}),
    ("S1", "salary_types", value("unit", "week"), {"salary_types.S1_unit"}),
    ("S2", "salary_types", value("hours_equiv", 0), {"salary_types.S2_positive"}),
    ("F3", "feature_tags", value("base_prob", 1.01), {"feature_tags.F3_base_prob"}),
    ("F4", "feature_tags", value("excludes", [111]), {"feature_tags.F4_excludes"}),
    ("N1 code", "needs", value("rule_json", '{"features": [999]}'), {"needs.N1_rule"}),
    ("N1 text", "needs", value("rule_json", "nonsense"), {"needs.N1_rule"}),
    ("K1", "seo_keywords", value("minor_code", None), {"seo_keywords.K1_target"}),
    ("K2", "seo_keywords", value("normalized", "ほーる"), {"seo_keywords.K2_normalized"}),
    ("K3", "seo_keywords", value("difficulty", 101), {"seo_keywords.K3_figures"}),
    ("K4", "seo_keywords", value("monthly_volume", 91_000), {"seo_keywords.K4_zipf"}),
    ("K5", "seo_keywords", value("intent", "fun"), {"seo_keywords.K5_intent"}),
    ("K unique", "seo_keywords",
     lambda rows: rows[0].update(keyword=rows[1]["keyword"], normalized=rows[1]["normalized"]),
     {"seo_keywords.unique_keyword"}),
    ("B16", "companies", value("name_ja", "株式会社ローソン"), {"companies.B16_known_name"}),
    ("B1", "companies", value("popularity", 1.5), {"companies.B1_popularity"}),
    ("B2", "companies", value("size_band", "XS"), {"companies.B2_size"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "fault", "rules"), [f[1:] for f in MASTER_FAULTS], ids=[f[0] for f in MASTER_FAULTS]
)
def test_a_fault_among_masters_is_found_under_its_rule(
    world: Faulty, table: str, fault: Callable[[Rows], Any], rules: set[str]
) -> None:
    findings = findings_of(world.tables_with(table, as_stored(fault)), options())
    assert failed(findings) == rules


def as_stored(fault: Callable[[Rows], Any]) -> Callable[[Rows], Any]:
    """Plain numbers as the decimals that columns of two decimals hold."""

    def stored(rows: Rows) -> None:
        decimals = {name for name, found in rows[0].items() if isinstance(found, Decimal)}
        fault(rows)
        for name in decimals:
            rows[0][name] = Decimal(str(rows[0][name])).quantize(Decimal("0.01"))

    return stored


def test_a_missing_prefecture_is_named(world: Faulty) -> None:
    findings = findings_of(world.tables_with("prefectures", without_row(31)), options())
    found = next(f for f in findings.failed if f.name == "P1_all_prefectures")
    assert found.examples == ("32 島根県 (Shimane) is missing",)
    assert found.blocking


def test_the_score_falls_by_what_the_formula_says(world: Faulty) -> None:
    findings = findings_of(
        world.tables_with("jobs", lambda rows: [r.update(lat=0.0) for r in rows[:600]]), options()
    )
    weights = sum(rule.weight for table in WORLD.tables for rule in rules_of(table))
    assert findings.score == pytest.approx(100 * (1 - 0.1 / weights))
    assert findings.passed
