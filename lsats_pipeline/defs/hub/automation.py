"""When the hub runs by itself: once a day, early."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.hub.jobs import hub_daily
from lsats_pipeline.defs.partitions import HUB_DAYS

# After the nightly jobs of the systems we read, before people come to work.
_FIVE_IN_THE_MORNING = "0 5 * * *"


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
