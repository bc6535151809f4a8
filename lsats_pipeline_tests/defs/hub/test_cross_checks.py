"""The job that checks silver tables against each other."""

from __future__ import annotations

import dagster as dg
import pytest

from lsats_pipeline.definitions import defs
from lsats_pipeline.hub.hub import prepare
from lsats_pipeline.hub.silver.cross_checks import CROSS_CHECKS
from lsats_pipeline.warehouse import Warehouse


def run(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dg.AssetCheckEvaluation]:
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    job = defs().resolve_job_def("hub_cross_checks")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
    assert result.success
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def test_every_rule_is_reported(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(warehouse)
    found = run(warehouse, monkeypatch)
    assert found.keys() == {rule.name for rule in CROSS_CHECKS}
    assert all(e.passed for e in found.values())


def test_what_breaks_a_rule_is_shown(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(warehouse)
    with warehouse.owner() as connection:
        connection.execute("insert into silver.users (uniqname, is_pi) values ('zylphia', true)")
    found = run(warehouse, monkeypatch)["leader_has_lab"]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.asset_key == dg.AssetKey(["silver", "labs"])
    numbers = {name: found.metadata[name].value for name in ("broken", "rows", "share at most")}
    assert numbers == {"broken": 1, "rows": 0, "share at most": 0}
    assert "`lsats doctor` shows it" in str(found.metadata["sample"].value)
    assert "zylphia" not in str(found)


def test_what_names_nobody_is_shown(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(warehouse)
    with warehouse.owner() as connection:
        connection.execute(
            "insert into silver.departments (dept_id, parent_dept_id) values ('170000', '999999')"
        )
    found = run(warehouse, monkeypatch)["parent_department_known"]
    assert found.metadata["sample"].value == "- 170000 (parent 999999)"
