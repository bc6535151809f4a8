"""A process for each step: every one opens what it needs, as the run's configuration says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.defs.hub.bronze import bronze_asset
from lsats_pipeline.defs.hub.resources import hub_resources
from lsats_pipeline.defs.hub.silver import silver_asset
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.defs.hub.conftest import DAYS

STEPS = ("bronze__umich_api_department", "silver__umapi_departments")
# Children that have loaded the code already.
EXECUTION = {
    "start_method": {"forkserver": {"preload_modules": ["lsats_pipeline.defs.hub.definitions"]}}
}


def departments() -> dg.JobDefinition:
    """Two assets, one below the other, a process for each."""
    (table,) = (t for t in SILVER_TABLES if t.name == "umapi_departments")
    found = stream("umich_api_department")
    return dg.Definitions(
        assets=[bronze_asset(source(found.source_system), found), silver_asset(table)],
        resources=hub_resources(),
        jobs=[dg.define_asset_job("departments", executor_def=dg.multiprocess_executor)],
    ).resolve_job_def("departments")


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Where several processes can record."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_each_process_opens_its_own(
    hub: None, own_forkserver: None, recorder: dg.DagsterInstance, database_url: str
) -> None:
    with chdir(CHECKOUT):  # from where its processes import this module
        job = dg.reconstructable(departments)
    day = {"dagster/partition": f"{DAYS[0]}"}

    def run(**resources: dict[str, Any]) -> dg.JobExecutionResult:
        config = {key: {"config": fields} for key, fields in resources.items()}
        return dg.execute_job(
            job,
            instance=recorder,
            tags=day,
            run_config={"execution": {"config": EXECUTION}, "resources": config},
        )

    with run(run_options={"dry_run": True}) as dry:
        assert dry.success
        said = "\n".join(entry.user_message for entry in recorder.all_logs(dry.run_id))
        assert [f"🔎 {step.replace('__', '/', 1)} would: " in said for step in STEPS] == [True] * 2
        assert dry.filter_events(lambda event: event.is_step_materialization) == []
    with dg.execute_job(
        job,
        instance=recorder,
        tags=day,
        reexecution_options=dg.ReexecutionOptions(parent_run_id=dry.run_id),
    ) as again:
        assert again.success
        assert again.filter_events(lambda event: event.is_step_materialization) == []
    with run(umich_api={"record_limit": 7}) as real:
        made = real.filter_events(lambda event: event.is_step_materialization)
        assert [event.step_key for event in made] == list(STEPS)
    with Warehouse(database_url) as warehouse:
        assert warehouse.query("select count(*) from bronze.heads")[0][0] == 7
