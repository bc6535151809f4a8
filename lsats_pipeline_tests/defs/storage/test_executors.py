"""The same jobs with a process for every step: nothing leans on the memory of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from lsats_pipeline.core.settings import CHECKOUT, HubSettings, load
from lsats_pipeline.defs.hub.definitions import hub_definitions
from lsats_pipeline.defs.mrf.definitions import mrf_definitions
from lsats_pipeline.defs.mrf.files import EXAMPLE
from lsats_pipeline_tests.defs.conftest import bare_environment

# Started once with all that is imported; each step is a copy of it.
PRELOAD = ["lsats_pipeline_tests.defs.storage.test_executors", "dagster_postgres"]
EXECUTOR = dg.Definitions(
    executor=dg.multiprocess_executor.configured(
        {"max_concurrent": 2, "start_method": {"forkserver": {"preload_modules": PRELOAD}}}
    )
)
# A source through all layers, and another one at the same time.
DEPARTMENTS = [
    dg.AssetKey(key.split("/"))
    for key in (
        "bronze/tdx_department",
        "bronze/umich_api_department",
        "enrichment/tdx_department",
        "silver/tdx_departments",
    )
]


def hub_daily() -> dg.JobDefinition:
    return dg.Definitions.merge(EXECUTOR, hub_definitions()).resolve_job_def("hub_daily")


def mrf_process() -> dg.JobDefinition:
    return dg.Definitions.merge(EXECUTOR, mrf_definitions()).resolve_job_def("mrf_process")


@pytest.fixture(autouse=True)
def home(
    own_forkserver: None, at_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LSATS_DEMO_PEOPLE", "200")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    return tmp_path / "home"


def test_a_day_of_the_hub(instance: dg.DagsterInstance) -> None:
    job = dg.reconstructable(hub_daily)
    with dg.execute_job(job, instance=instance, asset_selection=DEPARTMENTS) as result:
        assert result.success
    today = load(HubSettings).today().isoformat()
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags["dagster/partition"] == today
    for asset in DEPARTMENTS:
        assert instance.get_materialized_partitions(asset) == {today}
        checks = hub_definitions().resolve_assets_def(asset).check_keys
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
        assert {record.status.value for record in latest.values()} == {"SUCCEEDED"}


def test_a_price_file(instance: dg.DagsterInstance) -> None:
    small = {"workers": 1, "span_mb": 1, "example_mb": 0.5, "split_mb": 0.2}
    config = {"resources": {"price_files": {"config": small}}}
    job = dg.reconstructable(mrf_process)
    with dg.execute_job(job, instance=instance, run_config=config) as result:
        assert result.success
    for asset in mrf_process().asset_layer.executable_asset_keys:
        assert instance.get_materialized_partitions(asset) == {EXAMPLE}


LOADED = """
import sys
import lsats_pipeline.cli.runner
from lsats_pipeline.defs.hub.definitions import hub_definitions
hub_definitions().resolve_job_def("hub_daily")
print(*sorted(name for name in sys.modules if name.startswith("lsats_pipeline.")))
"""


def test_a_run_of_the_hub_loads_the_hub_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED],
        env=bare_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    rooms = {".".join(name.split(".")[1:3]) for name in done.stdout.split()}
    assert not {room for room in rooms if room.split(".")[0] in {"mrf", "synthetic"}}
    assert not {"defs.mrf", "defs.worlds"} & rooms
    # The simulated campus is made, and then imported, only where no real source is set.
    assert {room for room in rooms if room.startswith("campus.")} <= {"campus.simulation"}
