"""What all automation shares: whether it is on from the start, how fresh things have to be."""

from __future__ import annotations

import datetime as dt

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load

# Whoever merely opens the UI on a laptop must not start reading directories: there a person turns
# each on once, which Dagster remembers. In containers LSATS_AUTOMATION says that they are wanted.
_ON = load(HubSettings).lsats_automation
SCHEDULES = dg.DefaultScheduleStatus.RUNNING if _ON else dg.DefaultScheduleStatus.STOPPED
SENSORS = dg.DefaultSensorStatus.RUNNING if _ON else dg.DefaultSensorStatus.STOPPED

# A day, and some time for the run of the next one.
HUB_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=dt.timedelta(hours=26), fail_window=dt.timedelta(hours=48)
)
# Lists of price files are read every hour.
PRICE_LIST_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=dt.timedelta(hours=3), fail_window=dt.timedelta(hours=26)
)

# Silver after what it is made of, for today. Tables above each other are requested together, in one
# run. Days that were never observed are no reason to wait, a blocking check that failed is one.
# What a run has already built after its bronze is not requested again.
AFTER_ITS_SOURCES = (
    dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
).with_label("after what it is made of")
