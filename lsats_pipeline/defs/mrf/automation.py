"""When price files run by themselves: as soon as one is new or changed."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.mrf.files import MRF_FILES
from lsats_pipeline.defs.mrf.jobs import mrf_process
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.discovery import Discovery, find
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate

_TICK_SECONDS = 300
# A table of contents may name forty thousand files: the rest follows when these are fetched.
_RUNS_AT_ONCE = 20


@dg.sensor(
    name="mrf_files_sensor",
    job=mrf_process,
    minimum_interval_seconds=_TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Checks LSATS_MRF_SOURCES; a run for every price file that is new or changed.",
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
        return dg.SkipReason(_errors(found) or "nothing is new or changed")
    context.log.info("🆕 %s of %s files that are due", len(requests), len(found.due))
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[
            MRF_FILES.build_add_request([str(request.partition_key) for request in requests])
        ],
        cursor=found.cursor,
    )


def _requests(found: Discovery) -> list[dg.RunRequest]:
    """Dagster starts one run for a run key: one for a version, and one for each try of it."""
    return [
        dg.RunRequest(run_key=due.run_key, partition_key=due.key)
        for due in found.due[:_RUNS_AT_ONCE]
    ]


def _errors(found: Discovery) -> str:
    return "; ".join(f"{source}: {error}" for source, error in found.errors)
