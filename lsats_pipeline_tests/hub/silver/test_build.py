"""What a build does when a table's own SQL is at fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver import ddl
from lsats_pipeline.hub.silver.spec import SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table
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
    assert (failed.name, report.blocked) == ("keys", True)
    assert failed.description.startswith("key_unique: 1 rows came out twice")
    assert failed.values["rows twice"] == 1


def test_only_tables_that_call_a_function_follow_its_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fingerprints(functions: str) -> dict[str, str]:
        file = tmp_path / "functions.sql"
        file.write_text(functions, encoding="utf-8")
        monkeypatch.setattr(ddl, "FUNCTIONS", file)
        ddl.functions.cache_clear()
        return {table.name: ddl.fingerprint(replace(table)) for table in SILVER_TABLES}

    text = ddl.FUNCTIONS.read_text("utf-8")
    before = fingerprints(text)
    body = "'^[0-9]{6}$'"
    assert body in text  # of silver.is_dept_code
    changed = fingerprints(text.replace(body, "'^[0-9]{7}$'"))
    following = {name for name in before if before[name] != changed[name]}
    assert {"departments", "tdx_departments"} <= following
    assert not following & {"computers", "groups", "labs"}
    # Through another function, too: `dn_key` calls `dn_key_of_odd`, which calls this one.
    changed = fingerprints(
        text.replace("return case\n    when strpos(value", "return case  when strpos(value")
    )
    assert before["ad_groups"] != changed["ad_groups"]
    assert fingerprints(text + "\n-- nothing\n") == before
    ddl.functions.cache_clear()
