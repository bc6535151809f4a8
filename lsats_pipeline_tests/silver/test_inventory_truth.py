"""Assets, inventory, awards, groups, computers and units equal the truth, flags included.

Every column with a rule, every row, on three days of a campus, against oracles beside this file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from lsats_pipeline.silver.ddl import fields
from lsats_pipeline.silver.tables import table
from lsats_pipeline_tests.silver import oracle_directories as directories
from lsats_pipeline_tests.silver import oracle_inventory as inventory
from lsats_pipeline_tests.silver.conftest import DAYS, Day, Lived
from lsats_pipeline_tests.silver.oracle_sources import AD_VOLATILE, Row

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
Rows = dict[str, Row]

SOURCES: dict[str, tuple[Callable[..., Rows], Callable[[Row], set[str]]]] = {
    "tdx_assets": (inventory.tdx_assets, inventory.asset_flags),
    "keyconfigure_cards": (inventory.keyconfigure_cards, inventory.card_flags),
    "lab_awards": (inventory.lab_awards, inventory.award_flags),
    "ad_groups": (directories.ad_groups, directories.ad_group_flags),
    "ad_computers": (directories.ad_computers, directories.ad_computer_flags),
    "ad_units": (directories.ad_units, lambda row: set()),
    "mcommunity_groups": (directories.mcommunity_groups, directories.mcommunity_group_flags),
}
# What the simulators add or nobody can foretell; ids of bronze rows.
UNFORETOLD = {
    "keyconfigure_computers": {"consolidated_raw_ids", "source_raw_ids"},
    "ad_organizational_units": {"source_raw_ids"},
}


def expected(day: Day, name: str) -> Rows:
    if name == "keyconfigure_computers":
        return inventory.keyconfigure_computers(expected(day, "keyconfigure_cards"))
    if name == "ad_organizational_units":
        return directories.ad_organizational_units(
            expected(day, "ad_units"), expected(day, "ad_computers")
        )
    return SOURCES[name][0](day.known)


FLAGS = {name: flags for name, (_, flags) in SOURCES.items()} | {
    "keyconfigure_computers": inventory.machine_flags,
    "ad_organizational_units": directories.unit_flags,
}
EVERY_TABLE = pytest.mark.parametrize("name", FLAGS)


@EVERY_DAY
@EVERY_TABLE
def test_tables_say_what_the_systems_know(lived: Lived, name: str, day: dt.date) -> None:
    wanted, found = expected(lived.days[day], name), lived.days[day].silver[name]
    assert found.keys() == wanted.keys()
    assert differences(wanted, found) == []


@EVERY_DAY
@EVERY_TABLE
def test_flags_are_raised_where_they_belong(lived: Lived, name: str, day: dt.date) -> None:
    found = lived.days[day].silver[name]
    assert [
        (key, sorted(FLAGS[name](row)), found[key]["quality_flags"])
        for key, row in expected(lived.days[day], name).items()
        if FLAGS[name](row) != set(found[key]["quality_flags"])
    ] == []


@EVERY_TABLE
def test_the_oracles_cover_every_column(lived: Lived, name: str) -> None:
    row = next(iter(expected(lived.days[DAYS[0]], name).values()))
    volatile = AD_VOLATILE | {"ds_core_propagation_data"} if name.startswith("ad_") else set()
    declared = {c.name for c in table(name).all_columns}
    assert row.keys() | (volatile & declared) | UNFORETOLD.get(name, set()) == declared
    assert declared <= {f.name for f in fields(table(name))}


def differences(wanted: Rows, found: Rows) -> list[tuple[str, str, Any, Any]]:
    """(key, column, expected, found) of every cell that is not as expected."""
    return [
        (key, column, value, found[key][column])
        for key, row in wanted.items()
        for column, value in row.items()
        if found[key][column] != value
    ]
