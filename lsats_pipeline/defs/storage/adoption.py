"""Records of runs that Dagster keeps nowhere, kept in a file until the hub's storage takes them.

`dagster job execute` without DAGSTER_HOME makes a folder for its records before our code is loaded,
and removes it at the end. So the run writes what is recorded of it to LSATS_HOME/runs as well:

first resource of the run ─▶ <run>.jsonl: process, run, its snapshots, events ─▶ `lsats runs adopt`
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterRun, EventLogEntry

from lsats_pipeline.defs.storage.internals import deserialize_value, serialize_value
from lsats_pipeline.defs.storage.processes import DIED, PROCESS, has_died, this_process
from lsats_pipeline.defs.storage.runs import under_its_job

# Of LSATS_HOME.
RUNS_FOLDER = "runs"
# The folder that Dagster's command line makes where DAGSTER_HOME is not set. Its own constant is in
# a module that takes long to import (`test_internals.py` compares them).
TEMPORARY_HOME = ".tmp_dagster_home_"


def keep_record(instance: dg.DagsterInstance, run: DagsterRun, folder: Path) -> None:
    """Write the run to a file of the folder as long as it lasts, if nobody else keeps it."""
    # A process for one step sees that step alone, and would leave a run that seems to have died.
    if multiprocessing.parent_process() is not None:
        return
    path = folder / f"{run.run_id}.jsonl"
    if not _is_removed_at_the_end(instance) or path.exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    snapshots = (
        instance.get_job_snapshot(str(run.job_snapshot_id)),
        instance.get_execution_plan_snapshot(str(run.execution_plan_snapshot_id)),
    )
    marked = run.with_tags({**run.tags, PROCESS: this_process()})
    # In one step: whoever adopts finds the run whole, or not yet.
    part = path.with_suffix(".part")
    _append(part, marked, *snapshots, *instance.all_logs(run.run_id))
    part.replace(path)
    instance.add_event_listener(run.run_id, lambda event: _append(path, event))


def adopt(instance: dg.DagsterInstance, folder: Path) -> Iterator[DagsterRun]:
    """Take over the runs of the folder that have ended; each as it is recorded then."""
    for path in sorted(folder.glob("*.jsonl")):
        # What was cut off when the process was killed is no line.
        lines = [line for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"]
        records: list[Any] = [deserialize_value(line) for line in lines]
        run, job, plan, *events = records
        if any(map(_ends, events)) or has_died(run):
            _take(instance, run, job, plan, events)
            taken = instance.get_run_by_id(run.run_id)
            if taken is not None and not taken.is_finished:
                instance.report_run_failed(taken, DIED)
            path.unlink()
            yield instance.get_run_by_id(run.run_id) or run


def _take(
    instance: dg.DagsterInstance, run: DagsterRun, job: Any, plan: Any, events: list[EventLogEntry]
) -> None:
    if instance.has_run(run.run_id):  # taking it was interrupted
        instance.delete_run(run.run_id)
    storage = instance.run_storage
    storage.add_job_snapshot(job)
    storage.add_execution_plan_snapshot(plan)
    begun = dt.datetime.fromtimestamp(events[0].timestamp, dt.UTC)
    storage.add_historical_run(under_its_job(run), begun)
    for event in events:
        instance.handle_new_event(event)
    if run.job_name == "mrf_process":
        instance.add_dynamic_partitions("mrf_files", [run.tags["dagster/partition"]])


def _is_removed_at_the_end(instance: dg.DagsterInstance) -> bool:
    if not instance.is_persistent:
        return False
    return Path(instance.root_directory).name.startswith(TEMPORARY_HOME)


def _ends(event: EventLogEntry) -> bool:
    return event.dagster_event_type in {
        dg.DagsterEventType.RUN_SUCCESS,
        dg.DagsterEventType.RUN_FAILURE,
        dg.DagsterEventType.RUN_CANCELED,
    }


def _append(path: Path, *records: Any) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{serialize_value(record)}\n" for record in records)
