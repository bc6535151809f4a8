"""Runs as they are recorded: where they belong, which partition they take, whose process died."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import dagster as dg
import psutil
import pytest

from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION, TODAY, all_of, with_default
from lsats_pipeline.defs.storage import HubRunLauncher, adoption
from lsats_pipeline.defs.storage.adoption import adopt, keep_record
from lsats_pipeline.defs.storage.internals import WorkerStatus
from lsats_pipeline.defs.storage.processes import DIED, PROCESS, has_died, this_process
from lsats_pipeline_tests.defs.conftest import bare_environment

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01")


@dg.asset(partitions_def=DAYS)
def measured() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult()


JOB = dg.define_asset_job("measuring", [measured], tags={DEFAULT_PARTITION: TODAY})
LOCATION = dg.Definitions([measured], jobs=[JOB], executor=dg.in_process_executor)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSATS_TODAY", "2026-02-03")


def execute(instance: dg.DagsterInstance, **options: str) -> dg.DagsterRun:
    result = LOCATION.resolve_job_def("measuring").execute_in_process(
        instance=instance, tags=options
    )
    assert result.success
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def test_a_run_is_one_of_the_code_location_and_of_today(instance: dg.DagsterInstance) -> None:
    run = execute(instance)
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.repository_origin.get_label() == "__repository__@lsats_pipeline"
    shown = {name: tag for name, tag in run.tags.items() if not name.startswith(".")}
    assert shown == {"dagster/code_location": "lsats_pipeline", "dagster/partition": "2026-02-03"}
    of_job = dg.RunsFilter(
        job_name="measuring", tags={".dagster/repository": "__repository__@lsats_pipeline"}
    )
    assert [found.run_id for found in instance.get_runs(of_job)] == [run.run_id]
    assert instance.get_materialized_partitions(measured.key) == {"2026-02-03"}


def test_what_the_run_was_started_for_stays(instance: dg.DagsterInstance) -> None:
    run = execute(instance, **{"dagster/partition": "2026-01-05"})
    assert run.tags["dagster/partition"] == "2026-01-05"
    assert DEFAULT_PARTITION not in run.tags


def test_other_storages_choose_when_resources_are_made() -> None:
    """Resources call `choose_default`; here only that the tag says the same then."""
    assert (
        with_default({DEFAULT_PARTITION: all_of(["a", "b", "c"])}).items()
        >= {
            "dagster/asset_partition_range_start": "a",
            "dagster/asset_partition_range_end": "c",
        }.items()
    )
    assert with_default({DEFAULT_PARTITION: all_of(["a"])})["dagster/partition"] == "a"
    assert with_default({"mine": "1"}) == {"mine": "1"}


def test_a_run_of_other_code_is_left_alone(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([measured], instance=instance, partition_key="2026-01-05")
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.remote_job_origin is None


def started(instance: dg.DagsterInstance, process: str) -> str:
    """A run that another process has started."""
    run = instance.create_run_for_job(LOCATION.resolve_job_def("measuring"))
    instance.report_engine_event("at work", run)
    instance.run_storage.handle_run_event(
        run.run_id, dg.DagsterEvent("PIPELINE_START", run.job_name)
    )
    instance.add_run_tags(run.run_id, {PROCESS: process})
    return run.run_id


def dead_process() -> str:
    """The tag of a process of this machine that is gone."""
    program = (
        "from lsats_pipeline.defs.storage.processes import this_process; print(this_process())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=bare_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_next_run_marks_those_of_dead_processes_failed(instance: dg.DagsterInstance) -> None:
    dead = started(instance, dead_process())
    alive = started(instance, this_process())
    elsewhere = started(instance, "another-host 1 1.00")
    execute(instance)
    states = {run.run_id: run.status for run in instance.get_runs()}
    assert states[dead] == dg.DagsterRunStatus.FAILURE
    assert states[alive] == states[elsewhere] == dg.DagsterRunStatus.STARTED
    (failed,) = instance.all_logs(dead, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert DIED in failed.message


def test_the_daemon_learns_of_it_from_the_launcher(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, HubRunLauncher)
    assert launcher.supports_check_run_worker_health

    def health(process: str) -> WorkerStatus:
        run = instance.get_run_by_id(started(instance, process))
        assert run is not None
        return launcher.check_run_worker_health(run).status

    assert health(f"{this_process()[:-4]}0.00") == WorkerStatus.FAILED
    assert health(this_process()) == WorkerStatus.RUNNING
    assert health("another-host 1 1.00") == WorkerStatus.RUNNING


def test_a_clock_that_is_set_kills_nobody(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = instance.get_run_by_id(started(instance, this_process()))
    assert run is not None
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: booted + 3600)
    assert not has_died(run)


@dg.asset
def kept(context) -> dg.MaterializeResult[None]:
    keep_record(context.instance, context.run, Path(context.run.tags["folder"]))
    return dg.MaterializeResult()


def test_the_record_of_a_run_of_a_temporary_folder_is_adopted(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = dg.Definitions(
        [kept], jobs=[dg.define_asset_job("keeping", [kept])], executor=dg.in_process_executor
    ).resolve_job_def("keeping")
    home = tmp_path / ".tmp_dagster_home_1"
    home.mkdir()
    folder = tmp_path / "kept"
    with dg.DagsterInstance.local_temp(str(home)) as temporary:
        with monkeypatch.context() as patch:  # a process for a step keeps no half of a record
            patch.setattr(multiprocessing, "parent_process", lambda: multiprocessing)
            job.execute_in_process(instance=temporary, tags={"folder": str(folder)})
        assert not folder.exists()
        for _ in range(2):
            job.execute_in_process(instance=temporary, tags={"folder": str(folder)})
        expected = {run.run_id: len(temporary.all_logs(run.run_id)) for run in temporary.get_runs()}
    whole, killed = sorted(folder.glob("*.jsonl"))
    killed.write_bytes(killed.read_bytes()[:-100])  # before its last event was written
    (adopted,) = adopt(instance, folder)
    assert (adopted.run_id, adopted.status) == (whole.stem, dg.DagsterRunStatus.SUCCESS)
    assert adopted.remote_job_origin is not None
    outputs = 1  # which hand on nothing
    assert len(instance.all_logs(whole.stem)) == expected[whole.stem] - outputs
    assert instance.get_latest_materialization_event(kept.key) is not None
    assert list(folder.iterdir()) == [killed]

    assert list(adopt(instance, folder)) == [], "its process is this one, which is alive"
    monkeypatch.setattr(adoption, "has_died", lambda run: True)
    (failed,) = adopt(instance, folder)
    assert (failed.run_id, failed.status) == (killed.stem, dg.DagsterRunStatus.FAILURE)
