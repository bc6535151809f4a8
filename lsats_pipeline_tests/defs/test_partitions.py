"""The calendar: days that are known and today, at every time of a server's life."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster import PartitionKeyRange
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.snap import PartitionsSnap

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs import partitions
from lsats_pipeline.defs.partitions import calendar
from lsats_pipeline.hub.days import ask_for_days

ZONE = HubSettings(_env_file=None).zone  # type: ignore[call-arg]
LOADED = dt.datetime(2026, 12, 1, 22, 0, tzinfo=ZONE)


class Clock(dt.datetime):
    """The clock as it stands when definitions are loaded."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Clock:
        return cls.fromtimestamp(LOADED.timestamp(), tz)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubSettings:
    """Of a hub whose clock stands at 2026-12-01."""
    monkeypatch.setattr(dt, "datetime", Clock)
    return load(HubSettings, lsats_home=tmp_path)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


@contextmanager
def at(when: dt.datetime) -> Iterator[None]:
    """Dagster's own time, by which windows are counted."""
    with partition_loading_context(when):
        yield


def shown(days: dg.PartitionsDefinition, when: dt.datetime = LOADED) -> list[str]:
    """The days without their year."""
    with at(when):
        keys = days.get_partition_keys()
        assert days.get_num_partitions() == len(keys)
    return [key.removeprefix("2026-") for key in keys]


def test_without_a_file_there_is_only_today(settings: HubSettings) -> None:
    assert shown(calendar(settings)) == ["12-01"]


def test_days_that_nobody_observed_do_not_exist(settings: HubSettings) -> None:
    ask_for_days(settings, [day("11-20"), day("11-28"), day("11-29"), day("12-24")])
    days = calendar(settings)
    assert shown(days) == ["11-20", "11-28", "11-29", "12-01"]
    with at(LOADED):
        range_of_days = PartitionKeyRange("2026-11-20", "2026-12-01")
        assert len(days.get_partition_keys_in_range(range_of_days)) == 4
        assert not days.has_partition_key("2026-11-21")


def test_a_server_left_up_over_midnight_shows_the_new_day(settings: HubSettings) -> None:
    ask_for_days(settings, [day("11-29")])
    days = calendar(settings)
    assert shown(days, dt.datetime(2026, 12, 1, 23, 59, 59, tzinfo=ZONE)) == ["11-29", "12-01"]
    midnight = dt.datetime(2026, 12, 2, tzinfo=ZONE)
    assert shown(days, midnight) == ["11-29", "12-01", "12-02"]
    assert shown(days, midnight + dt.timedelta(days=2))[-2:] == ["12-03", "12-04"]
    # The web server and the daemon have it from the code server, as of when that was loaded.
    kept = PartitionsSnap.from_def(days).get_partitions_definition()
    assert shown(kept, midnight) == ["11-29", "12-01", "12-02"]
    with at(midnight):
        assert days.has_partition_key("2026-12-02")  # what the schedule asks for at five


@pytest.mark.parametrize(
    ("today", "days"),
    [("11-20", ["11-10", "11-20"]), ("12-04", ["11-10", "12-04"]), ("12-01", ["11-10", "12-01"])],
)
def test_a_trial_on_another_day_shows_that_one_as_the_last(
    settings: HubSettings, today: str, days: list[str]
) -> None:
    ask_for_days(settings, [day("11-10")])
    trial = settings.model_copy(update={"lsats_today": day(today)})
    assert shown(calendar(trial)) == days
    assert shown(calendar(trial), LOADED + dt.timedelta(days=10)) == days


def test_the_days_of_all_assets_are_a_calendar() -> None:
    assert isinstance(partitions.HUB_DAYS, dg.DailyPartitionsDefinition)
