"""When things run by themselves: the hub once a day, early; price files when there is a new one."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, MrfSettings, load
from lsats_pipeline.defs.jobs import hub_daily, mrf_process
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.defs.price_files import MRF_FILES
from lsats_pipeline.mrf.sources.discovery import Found, find
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate

# After the nightly jobs of the systems we read, before people come to work.
_FIVE_IN_THE_MORNING = "0 5 * * *"
_TICK_SECONDS = 300
# A table of contents may name forty thousand files: the rest follows when these are fetched.
_RUNS_AT_ONCE = 20


@dg.schedule(
    name="hub_daily_schedule",
    job=hub_daily,
    cron_schedule=_FIVE_IN_THE_MORNING,
    execution_timezone=HUB_DAYS.timezone,
    # Whoever merely opens the UI on a laptop must not start reading directories: the operator of
    # a hub turns it on once, and Dagster remembers that in its database.
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="The whole hub for the current day.",
)
def hub_daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for today, not for the day of a tick that was missed: the past cannot be read."""
    today = load(HubSettings).today().isoformat()
    return dg.RunRequest(run_key=today, partition_key=today)


@dg.sensor(
    name="mrf_files_sensor",
    job=mrf_process,
    minimum_interval_seconds=_TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Looks at LSATS_MRF_SOURCES; a run for every price file that is new or changed.",
)
def mrf_files_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A partition and a run for each file that is due, some at a time."""
    settings, hub = load(MrfSettings), load(HubSettings)
    if not settings.source_list:
        return dg.SkipReason("LSATS_MRF_SOURCES names no table of contents, folder, list or file")
    with hub_url(hub) as url, Warehouse(url) as warehouse:
        migrate(url)
        found = find(warehouse, settings, hub.lsats_home)
        requests = _requests(found)
    for source, error in found.errors:
        context.log.warning("⚠️ %s: %s", source, error)
    if not requests:
        return dg.SkipReason(_told(found) or "nothing is new or changed")
    context.log.info("🆕 %s of %s files that are due", len(requests), len(found.due))
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[
            MRF_FILES.build_add_request([str(request.partition_key) for request in requests])
        ],
        cursor=found.cursor,
    )


def _requests(found: Found) -> list[dg.RunRequest]:
    """Dagster starts one run for a run key: one for a version, and one for each try of it."""
    return [
        dg.RunRequest(run_key=due.run_key, partition_key=due.key)
        for due in found.due[:_RUNS_AT_ONCE]
    ]


def _told(found: Found) -> str:
    return "; ".join(f"{source}: {error}" for source, error in found.errors)
