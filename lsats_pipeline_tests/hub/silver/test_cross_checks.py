"""Checks between tables: each finds what it is there for, and on the campus our own all pass."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.core.rules import Result
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.cross_checks import (
    CROSS_CHECKS,
    CrossCheck,
    check_rules,
    cross_check,
)
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.conftest import Lived
from lsats_pipeline_tests.hub.silver.oracle_labs import Row
from lsats_pipeline_tests.hub.silver.test_labs import Hub

# A row, or a few, that break each rule and as few others as possible.
BROKEN: dict[str, tuple[str, list[Row]]] = {
    "parent_department_known": ("departments", [{"dept_id": "1", "parent_dept_id": "2"}]),
    "user_department_known": ("users", [{"uniqname": "ann", "department_id": "2"}]),
    "supervisor_known": ("users", [{"uniqname": "ann", "primary_supervisor_uniqname": "bob"}]),
    "membership_has_group": ("group_members", [{"membership_id": "m", "group_id": "g"}]),
    "member_person_known": (
        "group_members",
        [{"membership_id": "m", "group_id": "g", "member_uniqname": "ann"}],
    ),
    "member_group_known": (
        "group_members",
        [{"membership_id": "m", "group_id": "g", "member_group_id": "h"}],
    ),
    "group_owner_known": (
        "group_owners",
        [{"ownership_id": "o", "group_id": "g", "owner_uniqname": "ann"}],
    ),
    "computer_owner_known": ("computers", [{"computer_id": "PC", "owner_uniqname": "ann"}]),
    "computer_department_known": (
        "computers",
        [{"computer_id": "PC", "owner_department_id": "1"}],
    ),
    "computer_in_source_once": (
        "computers",
        [{"computer_id": "A", "tdx_asset_id": 1}, {"computer_id": "B", "tdx_asset_id": 1}],
    ),
    "computer_group_known": ("computer_groups", [{"computer_id": "PC"}]),
    "lab_has_leader": ("labs", [{"lab_id": "ann", "pi_uniqname": "ann"}]),
    "leader_has_lab": ("users", [{"uniqname": "ann", "is_pi": True}]),
    "lab_has_members": ("labs", [{"lab_id": "ann"}]),
    "lab_is_more_than_its_leader": ("labs", [{"lab_id": "ann", "is_active": True}]),
    "lab_has_department": ("labs", [{"lab_id": "ann", "primary_department_id": "1"}]),
    "member_has_lab": ("lab_members", [{"lab_member_id": "ann/bob", "lab_id": "ann"}]),
    "manager_is_member": ("lab_managers", [{"lab_manager_id": "ann/bob", "lab_id": "ann"}]),
    "managers_are_three": (
        "lab_managers",
        [{"lab_manager_id": n, "lab_id": "ann", "manager_rank": 1} for n in ("ann/a", "ann/b")],
    ),
    "pair_has_lab_and_computer": (
        "lab_computers",
        [{"lab_computer_id": "ann/PC", "lab_id": "ann", "computer_id": "PC"}],
    ),
    "one_primary_lab": (
        "lab_computers",
        [
            {"lab_computer_id": f"{lab}/PC", "computer_id": "PC", "is_primary": True}
            for lab in ("ann", "bob")
        ],
    ),
}


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> Hub:
    return Hub(warehouse, hub_settings)


def results(hub: Hub) -> dict[str, Result]:
    with hub.warehouse.connection() as connection:
        return {r.name: r for r in cross_check(connection)}


def test_every_rule_finds_what_breaks_it(hub: Hub) -> None:
    assert set(BROKEN) == {rule.name for rule in CROSS_CHECKS}
    assert all(r.passed and r.description == "none of 0 rows" for r in results(hub).values())
    identities = {t.name: t.identity for t in SILVER_TABLES}
    for name, (broken, rows) in BROKEN.items():
        identity = identities[broken]
        hub.put(broken, [{identity: str(n), **row} for n, row in enumerate(rows)])
        found = results(hub)[name]
        assert not found.passed, name
        assert found.broken >= 1
        assert found.examples
        hub.put(broken, [])


def test_a_share_may_be_tolerated(hub: Hub) -> None:
    rows = [{"uniqname": f"u{n}", "department_id": "2" if n == 0 else None} for n in range(60)]
    hub.put("users", rows)
    found = results(hub)["user_department_known"]
    assert (found.broken, found.passed) == (1, True)
    assert found.description == "1 of 60 rows, 2% may be"
    assert list(found.examples) == ["u0 (department 2)"]
    hub.put("users", rows[:10])
    assert not results(hub)["user_department_known"].passed


def test_the_sample_is_short(hub: Hub) -> None:
    hub.put("users", [{"uniqname": f"u{n}", "is_pi": True} for n in range(9)])
    found = results(hub)["leader_has_lab"]
    assert len(found.examples) == 5
    assert found.examples[-1] == "u4 (leads no lab)"
    assert (found.broken, found.rows, found.share) == (9, 0, 1.0)


def test_declarations_are_sound() -> None:
    check_rules(CROSS_CHECKS, SILVER_TABLES)
    twice = CrossCheck("x", "users", "select 1")
    with pytest.raises(BadDeclaration, match=r"\['y'\] name no silver table, \['x'\]"):
        check_rules([twice, twice, CrossCheck("y", "people", "select 1")], SILVER_TABLES)


def test_the_campus_breaks_no_rule_of_ours(lived: Lived) -> None:
    ours = [r for r in lived.crossed if r.rule.blocking]
    assert [(r.rule.name, r.description) for r in ours if not r.passed] == []
    theirs = [r for r in lived.crossed if not r.rule.blocking]
    assert [(r.rule.name, r.description) for r in theirs if not r.passed] == []
    assert len(lived.crossed) == len(CROSS_CHECKS)
