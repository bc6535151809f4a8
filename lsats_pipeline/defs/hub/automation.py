"""When the hub runs by itself.

05:00 ─▶ hub_daily ─ ended well ─▶ hub_cross_checks          08:00 ─▶ hub_health
a document arrives ─▶ documents_ingest          bronze alone was read ─▶ silver after it
"""

from __future__ import annotations

import hashlib

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.automation import SCHEDULES, SENSORS
from lsats_pipeline.defs.hub.health import hub_health
from lsats_pipeline.defs.hub.jobs import documents_ingest, hub_cross_checks, hub_daily
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.hub.configuration import documents_folder
from lsats_pipeline.hub.sources.arrivals import Arrivals, documents_in

# After the nightly jobs of the systems we read, before people come to work.
_FIVE_IN_THE_MORNING = "0 5 * * *"
# When whoever can do something about it comes to work.
_EIGHT_IN_THE_MORNING = "0 8 * * *"
_LOOK_SECONDS = 60


@dg.schedule(
    name="hub_daily_schedule",
    job=hub_daily,
    cron_schedule=_FIVE_IN_THE_MORNING,
    execution_timezone=HUB_DAYS.timezone,
    default_status=SCHEDULES,
    description="The whole hub for the current day.",
)
def hub_daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for today, not for the day of a tick that was missed: the past cannot be read."""
    today = load(HubSettings).today().isoformat()
    return dg.RunRequest(run_key=today, partition_key=today)


hub_health_schedule = dg.ScheduleDefinition(
    name="hub_health_schedule",
    job=hub_health,
    cron_schedule=_EIGHT_IN_THE_MORNING,
    execution_timezone=HUB_DAYS.timezone,
    default_status=SCHEDULES,
    description="Whether anything is left failed, held or waiting, every morning.",
)


@dg.run_status_sensor(
    name="hub_cross_checks_sensor",
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[hub_daily],
    request_job=hub_cross_checks,
    default_status=SENSORS,
    description="What must hold between tables, after a day of the hub that ended well.",
)
def hub_cross_checks_sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest:
    """One run after each."""
    return dg.RunRequest(run_key=context.dagster_run.run_id)


@dg.sensor(
    name="documents_sensor",
    job=documents_ingest,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=SENSORS,
    description=(
        "Looks into LSATS_DATA_FOLDER; a run of the streams of documents, and of all that is made"
        " of them, once a new file has stopped growing."
    ),
)
def documents_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """A run for today when something has arrived; a file that cannot be read asks for no second."""
    settings, before = load(HubSettings), Arrivals.read(context.cursor)
    folder = documents_folder(settings)
    try:
        files = documents_in(folder)
    except OSError as error:
        return dg.SensorResult(skip_reason=f"{folder}: {error.strerror}")
    due, after = before.due(files), before.after(files)
    if not due:
        nothing = "no new file that is complete" if files else "no document is waiting"
        return dg.SensorResult(skip_reason=f"{nothing} in {folder}", cursor=after.text)
    key = hashlib.sha256(repr(sorted(due.items())).encode()).hexdigest()[:16]
    run = dg.RunRequest(run_key=key, partition_key=settings.today().isoformat())
    context.log.info("📄 %s", ", ".join(due))
    return dg.SensorResult(run_requests=[run], cursor=after.text)


silver_automation = dg.AutomationConditionSensorDefinition(
    "silver_automation",
    target=dg.AssetSelection.groups("silver"),
    default_status=SENSORS,
    description=(
        "Silver after bronze that was read outside of a day's run; what that run has built is not"
        " built again."
    ),
)
