"""Silver equals the truth: every column with a rule, every row, on three days of a campus.

The expected values are worked out by the oracles next to this file, not by our SQL.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lsats_pipeline.hub.silver.spec import Column, IntegratedTable, StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline_tests.hub.silver.conftest import DAYS, PEOPLE, Day, Lived
from lsats_pipeline_tests.hub.silver.oracle_sources import Row, records
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
        named = {c: s for c, s in found[key]["field_sources"].items() if c not in volatile}
        assert {c: s for c, s in named.items() if c in row.columns} == winners, key
        others = {s for c, s in named.items() if c not in row.columns}
        assert others <= {*row.sources, *WITNESSES.get(table.name, ())}, key
        assert found[key]["sources"] == row.sources, key
        assert found[key]["source_system"] == "+".join(sorted(row.sources)), key
        assert found[key]["source_entity_id"] == key
        witnesses = set(found[key]["source_raw_ids"]) - set(row.sources)
        assert witnesses <= WITNESSES.get(table.name, set()), key
        assert set(row.sources) <= set(found[key]["source_raw_ids"]), key


def covered(day: Day, table: Table) -> set[str]:
    """The columns that an oracle speaks of, and those that differ every day."""
    row: Row
    if isinstance(table, StagingTable):
        row = next(iter(SOURCES[table.name](day.known).values()))
    else:
        row = next(iter(merged(day, table.name).values())).columns
    return row.keys() | VOLATILE.get(table.name, set())


@pytest.mark.parametrize("table", [*TIER1, *TIER2], ids=lambda t: t.name)
def test_what_the_oracles_cover_is_declared(lived: Lived, table: Table) -> None:
    assert covered(lived.days[DAYS[0]], table) <= {c.name for c in table.all_columns}


@pytest.mark.parametrize("table", [*TIER1, *TIER2], ids=lambda t: t.name)
def test_a_column_without_an_oracle_is_filled(lived: Lived, table: Table) -> None:
    day = lived.days[DAYS[-1]]
    found = day.silver[table.name]
    for column in table.all_columns:
        if column.name in covered(day, table):
            continue
        values = {key: row[column.name] for key, row in found.items()}
        assert any(v not in (None, [], {}) for v in values.values()), f"{column.name}: always empty"
        if isinstance(table, StagingTable) and isinstance(column, Column):
            known = given(day, table, column)
            assert {k for k, v in values.items() if v not in (None, [], {})} <= known.keys()
            if column.sql_type == "text":
                said = {k: v.strip().casefold() for k, v in known.items() if isinstance(v, str)}
                shown = {k: v.casefold() for k, v in values.items() if v is not None}
                assert {k: shown.get(k) for k in said} == {k: v or None for k, v in said.items()}


def given(day: Day, table: StagingTable, column: Column) -> dict[str, Any]:
    """What the records have where the column looks; of several values the first."""
    stream, found = table.stream, {}
    for record in records(day.known, stream.source_system, stream.entity_type):
        content = (record.detail if column.detail else record.listed) or {}
        members = {**content, **content.get("attributes", {})}
        values = (members.get(path) for path in column.paths)
        value = next((v for v in values if v not in (None, "", [])), None)
        if column.document or value is not None:
            found[record.key] = value[0] if isinstance(value, list) else value
    return found


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
