"""The world of jobs: repeatable, as declared at any size, with the document's shares."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from lsats_pipeline.synthetic import blocks
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.validation import verify_generated
from lsats_pipeline.synthetic.worlds.jobs import days, digits, pay
from lsats_pipeline.synthetic.worlds.jobs.options import JobsOptions
from lsats_pipeline.synthetic.worlds.jobs.random_streams import ByGroup
from lsats_pipeline_tests.synthetic.jobs import AS_OF, WORLD, options, tables_of, text_of

JAPAN = dt.timezone(dt.timedelta(hours=9))


@pytest.fixture(scope="module")
def medium() -> dict[str, pa.Table]:
    return tables_of(options(jobs=40_000))


@pytest.fixture(scope="module")
def jobs(medium: dict[str, pa.Table]) -> pa.Table:
    return medium["jobs"]


def share(mask: Any) -> float:
    return float(np.mean(mask.to_numpy() if hasattr(mask, "to_numpy") else mask))


@pytest.mark.parametrize("jobs", [1, 2, 7, 30, 101, 999, 5_000, 10_001, 40_000])
def test_every_rule_holds_at_any_size(jobs: int) -> None:
    findings = verify_generated(WORLD, options(jobs=jobs))
    assert [found.line for found in findings.failed] == []
    assert findings.score == 100.0


@pytest.mark.parametrize(
    "chosen",
    [
        {"seed": 0},
        {"seed": 2**63 - 1},
        {"as_of": dt.date(2000, 1, 1)},
        {"as_of": dt.date(2099, 12, 31)},
        {"mail_share": 0.0},
        {"mail_share": 1.0},
        {"mail_fee_over": 100},
        {"mail_fee_over": 5_000, "mail_share": 0.5},
    ],
)
def test_every_rule_holds_at_the_limits_of_each_option(chosen: dict[str, Any]) -> None:
    findings = verify_generated(WORLD, options(**chosen))
    assert [found.line for found in findings.failed] == []


@pytest.mark.parametrize("day", range(7))
def test_active_share_holds_on_every_weekday(day: int) -> None:
    findings = verify_generated(
        WORLD, options(as_of=AS_OF + dt.timedelta(days=day), jobs=20_000), ["jobs"]
    )
    assert [found.line for found in findings.failed] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jobs", 0),
        ("jobs", 5_000_001),
        ("seed", -1),
        ("seed", 2**63),
        ("mail_fee_over", 99),
        ("mail_fee_over", 0),
        ("mail_fee_over", 150),
        ("mail_fee_over", 5_100),
        ("mail_share", -0.01),
        ("mail_share", 1.01),
        ("as_of", dt.date(1999, 12, 31)),
        ("as_of", dt.date(2100, 1, 1)),
    ],
)
def test_options_outside_their_bounds_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        options(**{name: value})
    assert error.value.errors()[0]["loc"] == (name,)


def test_options_come_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_JOBS", "12")
    monkeypatch.setenv("JOBS_AS_OF", "2025-01-31")
    nothing: dict[str, Any] = {}
    found = JobsOptions(**nothing)
    assert (found.jobs, found.as_of) == (12, dt.date(2025, 1, 31))


def test_default_volume_and_day() -> None:
    fields = WORLD.options.model_fields
    assert fields["jobs"].default == 100_000
    assert fields["as_of"].default == AS_OF


def test_the_same_seed_gives_the_same_bytes_another_gives_others() -> None:
    first, again = (text_of(options(jobs=500), "jobs") for _ in range(2))
    assert first == again
    for table in ("jobs", "companies", "cities", "seo_keywords"):
        one, other = (text_of(options(jobs=500, seed=seed), table) for seed in (1, 2))
        assert one != other


def test_a_block_alone_and_in_any_order_gives_the_same_bytes() -> None:
    chosen, table = options(jobs=20_001), WORLD.table("jobs")
    ordered = [csv_text(blocks.make(table, b).batch) for b in table.blocks("jobs", chosen)]
    backwards = list(table.blocks("jobs", chosen))[::-1]
    assert [csv_text(blocks.make(table, b).batch) for b in backwards][::-1] == ordered
    assert len(ordered) == 3


def test_external_codes_are_the_same_for_another_seed_and_volume() -> None:
    one, other = (
        tables_of(options(jobs=n, seed=seed))["jobs"]["endcl_code"]
        for n, seed in ((50, 1), (80, 2))
    )
    assert one.to_pylist() == other.to_pylist()[:50]


def test_tables_and_rows(medium: dict[str, pa.Table]) -> None:
    documented = {
        "prefectures": 47,
        "cities": 90,
        "occupation_majors": 14,
        "occupation_minors": 96,
        "employment_types": 7,
        "salary_types": 5,
        "feature_groups": 5,
        "feature_tags": 44,
        "needs": 14,
        "seo_keywords": 1_501,
        "companies": 8_000,
        "jobs": 40_000,
    }
    assert {name: medium[name].num_rows for name in documented} == documented


def test_parents_come_first() -> None:
    names = [table.name for table in WORLD.tables]
    for table in WORLD.tables:
        assert all(names.index(parent) < names.index(table.name) for parent in table.parents)


def test_masters_are_stamped_and_jobs_are_found_by_their_external_code() -> None:
    assert [t.name for t in WORLD.tables if not t.stamped] == ["jobs"]
    assert WORLD.table("jobs").natural_key == ("endcl_code",)


def test_stamps_are_midnight_in_japan(medium: dict[str, pa.Table]) -> None:
    midnight = dt.datetime(2025, 9, 30, 15, tzinfo=dt.UTC)
    for table in medium.values():
        for column in ("created_at", "updated_at"):
            assert pc.unique(table[column]).to_pylist() == [midnight]


def test_fees(jobs: pa.Table) -> None:
    fee = jobs["fee"].to_numpy()
    low, high = fee[fee <= 500], fee[fee > 500]
    assert len(high) == 0.92 * len(fee)
    assert Counter(low.tolist()).keys() == {100, 200, 300, 400, 500}
    assert high.min() >= 600
    assert high.max() <= 20_000
    # Cutting off 1.4 % below and 0.3 % above 2,800 moves the median by a step at most.
    assert median(high.tolist()) == pytest.approx(2_800, abs=100)


def test_pay_of_the_document(jobs: pa.Table) -> None:
    equal = share(pc.equal(jobs["salary_min"], jobs["salary_max"]))
    ratio = jobs["salary_max"].to_numpy() / jobs["salary_min"].to_numpy()
    assert equal == 0.45
    assert ratio.max() <= 1.42
    assert ratio[ratio > 1].min() >= 1.05
    # An hour of a part-time waiter in Tokyo: 1,163 x 1.06, give or take 6 %.
    hourly = jobs.filter(
        (pc.field("pref_code") == "13")
        & (pc.field("major_code") == 100)
        & (pc.field("salary_code") == 1)
        & (pc.field("employment_code") == 1)
    )
    wages = hourly["salary_min"].to_numpy()
    assert wages.min() >= 1_170
    assert wages.mean() == pytest.approx(1_163 * 1.06, rel=0.02)


def test_salary_types(jobs: pa.Table) -> None:
    found = Counter(jobs["salary_code"].to_pylist())
    assert found[2] / len(jobs) == pytest.approx(0.06, abs=0.001)
    # Yearly pay goes to neither arubaito, paato nor interns: 80.5 % of 0.5 % become hourly.
    assert found[5] / len(jobs) == pytest.approx(0.005 * 0.195, abs=0.0005)
    pairs = set(
        zip(jobs["employment_code"].to_pylist(), jobs["salary_code"].to_pylist(), strict=True)
    )
    assert not pairs & {(1, 5), (2, 5), (7, 3), (7, 5)}


def test_prefectures_of_the_document(jobs: pa.Table) -> None:
    found = Counter(jobs["pref_code"].to_pylist())
    weights = 126_146_099 + 14_047_594 * 0.6 + 8_837_685 * 0.25 + 7_542_415 * 0.15
    weights += (9_237_337 + 5_135_214) * 0.1
    assert found["13"] / len(jobs) == pytest.approx(14_047_594 * 1.6 / weights, abs=0.004)
    assert found["31"] / len(jobs) == pytest.approx(553_407 / weights, abs=0.002)
    assert len(found) == 47


def test_companies_of_the_document(medium: dict[str, pa.Table]) -> None:
    jobs, companies = medium["jobs"], medium["companies"]
    counts = sorted(Counter(jobs["company_id"].to_pylist()).values(), reverse=True)
    assert counts[0] / len(jobs) == pytest.approx(0.050, abs=0.0005)
    assert sum(counts[:100]) / len(jobs) == pytest.approx(0.51, abs=0.001)
    home = dict(
        zip(companies["company_id"].to_pylist(), companies["pref_code"].to_pylist(), strict=True)
    )
    places = zip(jobs["company_id"].to_pylist(), jobs["pref_code"].to_pylist(), strict=True)
    at_home = Counter(company for company, pref in places if home[company] == pref)
    largest = Counter(jobs["company_id"].to_pylist()).most_common(20)
    assert all(abs(at_home[company] - 0.7 * n) <= 1 for company, n in largest)
    assert len(set(home.values())) == 47


def test_occupations_tilt(jobs: pa.Table) -> None:
    tokyo = jobs.filter(pc.field("pref_code") == "13")
    assert share(pc.equal(tokyo["major_code"], 1300)) == pytest.approx(0.0246, abs=0.006)
    rural = jobs.filter(pc.is_in(pc.field("pref_code"), pa.array(["01", "04", "34", "40"])))
    assert share(pc.equal(rural["major_code"], 300)) == pytest.approx(0.1724, abs=0.02)


def test_tags_of_the_document(jobs: pa.Table) -> None:
    lists = jobs["feature_codes"].combine_chunks()
    sizes = pc.list_value_length(lists).to_numpy()
    assert sizes.mean() == pytest.approx(12, abs=0.5)
    assert (sizes.min() >= 3, sizes.max() <= 25) == (True, True)
    found = Counter(pc.list_flatten(lists).to_pylist())
    base = {301: 0.72, 411: 0.70, 205: 0.68, 102: 0.55, 506: 0.04, 107: 0.10, 109: 0.07, 404: 0.04}
    for code, probability in base.items():
        assert found[code] / len(jobs) == pytest.approx(probability, abs=0.012), code
    food = jobs.filter(pc.field("major_code") == 100)["feature_codes"]
    meals = sum(409 in codes for codes in food.to_pylist())
    assert meals / len(food) == pytest.approx(0.15, abs=0.02)


def test_posted_in_business_hours_of_japan(jobs: pa.Table) -> None:
    posted = [moment.astimezone(JAPAN) for moment in jobs["posted_at"].to_pylist()[:5_000]]
    assert {moment.hour for moment in posted} == set(range(9, 20))
    ages = [(dt.datetime(2025, 10, 1, tzinfo=JAPAN) - moment).days for moment in posted]
    assert (min(ages), max(ages)) == (0, 89)
    # Cut at 90 days the mean of 21 is 19.7; whole days are half a day less, within noise.
    assert np.mean(ages) == pytest.approx(19.4, abs=1.0)


def test_active_share(jobs: pa.Table) -> None:
    assert share(jobs["is_active"]) == pytest.approx(0.745, abs=0.01)


def test_texts_differ_and_speak_of_the_job(medium: dict[str, pa.Table]) -> None:
    jobs, cities = medium["jobs"], medium["cities"]
    names = dict(zip(cities["city_code"].to_pylist(), cities["name_ja"].to_pylist(), strict=True))
    some = jobs.slice(0, 500).to_pylist()
    assert all(names[job["city_code"]] in job["title"] for job in some)
    assert all(names[job["city_code"]] in job["description"] for job in some)
    assert pc.count_distinct(jobs["description"]).as_py() > 0.999 * len(jobs)


def test_shifts_agree_with_tags(jobs: pa.Table) -> None:
    for job in jobs.slice(0, 3_000).to_pylist():
        codes = set(job["feature_codes"])
        if 101 in codes:
            assert job["min_days_week"] == 1
        if 105 in codes:
            assert job["max_days_week"] == 2
        if 106 in codes:
            assert job["max_days_week"] <= 5
        if 108 in codes and not job["is_night"]:
            assert job["shift_start"] < dt.time(8)


def test_stations(jobs: pa.Table) -> None:
    near = np.array([401 in codes for codes in jobs["feature_codes"].to_pylist()])
    none = pc.is_null(jobs["nearest_station"]).to_numpy()
    assert not none[near].any()
    assert none[~near].mean() == pytest.approx(0.40, abs=0.015)


@pytest.mark.parametrize(
    ("code", "digit"), [(1100, 2), (13101, 6), (13104, 1), (27100, 4), (47201, 8), (29000, 9)]
)
def test_area_check_digits(code: int, digit: int) -> None:
    assert digits.area_check_digit(np.array([code])).tolist() == [digit]


def test_external_check_digit_finds_every_changed_digit() -> None:
    code = "J" + f"{123456789:09d}" + str(digits.luhn_digit(np.array([123456789]))[0])
    changed = [code[:n] + str((int(code[n]) + 3) % 10) + code[n + 1 :] for n in range(1, 11)]
    assert digits.bad_external_codes(pa.array([code, *changed])).tolist() == [False] + [True] * 10
    assert digits.bad_external_codes(pa.array(["", "J12", "X1234567897", None])).all()


def test_labels_by_group_never_leave_their_group() -> None:
    drawn = ByGroup(np.array([[0.0, 1.0, 0.0], [0.2, 0.0, 0.8]]))
    edge = np.array([0.0, 0.5, np.nextafter(1.0, 0.0)])
    assert drawn(np.zeros(3, np.int64), edge).tolist() == [1, 1, 1]
    assert drawn(np.ones(3, np.int64), edge).tolist() == [0, 2, 2]


def test_salaries_are_rounded_up() -> None:
    assert pay.rounded_up(np.array([1, 10, 11]), 10).tolist() == [10, 10, 20]


def test_shares_of_weekdays_add_up() -> None:
    shares = days.weekday_shares(AS_OF)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[0] > 2 * shares[6]
