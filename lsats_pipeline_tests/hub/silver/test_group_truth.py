"""Members and owners of groups equal the truth of the campus, on every day."""

from __future__ import annotations

import datetime as dt

import pytest

from lsats_pipeline_tests.hub.silver.conftest import DAYS, Day, Lived
from lsats_pipeline_tests.hub.silver.oracle_groups import Truth
from lsats_pipeline_tests.hub.silver.oracle_sources import Row

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)


@EVERY_DAY
def test_members_are_those_of_the_campus(lived: Lived, day: dt.date) -> None:
    found = {
        (row["group_key"], row["member_type"], name_of(row)): (
            row["is_direct_member"],
            row["sources"],
        )
        for row in lived.days[day].silver["group_members"].values()
    }
    wanted = Truth(lived.days[day]).members()
    assert sorted(_frozen(wanted) - _frozen(found)) == [], "missed"
    assert sorted(_frozen(found) - _frozen(wanted)) == [], "false alarms"


@EVERY_DAY
def test_owners_are_those_of_the_campus(lived: Lived, day: dt.date) -> None:
    found = {
        (row["group_key"], row["owner_type"], row["owner_name"])
        for row in lived.days[day].silver["group_owners"].values()
    }
    wanted = Truth(lived.days[day]).owners()
    assert sorted(wanted - found) == [], "missed"
    assert sorted(found - wanted) == [], "false alarms"


@EVERY_DAY
def test_each_member_is_named_by_what_it_is(lived: Lived, day: dt.date) -> None:
    tables = lived.days[day].silver
    spelled = {row["group_key"]: row["group_id"] for row in tables["groups"].values()}
    for row in tables["group_members"].values():
        kind, name = row["member_type"], name_of(row)
        assert row["member_uniqname"] == (name if kind == "user" else None)
        assert row["member_group_id"] == (spelled[name] if kind == "group" else None)
        assert row["member_computer_name"] == (name.upper() if kind == "computer" else None)
        assert row["group_id"] == spelled[row["group_key"]]
        assert row["source_system"] == "+".join(row["sources"])


@EVERY_DAY
def test_who_is_unknown_carries_a_flag(lived: Lived, day: dt.date) -> None:
    tables = lived.days[day].silver
    for table, kind, flag in (
        ("group_members", "member_type", "unknown_member"),
        ("group_owners", "owner_type", "unknown_owner"),
    ):
        for row in tables[table].values():
            unknown = not _is_known(lived.days[day], row[kind], name_of(row))
            assert (flag in row["quality_flags"]) == unknown, row
            assert row["is_known"] != unknown


def name_of(row: Row) -> str:
    """A member's or owner's name in lower case, whatever it is."""
    computer: str = row.get("member_computer_name") or ""
    return computer.lower() or str(row.get("member_name") or row["owner_name"])


def _is_known(day: Day, kind: str, name: str) -> bool:
    """Whether the hub has a record of that kind and name."""
    tables = day.silver
    names = {
        "user": {row["uniqname"] for t in ("users", "ad_users") for row in tables[t].values()},
        "group": set(tables["groups"]),
        "computer": {row["computer_name"].lower() for row in tables["ad_computers"].values()},
        "unknown": set(),
    }
    return name in names[kind]


def test_the_campus_is_worth_the_comparison(lived: Lived) -> None:
    rows = list(lived.days[DAYS[0]].silver["group_members"].values())
    assert {row["member_type"] for row in rows} == {"user", "group", "computer", "unknown"}
    assert {row["source_system"] for row in rows} == {"ad", "mcommunity", "ad+mcommunity"}
    flags = {flag for row in rows for flag in row["quality_flags"]}
    assert flags == {"unknown_member", "indirect_member", "member_of_itself"}


def _frozen(
    links: dict[tuple[str, str, str], tuple[bool, list[str]]],
) -> set[tuple[tuple[str, str, str], tuple[bool, tuple[str, ...]]]]:
    return {(key, (direct, tuple(sources))) for key, (direct, sources) in links.items()}
