"""Days: the one partitioning of all hub assets, and which day a run is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load

# First day and time zone are part of the definitions, so they are read when this is imported.
_SETTINGS = load(HubSettings)
# LSATS_TODAY may try out a day to come.
_AHEAD = max(0, (_SETTINGS.today() - dt.datetime.now(_SETTINGS.zone).date()).days)

HUB_DAYS = dg.DailyPartitionsDefinition(
    start_date=_SETTINGS.lsats_first_day.isoformat(),
    timezone=_SETTINGS.lsats_timezone,
    end_offset=1 + _AHEAD,  # today is a partition from its first minute
)
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
