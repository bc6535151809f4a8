"""Silver equals the truth: every column with a rule, every row, on three days of a campus.

The expected values are worked out by the oracles next to this file, not by our SQL.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lsats_pipeline.hub.silver.spec import IntegratedTable, StagingTable
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline_tests.hub.silver.conftest import DAYS, PEOPLE, Lived
from lsats_pipeline_tests.hub.silver.oracle_sources import Row
from lsats_pipeline_tests.hub.silver.oracles import SOURCES, VOLATILE, merged

TIER1 = [t for t in SILVER_TABLES if isinstance(t, StagingTable)]
TIER2 = [t for t in SILVER_TABLES if isinstance(t, IntegratedTable)]
# Inputs that say something of things that others know.
WITNESSES = {"users": {"award", "unit"}}
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)


def differences(expected: dict[str, Row], found: dict[str, Row]) -> list[tuple[str, str, Any, Any]]:
    """(key, column, expected, found) of every cell that is not as expected."""
    return [
        (key, column, value, found[key][column])
        for key, row in expected.items()
        for column, value in row.items()
        if found[key][column] != value
    ]


@EVERY_DAY
@pytest.mark.parametrize("table", TIER1, ids=lambda t: t.name)
def test_source_tables_say_what_the_systems_know(
    lived: Lived, table: StagingTable, day: dt.date
) -> None:
    expected = SOURCES[table.name](lived.days[day].known)
    found = lived.days[day].silver[table.name]
    assert found.keys() == expected.keys()
    assert differences(expected, found) == []


@EVERY_DAY
@pytest.mark.parametrize("table", TIER2, ids=lambda t: t.name)
def test_merged_tables_say_what_the_precedence_prescribes(
    lived: Lived, table: IntegratedTable, day: dt.date
) -> None:
    expected = merged(lived.days[day], table.name)
    found = lived.days[day].silver[table.name]
    assert found.keys() == expected.keys()
    values = {k: {c: v.value for c, v in e.columns.items()} for k, e in expected.items()}
    assert differences(values, found) == []


@EVERY_DAY
@pytest.mark.parametrize("table", TIER2, ids=lambda t: t.name)
def test_merged_rows_name_the_winner_of_every_value(
    lived: Lived, table: IntegratedTable, day: dt.date
) -> None:
    found = lived.days[day].silver[table.name]
    for key, row in merged(lived.days[day], table.name).items():
        winners = {c: v.source for c, v in row.columns.items() if v.source}
        volatile = VOLATILE.get(table.name, set())
        sources = {c: s for c, s in found[key]["field_sources"].items() if c not in volatile}
        assert sources == winners, key
        assert found[key]["sources"] == row.sources, key
        assert found[key]["source_system"] == "+".join(sorted(row.sources)), key
        assert found[key]["source_entity_id"] == key
        witnesses = set(found[key]["source_raw_ids"]) - set(row.sources)
        assert witnesses <= WITNESSES.get(table.name, set()), key
        assert set(row.sources) <= set(found[key]["source_raw_ids"]), key


def test_the_oracles_cover_every_declared_column(lived: Lived) -> None:
    day = lived.days[DAYS[0]]
    for table in TIER1:
        row = next(iter(SOURCES[table.name](day.known).values()))
        volatile = VOLATILE.get(table.name, set())
        assert row.keys() | volatile == {c.name for c in table.all_columns}, table.name
    for merged_table in TIER2:
        some = next(iter(merged(day, merged_table.name).values()))
        declared = {c.name for c in merged_table.columns}
        found = some.columns.keys() | VOLATILE.get(merged_table.name, set())
        assert found == declared, merged_table.name


def test_the_campus_is_worth_the_comparison(lived: Lived) -> None:
    """Every column has a value somewhere, unless the campus has none to give."""
    users = lived.days[DAYS[-1]].silver["users"]
    assert len(users) > 0.9 * PEOPLE
    columns = next(iter(users.values()))
    unused = {c for c in columns if all(row[c] is None for row in users.values())}
    assert unused <= {"work_address_line2", "work_address_line3", "ad_ou_department"}
    assert {row["source_system"] for row in users.values()} >= {"ad+mcom+tdx+umapi", "mcom", "tdx"}


def test_days_differ(lived: Lived) -> None:
    first, last = (lived.days[d].silver["users"] for d in (DAYS[0], DAYS[-1]))
    assert first.keys() != last.keys()
    assert any(first[k]["updated_at"] != last[k]["updated_at"] for k in first.keys() & last.keys())


def test_building_everything_anew_changes_nothing(lived: Lived) -> None:
    assert lived.rebuilt == {table.name: 0 for table in SILVER_TABLES}
