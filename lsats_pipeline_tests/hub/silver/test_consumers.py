"""The views that consumers read: for readers, with rows, with the ids that writing back needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from lsats_pipeline.hub.silver.consumers import declare_silver, view_names
from lsats_pipeline.hub.silver.spec import SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.conftest import Lived

# domain/hub.md 6.1, and machines with their primary lab.
VIEWS = {
    "v_lab_summary", "v_lab_groups", "v_lab_members_detailed", "v_department_labs",
    "v_labs_monitored", "v_labs_refined", "v_lab_active_awards", "v_legitimate_labs",
    "v_eligible_lab_members", "v_lab_members_all_tdx_reference", "v_lab_managers_detailed",
    "v_lab_managers_tdx_reference", "v_lab_locations_detailed", "v_lab_locations_tdx_reference",
    "v_lab_purchase_shortcodes", "v_lab_computers_tdx_reference", "group_summary",
    "user_group_memberships", "synced_groups", "v_computers",
}  # fmt: skip
# Ids without which nothing can be written back (domain/hub.md 6.3).
WRITING = {
    "v_labs_monitored": {"pi_tdx_uid", "department_tdx_id"},
    "v_legitimate_labs": {"department_tdx_id"},
    "v_lab_members_all_tdx_reference": {"member_tdx_uid"},
    "v_lab_managers_tdx_reference": {"manager_tdx_uid", "lab_department_tdx_id"},
    "v_lab_locations_tdx_reference": {"location_id"},
    "v_lab_computers_tdx_reference": {"tdx_asset_id", "tdx_configuration_item_id"},
}


def test_every_view_is_declared() -> None:
    assert sorted(view_names()) == sorted(VIEWS)


def test_every_view_has_rows_for_readers(lived: Lived) -> None:
    assert {name for name, rows in lived.views.items() if not rows} == set()


def test_rows_have_the_ids_for_writing_back(lived: Lived) -> None:
    for name, columns in WRITING.items():
        for column in columns:
            assert [r for r in lived.views[name] if r[column] is None] == [], (name, column)
    for name in (name for name in WRITING if name.endswith("_tdx_reference")):
        assert "lab_tdx_ci_id" in lived.views[name][0], name


def test_a_machine_has_the_lab_of_its_best_pair(lived: Lived) -> None:
    machines = {r["computer_id"]: r for r in lived.views["v_computers"]}
    day = lived.days[max(lived.days)]
    pairs = day.silver["lab_computers"].values()
    assert machines.keys() == day.silver["computers"].keys()
    best = {r["computer_id"]: r for r in pairs if r["is_primary"]}
    for name, machine in machines.items():
        pair = best.get(name, {})
        assert machine["primary_lab_id"] == pair.get("lab_id")
        assert machine["primary_lab_method"] == pair.get("association_method")
        number = sum(r["computer_id"] == name for r in pairs)
        assert machine["lab_association_count"] == number


def test_weak_pairs_are_not_shown(lived: Lived) -> None:
    assert min(r["confidence_score"] for r in lived.views["v_lab_computers_tdx_reference"]) >= 0.65


def test_places_are_ordered_by_how_many_machines_are_there(lived: Lived) -> None:
    for row in lived.views["v_lab_locations_detailed"]:
        more = [
            other
            for other in lived.views["v_lab_locations_detailed"]
            if other["lab_id"] == row["lab_id"] and other["computer_count"] > row["computer_count"]
        ]
        assert row["location_rank"] > len(more)


def test_views_follow_a_changed_table(warehouse: Warehouse) -> None:
    """A view on a column does not keep the column from going."""
    labs = table("labs")
    assert isinstance(labs, SqlModel)
    more = replace(labs, columns=(*labs.columns, SqlColumn("lab_motto", "text")))
    with warehouse.owner() as connection:
        declare_silver(connection, [more if t is labs else t for t in SILVER_TABLES])
        assert "lab_motto" in columns_of(connection, "v_labs_refined")
        declare_silver(connection, SILVER_TABLES)
        assert "lab_motto" not in columns_of(connection, "v_labs_refined")


def columns_of(connection: psycopg.Connection[Any], view: str) -> set[str]:
    described = connection.execute(f"select * from silver.{view}").description
    return {column.name for column in described or ()}


def test_readers_may_look_and_nothing_else(warehouse: Warehouse) -> None:
    with warehouse.owner() as connection:
        declare_silver(connection, SILVER_TABLES)
        connection.execute("set role lsats_reader")
        for name in view_names():
            connection.execute(f"select from silver.{name}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from silver.v_labs_refined")
