"""The checks of a silver table, from counts and totals alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lsats_pipeline.core.report import Counts
from lsats_pipeline.core.rules import Result
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.silver.completeness import LostRecords
from lsats_pipeline.hub.silver.quality import Totals, evaluate_checks, main_losses, rules_of
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table

USERS, COMPUTERS, TDX_USERS = table("users"), table("computers"), table("tdx_users")
GOOD = Totals(Counter({"1.00": 100}))
POOR = Totals(
    Counter({"1.00": 30, "0.50": 70}),
    Counter({"mcom_only": 66, "missing_department": 70, "missing_email": 1, "renamed": 90}),
)


def checks(
    of: Table,
    before: Totals = GOOD,
    after: Totals = GOOD,
    counts: Counts | None = None,
    **found: Any,
) -> dict[str, Result]:
    state: dict[str, Any] = {
        "fan_out": 0,
        "shared_keys": 0,
        "lost": LostRecords(),
        "accept_removals": False,
        **found,
    }
    results = evaluate_checks(
        of, load(HubSettings), counts or Counts(processed=100), before, after, **state
    )
    return {result.name: result for result in results}


@pytest.mark.parametrize("each", SILVER_TABLES, ids=lambda each: each.name)
def test_a_table_has_few_checks_and_each_has_numbers_of_its_own(each: Table) -> None:
    found = checks(each)
    assert list(found) == [rule.name for rule in rules_of(each)]
    assert "keys" in found
    assert len(found) <= 3
    names = [name for result in found.values() for name in result.values]
    assert len(names) == len(set(names))
    for result in found.values():
        assert result.passed
        assert result.values
        assert {type(value) for value in result.values.values()} <= {int, float}


@pytest.mark.parametrize(
    ("of", "found", "check", "failed", "blocks"),
    [
        (TDX_USERS, {"fan_out": 1}, "keys", ["key_unique"], True),
        (TDX_USERS, {"shared_keys": 11}, "keys", ["key_unique"], True),
        (TDX_USERS, {"counts": Counts(200, rejected=1)}, "keys", ["key_not_null"], False),
        (
            TDX_USERS,
            {"counts": Counts(200, rejected=20)},
            "keys",
            ["key_not_null", "reject_share"],
            True,
        ),
        (USERS, {"lost": LostRecords(2, ("tdx_users 1",))}, "keys", ["no_record_lost"], False),
        (USERS, {"counts": Counts(removed=11)}, "removals", ["mass_disappearance"], True),
        # A model reads what is there: rows that vanish are of its own doing.
        (COMPUTERS, {"counts": Counts(removed=11)}, "keys", ["mass_disappearance"], True),
        (USERS, {"after": POOR, "before": POOR}, "quality", [], False),
        (USERS, {"after": POOR}, "quality", ["quality_drop"], False),
        (
            TDX_USERS,
            {"after": POOR},
            "quality",
            ["quality_mean", "quality_low_share", "quality_drop"],
            False,
        ),
    ],
)
def test_whatever_does_not_hold_is_named(
    of: Table, found: dict[str, Any], check: str, failed: list[str], blocks: bool
) -> None:
    results = checks(of, **found)
    assert [result.name for result in results.values() if not result.passed] == [check] * bool(
        failed
    )
    assert [rule.name for rule in results[check].failed] == failed
    assert results[check].blocking is blocks
    for name in failed:
        assert f"{name}: " in results[check].description


def test_removals_that_a_person_accepts_pass_with_their_number() -> None:
    found = checks(USERS, counts=Counts(removed=50), accept_removals=True)["removals"]
    assert found.passed
    assert (found.values["removed"], found.values["removed share"]) == (50, 0.5)


def test_quality_says_what_its_level_means() -> None:
    found = checks(USERS, before=POOR, after=POOR)["quality"]
    assert found.description.endswith(
        "; 51% of what scores lack is due to missing_department on 70% of the rows"
    )
    assert found.values["share of mcom_only"] == 0.66
    assert found.values["share of renamed"] == 0.9
    assert found.values["share of ad_disabled"] == 0
    assert found.values["share under 0.70"] == 0.7


def test_a_mean_that_stays_has_no_sign_of_falling() -> None:
    assert "the mean moved by +0.000 since" in checks(USERS)["quality"].description


def test_what_costs_nothing_is_missing_nothing() -> None:
    assert main_losses(USERS, Totals(Counter({"1.00": 5}), Counter({"renamed": 5}))) == ""
    of_few = Totals(Counter({"0.85": 1, "1.00": 9}), Counter({"mcom_only": 1}))
    assert main_losses(USERS, of_few) == (
        "100% of what scores lack is due to mcom_only on 10% of the rows"
        " (only MCommunity knows the person)"
    )


def test_a_fall_names_what_has_grown() -> None:
    fell = checks(USERS, before=GOOD, after=POOR)["quality"]
    assert "since the last run; what has grown most is missing_department" in fell.description


def test_an_empty_table_is_fine() -> None:
    assert checks(USERS, before=Totals(), after=Totals())["quality"].passed
