"""Days: the one partitioning of all hub assets, and which day a run is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.days import known_days


def calendar(settings: HubSettings) -> dg.DailyPartitionsDefinition:
    """The days that are known and today: what a person can look at, or run.

    What is not known when it is made never gets in; each new day does, from its first minute.
    """
    today, date = settings.today(), dt.datetime.now(settings.zone).date()
    days = {day for day in known_days(settings) if day <= max(today, date)} | {today}
    first, last = min(days), max(days)
    span = (first + dt.timedelta(days=n) for n in range((last - first).days))
    gaps = [dt.datetime.combine(day, dt.time()) for day in span if day not in days]
    # A trial on another day (LSATS_TODAY) goes no further than that; the clock's date is no day.
    trial = settings.lsats_today is not None
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=(last + dt.timedelta(days=1)).isoformat() if trial else None,
        timezone=settings.lsats_timezone,
        end_offset=max(0, (last - date).days + 1) if trial else 1,
        exclusions=gaps or None,
    )


# Days, first day and time zone are part of the definitions, so they are read when this is imported.
HUB_DAYS = calendar(load(HubSettings))
_CHOSEN = ("dagster/partition", "dagster/asset_partition_range_start")


def days_of(tags: Mapping[str, str]) -> list[dt.date]:
    """The days that the tags of a run choose, in order; none when they are no days of the hub."""
    first = tags.get(_CHOSEN[0], tags.get(_CHOSEN[1], ""))
    last = tags.get(_CHOSEN[0], tags.get("dagster/asset_partition_range_end", first))
    try:
        begin, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        return []
    return [begin + dt.timedelta(days=n) for n in range((end - begin).days + 1)]


def days(context: dg.AssetExecutionContext) -> list[dt.date]:
    """The days of a run in order; several when a range runs as one."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]
