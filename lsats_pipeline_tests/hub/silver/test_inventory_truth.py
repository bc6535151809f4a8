"""Flags of assets, directory objects, inventory and awards; and what is worked out of those.

Tier 1 itself is compared in test_truth.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline_tests.hub.silver import oracle_directories as directories
from lsats_pipeline_tests.hub.silver import oracle_inventory as inventory
from lsats_pipeline_tests.hub.silver.conftest import DAYS, Day, Lived
from lsats_pipeline_tests.hub.silver.oracle_sources import Row
from lsats_pipeline_tests.hub.silver.oracles import SOURCES, VOLATILE

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
Rows = dict[str, Row]
FLAGS = {
    "tdx_assets": inventory.asset_flags,
    "keyconfigure_cards": inventory.card_flags,
    "lab_awards": inventory.award_flags,
    "ad_groups": directories.ad_group_flags,
    "ad_computers": directories.ad_computer_flags,
    "mcommunity_groups": directories.mcommunity_group_flags,
    "keyconfigure_computers": inventory.machine_flags,
    "ad_organizational_units": directories.unit_flags,
}
# Columns that no oracle foretells: what the simulators add, and ids of bronze rows.
UNFORETOLD = {
    "keyconfigure_computers": {"consolidated_raw_ids", "source_raw_ids"},
    "ad_organizational_units": {"source_raw_ids"} | VOLATILE["ad_units"],
}
WORKED_OUT = pytest.mark.parametrize("name", UNFORETOLD)


def expected(day: Day, name: str) -> Rows:
    if name == "keyconfigure_computers":
        return inventory.keyconfigure_computers(expected(day, "keyconfigure_cards"))
    if name == "ad_organizational_units":
        return directories.ad_organizational_units(
            expected(day, "ad_units"), expected(day, "ad_computers")
        )
    return SOURCES[name](day.known)


@EVERY_DAY
@WORKED_OUT
def test_machines_and_units_follow_from_cards_and_objects(
    lived: Lived, name: str, day: dt.date
) -> None:
    wanted, found = expected(lived.days[day], name), lived.days[day].silver[name]
    assert found.keys() == wanted.keys()
    assert differences(wanted, found) == []


@EVERY_DAY
@pytest.mark.parametrize("name", FLAGS)
def test_flags_are_raised_where_they_belong(lived: Lived, name: str, day: dt.date) -> None:
    found = lived.days[day].silver[name]
    assert [
        (key, sorted(FLAGS[name](row)), found[key]["quality_flags"])
        for key, row in expected(lived.days[day], name).items()
        if FLAGS[name](row) != set(found[key]["quality_flags"])
    ] == []


@WORKED_OUT
def test_the_oracles_cover_every_column(lived: Lived, name: str) -> None:
    row = next(iter(expected(lived.days[DAYS[0]], name).values()))
    assert row.keys() | UNFORETOLD[name] == {c.name for c in table(name).all_columns}


def differences(wanted: Rows, found: Rows) -> list[tuple[str, str, Any, Any]]:
    """(key, column, expected, found) of every cell that is not as expected."""
    return [
        (key, column, value, found[key][column])
        for key, row in wanted.items()
        for column, value in row.items()
        if found[key][column] != value
    ]
