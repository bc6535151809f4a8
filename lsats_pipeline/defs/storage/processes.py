"""Which process is at work on a run, and what becomes of a run whose process died.

A run is tagged with its process when it starts, whoever started it. The next run that starts on the
machine marks those whose process is gone failed; so does Dagster's daemon, which asks the launcher.
What they had begun in the hub is taken up by the next run of the same assets.
"""

from __future__ import annotations

import os
import socket

import dagster as dg
import psutil
from dagster import DagsterRun, DagsterRunStatus

from lsats_pipeline.defs.storage.internals import (
    HIDDEN_TAG_PREFIX,
    CheckRunHealthResult,
    WorkerStatus,
)

# Hidden from the list of runs by its first letters: it means nothing to people.
PROCESS = f"{HIDDEN_TAG_PREFIX}process"
DIED = "The process at work on this run ended before the run did."


def this_process() -> str:
    """Host, number and start of this process; a later one may have the same number."""
    me = psutil.Process()
    return f"{socket.gethostname()} {me.pid} {_birth(me)}"


def has_died(run: DagsterRun) -> bool:
    """Whether the run was at work on this machine in a process that is gone."""
    host, _, rest = run.tags.get(PROCESS, "").partition(" ")
    if host != socket.gethostname():
        return False
    number, _, birth = rest.partition(" ")
    try:
        return _birth(psutil.Process(int(number))) != birth
    except (psutil.Error, ValueError):
        return True


def _birth(process: psutil.Process) -> str:
    """Seconds from the start of the machine: the time of day changes when its clock is set."""
    return f"{process.create_time() - psutil.boot_time():.2f}"


def fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark the runs of dead processes of this machine failed."""
    at_work = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=at_work)):
        if has_died(run):
            instance.report_run_failed(run, DIED)


class HubRunLauncher(dg.DefaultRunLauncher):
    """Dagster's own launcher; it also tells the daemon when the process of a run has died."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Processes of this machine can be looked for."""
        return os.name == "posix"

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED when the process is gone; of another machine's processes nothing is known."""
        if has_died(run):
            return CheckRunHealthResult(WorkerStatus.FAILED, DIED)
        return CheckRunHealthResult(WorkerStatus.RUNNING)
