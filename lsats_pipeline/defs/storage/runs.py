"""Runs as they are recorded: each under its job in the UI, each with its partition, its process.

A run that Dagster's servers start has all that. One started by `lsats run`, `dagster job execute`
or `dg launch` has no origin, so no page would show it and nobody could run it again.
"""

from __future__ import annotations

import datetime as dt
import sys

from dagster import DagsterEvent, DagsterEventType, DagsterRun
from dagster_postgres import PostgresRunStorage

from lsats_pipeline.defs.default_partition import with_default
from lsats_pipeline.defs.storage.internals import (
    CODE_LOCATION_TAG,
    LoadableTargetOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from lsats_pipeline.defs.storage.processes import PROCESS, fail_dead_runs, this_process

# As in workspace.yaml and pyproject.toml (a test compares them).
LOCATION = "lsats_pipeline"
MODULE = "lsats_pipeline.definitions"
_REPOSITORY = "__repository__"  # Dagster's name for the definitions of a module
_EPHEMERAL = "__ephemeral"  # jobs of `dg.materialize`, which no code location has


class RunStorage(PostgresRunStorage):
    """Dagster's runs in PostgreSQL."""

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        """Record a run; Dagster goes on with what this returns."""
        return super().add_run(under_its_job(with_its_partition(dagster_run)))

    def handle_run_event(
        self, run_id: str, event: DagsterEvent, update_timestamp: dt.datetime | None = None
    ) -> None:
        """Called in the process that runs it."""
        if event.event_type is DagsterEventType.RUN_START:
            self.add_run_tags(run_id, {PROCESS: this_process()})
            fail_dead_runs(self._instance)
        super().handle_run_event(run_id, event, update_timestamp)


def with_its_partition(run: DagsterRun) -> DagsterRun:
    """The run with the partition that its job declares for runs without one."""
    return run.with_tags(with_default(run.tags))


def under_its_job(run: DagsterRun) -> DagsterRun:
    """The run as one of the code location, unless it is known to be another's."""
    if run.remote_job_origin is not None or run.job_name.startswith(_EPHEMERAL):
        return run
    code = run.job_code_origin
    if code is not None and MODULE not in code.get_repo_pointer().describe():
        return run
    place = ManagedGrpcPythonEnvCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(
            executable_path=sys.executable, module_name=MODULE
        ),
        location_name=LOCATION,
    )
    repository = RemoteRepositoryOrigin(code_location_origin=place, repository_name=_REPOSITORY)
    origin = RemoteJobOrigin(repository_origin=repository, job_name=run.job_name)
    return run.with_job_origin(origin).with_tags({**run.tags, CODE_LOCATION_TAG: LOCATION})
