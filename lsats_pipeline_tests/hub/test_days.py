"""The days that a hub knows, and the file that they are in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.days import ask_for_days, days_file, known_days, record_observed
from lsats_pipeline.warehouse import Warehouse, recorded_run

DAYS = [dt.date(2026, 3, 2) + dt.timedelta(days=n) for n in range(5)]
USERS = Asset("bronze", "tdx", "user", "tdx_user")


def read(warehouse: Warehouse, asset: Asset, day: dt.date, *, well: bool = True) -> None:
    """A run of a day in the run log."""
    with recorded_run(warehouse, asset, day) as run:
        if well:
            run.complete()


def record(warehouse: Warehouse, settings: HubSettings) -> None:
    with warehouse.connection() as connection:
        record_observed(connection, settings)


def test_days_are_those_that_a_stream_was_read_for(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    assert known_days(hub_settings) == []
    read(warehouse, USERS, DAYS[2])
    read(warehouse, USERS, DAYS[0])
    read(warehouse, USERS, DAYS[1], well=False)
    read(warehouse, Asset("silver", "silver", "users", "users"), DAYS[3])
    record(warehouse, hub_settings)
    assert known_days(hub_settings) == [DAYS[0], DAYS[2]]
    later = hub_settings.model_copy(update={"lsats_first_day": DAYS[1]})
    assert known_days(later) == [DAYS[2]]


def test_the_file_is_replaced_whole_and_only_when_something_changes(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    read(warehouse, USERS, DAYS[0])
    record(warehouse, hub_settings)
    file = days_file(hub_settings)
    before = file.stat().st_ino
    record(warehouse, hub_settings)
    assert file.stat().st_ino == before
    assert json.loads(file.read_text())["observed"] == ["2026-03-02"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["days.json"]


def test_a_day_that_is_asked_for_is_known_until_the_date_ends(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    ask_for_days(hub_settings, DAYS[:2])
    assert known_days(hub_settings) == DAYS[:2]
    read(warehouse, USERS, DAYS[0])
    record(warehouse, hub_settings)
    kept = json.loads(days_file(hub_settings).read_text())
    assert (kept["observed"], list(kept["asked"])) == (["2026-03-02"], ["2026-03-03"])
    kept["asked"]["2026-03-03"] = "2026-03-04"  # somebody asked on another date
    days_file(hub_settings).write_text(json.dumps(kept))
    assert known_days(hub_settings) == DAYS[:1]
    record(warehouse, hub_settings)
    assert json.loads(days_file(hub_settings).read_text())["asked"] == {}


@pytest.mark.parametrize("content", ["", "[1]", '{"observed": ["yesterday"]}', "\x00"])
def test_a_damaged_file_is_no_calendar_until_the_next_run(
    warehouse: Warehouse,
    hub_settings: HubSettings,
    content: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    days_file(hub_settings).parent.mkdir()
    days_file(hub_settings).write_text(content)
    assert known_days(hub_settings) == []
    assert "is no list of days" in caplog.text
    read(warehouse, USERS, DAYS[0])
    record(warehouse, hub_settings)
    assert known_days(hub_settings) == DAYS[:1]


def test_a_folder_that_cannot_be_written_fails_no_run_but_a_wish(
    warehouse: Warehouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = load(HubSettings, lsats_home=tmp_path / "file" / "home")
    record(warehouse, settings)
    assert "the days of the calendar were not written" in caplog.text
    with pytest.raises(ConfigurationError, match="LSATS_HOME"):
        ask_for_days(settings, DAYS)
