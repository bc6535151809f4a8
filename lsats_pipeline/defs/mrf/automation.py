"""When price files run by themselves: as soon as the list of files has one that is due.

every hour ─▶ mrf_discover ─▶ mrf/file_list ─▶ catalogue ─ a look a minute ─▶ mrf_process
"""

from __future__ import annotations

import hashlib

import dagster as dg
import psycopg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.automation import SCHEDULES, SENSORS
from lsats_pipeline.defs.mrf.files import MRF_FILES
from lsats_pipeline.defs.mrf.jobs import mrf_discover, mrf_process
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url

_LOOK_SECONDS = 60
# A table of contents may name forty thousand files: the rest follows when these are fetched.
_RUNS_AT_ONCE = 20
# No list is asked for more often (LSATS_MRF_ASK_MINUTES), folders on this disk could be.
_EVERY_HOUR = "7 * * * *"

mrf_discover_schedule = dg.ScheduleDefinition(
    name="mrf_discover_schedule",
    job=mrf_discover,
    cron_schedule=_EVERY_HOUR,
    execution_timezone=load(HubSettings).lsats_timezone,
    default_status=SCHEDULES,
    description="Reads LSATS_MRF_SOURCES every hour.",
)


@dg.sensor(
    name="mrf_files_sensor",
    job=mrf_process,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=SENSORS,
    description="A run for every price file that `mrf/file_list` found new or changed.",
)
def mrf_files_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A partition and a run for each file that is due, some at a time: one query a look."""
    if not load(MrfSettings).source_list:
        return dg.SkipReason("LSATS_MRF_SOURCES names no table of contents, folder, list or file")
    try:
        with (
            hub_url(load(HubSettings)) as url,
            Warehouse(url) as warehouse,
            warehouse.connection() as connection,
        ):
            due = catalog.due(connection, _RUNS_AT_ONCE)
    except psycopg.errors.UndefinedTable:
        return dg.SkipReason("there is no list of files yet: run the job `mrf_discover`")
    if not due:
        return dg.SkipReason("nothing is new or changed")
    context.log.info("🆕 %s files that are due", len(due))
    return dg.SensorResult(
        # Dagster starts one run for a run key: one for a version, and one for each try of it.
        run_requests=[dg.RunRequest(run_key=one.run_key, partition_key=one.key) for one in due],
        dynamic_partitions_requests=[MRF_FILES.build_add_request([one.key for one in due])],
        cursor=hashlib.sha256("\n".join(one.run_key for one in due).encode()).hexdigest()[:32],
    )
