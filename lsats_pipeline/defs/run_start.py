"""What a run does before its first step: called by the resource that all its steps need."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION, with_default
from lsats_pipeline.defs.storage.adoption import RUNS_FOLDER, keep_record
from lsats_pipeline.defs.storage.runs import RunStorage


def choose_default(context: dg.InitResourceContext) -> None:
    """The same for a run that another storage than the hub's has recorded; its record is kept.

    Called by resources before the first step: without DAGSTER_HOME Dagster keeps its records in a
    temporary folder, and there the tag of the job is still to be seen.
    """
    run, instance = context.run, context.instance
    if run is None or instance is None:
        return
    if DEFAULT_PARTITION in run.tags:
        chosen = with_default(run.tags)
        instance.add_run_tags(run.run_id, chosen)
        # The steps of this process look at this very object; those of others read what is stored.
        del run.tags[DEFAULT_PARTITION]  # type: ignore[attr-defined]
        run.tags.update(chosen)  # type: ignore[attr-defined]
    if isinstance(instance.run_storage, RunStorage):
        return
    keep_record(instance, run, load(HubSettings).lsats_home / RUNS_FOLDER)
