"""Rules refuse what makes no sense; results say how a rule fares."""

from __future__ import annotations

from typing import Any

import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.core.rules import SHARE_FLOOR, Result, Rule, combined, exceeds
from lsats_pipeline.hub.silver.spec import QualityRule
from lsats_pipeline.synthetic.rules import NotNull

RULE = Rule("cheap", about="under 100", threshold=0.1)
ERROR = Rule("cheap", severity="error")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("", {}),
        ("cheap", {"severity": "fatal"}),
        ("cheap", {"threshold": 1.5}),
        ("cheap", {"threshold": -0.1}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(BadDeclaration, match=f"rule '{name}'"):
        Rule(name, **fields)


def test_severity_follows_from_the_cost_of_a_flag_and_the_weight_of_a_world_rule() -> None:
    assert QualityRule("missing_name", 0.05, "name is null").severity == "warn"
    assert QualityRule("inactive", 0, "not is_active").severity == "note"
    weights = {w: NotNull("ids", ("id",), about="ids", weight=w).severity for w in (1, 2, 3)}
    assert weights == {1: "warn", 2: "warn", 3: "error"}
    with pytest.raises(BadDeclaration, match="weight of 1, 2 or 3"):
        NotNull("ids", ("id",), about="ids", weight=4)


def test_only_a_failed_error_blocks() -> None:
    assert Result(ERROR, False).blocking
    assert not Result(ERROR, True).blocking
    assert not Result(RULE, False).blocking


@pytest.mark.parametrize(
    ("broken", "rows", "passed", "share"),
    [
        (1, 4, False, 0.25),
        (0, 4, True, 0.0),
        (9, 4, False, 1.0),
        (0, 0, True, 0.0),
        (0, 0, False, 1),
    ],
)
def test_a_share_is_of_what_was_looked_at(
    broken: int, rows: int, passed: bool, share: float
) -> None:
    assert Result(RULE, passed, rows=rows, broken=broken).share == share


def test_a_result_is_one_line() -> None:
    found = Result(RULE, False, "99 at most", 2000, 1500, ("id 1", "id 2"), subject="books")
    assert found.label == "books.cheap"
    assert found.line == "⚠️ books.cheap: 1,500 of 2,000: 99 at most (for example id 1, id 2)"
    assert Result(ERROR, False).line == "❌ cheap: 0 of 0"
    assert Result(ERROR, True).mark == "✅"


def test_a_rule_of_parts_names_those_that_fail_and_blocks_as_they_do() -> None:
    cheap, whole = RULE, Rule("whole", severity="error")
    both = Rule("both", parts=(cheap, whole))
    assert both.blocking
    doubtful = [Result(cheap, False, "2 cost more", values={"dear": 2}), Result(whole, True, "all")]
    found = combined(both, doubtful, "as ever")
    assert (found.passed, found.blocking, found.values) == (False, False, {"dear": 2})
    assert found.description == "cheap: 2 cost more; as ever"
    assert combined(both, [Result(whole, False)]).blocking
    fine = combined(both, [Result(cheap, True, "none"), Result(whole, True, "all")])
    assert (fine.description, list(fine.failed)) == ("none; all", [])


def test_a_share_counts_beyond_a_handful() -> None:
    assert not exceeds(SHARE_FLOOR, 20, 0.1)
    assert exceeds(SHARE_FLOOR + 1, 20, 0.1)
    assert not exceeds(100, 1000, 0.1)
    assert exceeds(101, 1000, 0.1)
