"""What a build does when a table's own SQL is at fault."""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.spec import SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand


def test_rows_that_come_out_twice_are_kept_out(
    warehouse: Warehouse, hub_settings: HubSettings, tmp_path: Path
) -> None:
    query = tmp_path / "twice.sql"
    query.write_text("select keys.key as id from keys, generate_series(1, 2)")
    twice = SqlModel(
        "twice",
        "id",
        upstream=(table("umapi_employees"),),
        query=query,
        scopes="select empl_id from silver.umapi_employees",
        columns=(SqlColumn("id", "text"),),
    )
    hub = ByHand(warehouse, hub_settings, twice)
    assert hub.silver("twice", umich_api_user=[{"EmplId": "7", "EmplRcd": 0}]) == []
    report = hub.reports["twice"]
    [failed] = [check for check in report.checks if check.blocking]
    assert (failed.name, report.blocked) == ("key_unique", True)
    assert failed.description.startswith("1 rows came out twice")
