"""What is left for a person is counted and named."""

from __future__ import annotations

import datetime as dt

import pytest

from lsats_pipeline.core.report import Asset
from lsats_pipeline.core.rules import Result
from lsats_pipeline.hub.health import HEALTH_RULES, health
from lsats_pipeline.warehouse import Warehouse, recorded_run

TODAY = dt.date(2026, 3, 5)
USERS = Asset("bronze", "tdx", "user", "tdx_user")
GROUPS = Asset("bronze", "mcommunity_ldap", "group", "mcommunity_ldap_group")


def read(warehouse: Warehouse, asset: Asset, day: dt.date = TODAY, **metadata: object) -> None:
    with recorded_run(warehouse, asset, day) as run:
        run.counts.processed = 100
        run.metadata |= metadata
        run.complete()


def examined(warehouse: Warehouse) -> dict[str, Result]:
    with warehouse.connection() as connection:
        return {result.name: result for result in health(connection, TODAY)}


def test_a_hub_that_is_well_passes_every_rule(warehouse: Warehouse) -> None:
    read(warehouse, USERS)
    results = examined(warehouse)
    assert list(results) == [rule.name for rule in HEALTH_RULES]
    assert all(r.passed and r.values["left"] == 0 for r in results.values())
    assert results["none_failed"].values["of"] == 1


def test_an_empty_hub_has_nothing_left(warehouse: Warehouse) -> None:
    assert all(result.passed for result in examined(warehouse).values())


def test_a_stream_whose_last_run_failed_is_named_until_it_ran_well(warehouse: Warehouse) -> None:
    read(warehouse, GROUPS)
    with pytest.raises(ZeroDivisionError), recorded_run(warehouse, USERS, TODAY):
        raise ZeroDivisionError
    failed = examined(warehouse)["none_failed"]
    assert (failed.passed, failed.description) == (False, "bronze/tdx_user: failed")
    assert failed.values == {"left": 1, "of": 2}
    read(warehouse, USERS)
    assert examined(warehouse)["none_failed"].passed


def test_removals_that_are_held_are_counted(warehouse: Warehouse) -> None:
    read(warehouse, USERS, held=40)
    read(warehouse, GROUPS, held=1000)
    held = examined(warehouse)["none_held"]
    assert held.values == {"left": 1040, "of": 200}
    assert "bronze/tdx_user: 40" in held.description
    assert "bronze/mcommunity_ldap_group: 1,000" in held.description


def test_documents_set_aside_and_lost_records_are_counted(warehouse: Warehouse) -> None:
    awards = Asset("bronze", "lab_awards", "lab_award", "lab_awards_lab_award")
    read(warehouse, awards, set_aside={"lab_awards.csv": "cut off"}, lost=2)
    unread = examined(warehouse)["none_unread"]
    assert unread.values["left"] == 3
    assert "bronze/lab_awards_lab_award: lab_awards.csv" in unread.description


def test_what_was_not_read_for_days_is_named(warehouse: Warehouse) -> None:
    read(warehouse, USERS, TODAY - dt.timedelta(days=3))
    read(warehouse, GROUPS, TODAY - dt.timedelta(days=2))
    behind = examined(warehouse)["none_behind"]
    assert behind.description == "bronze/tdx_user: last on 2026-03-02, 3 days ago"
    assert behind.values == {"left": 1, "of": 2}


def test_details_that_nobody_will_ever_read_are_counted(warehouse: Warehouse) -> None:
    with warehouse.owner() as connection:
        for key, failures in (("1", 0), ("2", 5), ("3", 6), ("4", 30)):
            connection.execute(
                "insert into enrichment.fetches (source_system, entity_type, external_id,"
                " list_hash, fetched_at, failures) values ('tdx', 'user_detail', %s, '',"
                " now(), %s)",
                [key, failures],
            )
    given_up = examined(warehouse)["none_given_up"]
    assert given_up.values == {"left": 2, "of": 4}
    assert given_up.description == "tdx/user_detail: 2"


def test_a_long_list_is_cut(warehouse: Warehouse) -> None:
    names = {f"{n}.csv": "cut off" for n in range(30)}
    awards = Asset("bronze", "lab_awards", "lab_award", "lab_awards_lab_award")
    read(warehouse, awards, set_aside=names)
    unread = examined(warehouse)["none_unread"]
    assert unread.description.endswith("and 20 more")
    assert unread.values["left"] == 30
