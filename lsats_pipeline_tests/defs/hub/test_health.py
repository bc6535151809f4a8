"""The checks of the run log, as Dagster runs them."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from lsats_pipeline.core.report import Asset
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.hub.definitions import hub_definitions
from lsats_pipeline.defs.hub.health import DAYS_GREEN
from lsats_pipeline.hub.health import HEALTH_RULES
from lsats_pipeline.warehouse import Warehouse, recorded_run

DAY = "2026-03-02"
DEPARTMENTS = Asset("bronze", "umich_api", "department", "umich_api_department")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def checked(instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    job = hub_definitions().resolve_job_def("hub_health")
    result = job.execute_in_process(instance=instance)
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_what_is_left_is_a_warning_with_its_number(
    warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    monkeypatch.setenv("LSATS_TODAY", DAY)
    first = checked(instance)
    assert set(first) == {rule.name for rule in (*HEALTH_RULES, DAYS_GREEN)}
    assert all(check.passed for check in first.values())

    with recorded_run(warehouse, DEPARTMENTS, load(HubSettings).today()) as run:
        run.fail("the source ended early")
    monkeypatch.setenv("UM_BASE_URL", "http://127.0.0.1:9")  # half set: the run fails
    job = hub_definitions().resolve_job_def("bronze_ingest")
    failed = job.execute_in_process(
        instance=instance,
        partition_key=DAY,
        asset_selection=[dg.AssetKey(["bronze", "umich_api_department"])],
        raise_on_error=False,
    )
    assert not failed.success
    ended = instance.get_run_by_id(failed.run_id)
    assert ended is not None
    assert ended.tags["dagster/max_retries"] == "0"

    second = checked(instance)
    assert {name for name, check in second.items() if not check.passed} == {
        "none_failed",
        "days_green",
    }
    assert second["none_failed"].metadata["left"].value == 1
    assert second["days_green"].description == f"bronze/umich_api_department: {DAY}"
    assert {check.severity for check in second.values()} == {dg.AssetCheckSeverity.WARN}
