"""When the hub runs by itself: at a time, after a document, after bronze, and never twice."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import AssetKey

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs.automation import AFTER_ITS_SOURCES
from lsats_pipeline.defs.hub.automation import documents_sensor
from lsats_pipeline_tests.defs.conftest import bare_environment

AUTOMATIONS = {
    "hub_daily_schedule": "hub_daily",
    "hub_health_schedule": "hub_health",
    "mrf_discover_schedule": "mrf_discover",
    "hub_cross_checks_sensor": None,
    "documents_sensor": "documents_ingest",
    "mrf_files_sensor": "mrf_process",
    "silver_automation": None,
}


@pytest.fixture(scope="module")
def location() -> dg.Definitions:
    return defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_all_automation_waits_to_be_turned_on(location: dg.Definitions) -> None:
    repository = location.get_repository_def()
    found: list[Any] = [*repository.schedule_defs, *repository.sensor_defs]
    assert {one.name for one in found} == set(AUTOMATIONS)
    for one in found:
        assert one.default_status.value == "STOPPED", one.name
        assert one.description
        if job := AUTOMATIONS[one.name]:
            assert one.job_name == job


def test_in_containers_all_of_it_is_on() -> None:
    program = (
        "from lsats_pipeline.definitions import defs; r = defs().get_repository_def();"
        "print({d.default_status.value for d in [*r.schedule_defs, *r.sensor_defs]})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=bare_environment(LSATS_AUTOMATION="on"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{'RUNNING'}\n", done.stderr
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    assert compose["services"]["code"]["environment"]["LSATS_AUTOMATION"] == "on"


@pytest.mark.parametrize("day", ["2026-03-03", "2026-03-04"])
def test_the_schedule_asks_for_the_day_that_it_is(
    location: dg.Definitions, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    schedule = location.resolve_schedule_def("hub_daily_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 5 * * *", "America/Detroit")
    monkeypatch.setenv("LSATS_TODAY", day)
    with dg.build_schedule_context(repository_def=location.get_repository_def()) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [(r.run_key, r.partition_key) for r in requests] == [(day, day)]


def test_what_dagster_tries_again_are_runs_whose_process_died() -> None:
    settings = yaml.safe_load((CHECKOUT / "dagster_home" / "dagster.yaml").read_text())
    assert settings["run_retries"] == {
        "enabled": True,
        "max_retries": 1,
        "retry_on_asset_or_op_failure": False,
    }
    assert "pools" not in settings["concurrency"]


def look(cursor: str | None, location: dg.Definitions) -> dg.SensorResult:
    with dg.build_sensor_context(
        cursor=cursor, repository_def=location.get_repository_def()
    ) as context:
        result = documents_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_a_document_that_is_complete_starts_one_run_of_today(
    location: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("LSATS_TODAY", "2026-03-03")
    first = look(None, location)
    assert f"no document is waiting in {tmp_path}" in str(first.skip_reason)
    file = tmp_path / "Lab Awards (1).csv"
    file.write_text("half")
    growing = look(first.cursor, location)
    assert not growing.run_requests
    file.write_text("half and more")
    growing = look(growing.cursor, location)
    assert not growing.run_requests
    still = look(growing.cursor, location)
    (request,) = still.run_requests or ()
    assert request.partition_key == "2026-03-03"
    again = look(still.cursor, location)
    assert not again.run_requests
    os.utime(file, ns=(1, 1))
    (another,) = look(look(again.cursor, location).cursor, location).run_requests or ()
    assert another.run_key != request.run_key


def test_of_a_simulated_campus_the_documents_that_it_reads_are_waited_for(
    location: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LSATS_DATA_FOLDER", raising=False)
    monkeypatch.setenv("LSATS_HOME", str(tmp_path))
    (tmp_path / "simulated" / "inbox").mkdir(parents=True)
    (tmp_path / "simulated" / "inbox" / "lab_awards_2026-03-03.csv").write_text("whole")
    assert look(look(None, location).cursor, location).run_requests
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "Lab Awards.csv").write_text("somebody's: the hub is a real one now")
    real = look(None, location)
    assert "Lab Awards.csv" in str(real.cursor)
    assert "2026-03-03" not in str(real.cursor)


def test_a_folder_that_cannot_be_read_is_said(
    location: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LSATS_DATA_FOLDER", str(tmp_path / "file"))
    assert "Not a directory" in str(look(None, location).skip_reason)


def test_the_job_of_documents_has_all_that_is_made_of_them(location: dg.Definitions) -> None:
    job = location.resolve_job_def("documents_ingest")
    keys = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    bronze = {key for key in keys if key.startswith("bronze/")}
    assert bronze == {"bronze/key_client_computer", "bronze/lab_awards_lab_award"}
    assert {"silver/lab_awards", "silver/labs", "silver/computers", "silver/users"} <= keys
    assert not [key for key in keys if key.startswith("enrichment/")]


# The condition of silver, on two tables above two streams and the project's calendar: the same
# object, without a database to fill.
DAYS = dg.DailyPartitionsDefinition(
    "2026-02-27", end_offset=1, exclusions=[dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 2)]
)
NOW = dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC)
TODAY = "2026-03-04"


def small_hub(*, keys_hold: bool = True) -> dg.Definitions:
    """Two streams, the table of one, and a table of both."""

    def stream(name: str) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            partitions_def=DAYS,
            check_specs=[dg.AssetCheckSpec("keys", asset=name, blocking=True)],
        )
        def read() -> Iterator[dg.MaterializeResult[None]]:
            yield dg.MaterializeResult(
                check_results=[dg.AssetCheckResult(check_name="keys", passed=keys_hold)]
            )

        return read

    def table(name: str, deps: Sequence[str]) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps, partitions_def=DAYS, automation_condition=AFTER_ITS_SOURCES)
        def build() -> None: ...

        return build

    return dg.Definitions(
        [
            stream("one"),
            stream("two"),
            table("staging", ["one"]),
            table("integrated", ["staging", "two"]),
        ]
    )


class Hub:
    """A small hub with a daemon that looks now and then."""

    def __init__(self, instance: dg.DagsterInstance, definitions: dg.Definitions) -> None:
        self.instance, self.definitions = instance, definitions
        self.cursor: Any = None
        self.requested()

    def run(self, *assets: str, day: str = TODAY) -> None:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=self.instance,
            partition_key=day,
            asset_selection=[AssetKey(name) for name in assets],
            raise_on_error=False,
        )

    def requested(self) -> set[str]:
        """What automation asks for at a look, all of it for today."""
        result = dg.evaluate_automation_conditions(
            defs=self.definitions,
            instance=self.instance,
            evaluation_time=NOW,
            cursor=self.cursor,
        )
        self.cursor = result.cursor
        found = {}
        for name in ("staging", "integrated"):
            if keys := result.get_requested_partitions(AssetKey(name)):
                found[name] = keys
        assert all(keys == {TODAY} for keys in found.values())
        return set(found)


@pytest.fixture
def hub(instance: dg.DagsterInstance) -> Hub:
    """After a whole day's run, which automation has seen."""
    made = Hub(instance, small_hub())
    made.run("one", "two", "staging", "integrated")
    made.requested()
    return made


def test_a_whole_days_run_is_not_done_again(hub: Hub) -> None:
    assert hub.requested() == set()
    hub.run("one", "two", "staging", "integrated")
    assert [hub.requested() for _ in range(3)] == [set()] * 3


def test_silver_follows_bronze_that_was_read_alone_once(hub: Hub) -> None:
    hub.run("one")
    assert hub.requested() == {"staging", "integrated"}
    hub.run("staging", "integrated")
    assert [hub.requested() for _ in range(3)] == [set()] * 3


def test_only_what_is_made_of_it_follows(hub: Hub) -> None:
    hub.run("two")
    assert hub.requested() == {"integrated"}


def test_nothing_follows_a_blocking_check_that_failed(instance: dg.DagsterInstance) -> None:
    hub = Hub(instance, small_hub(keys_hold=False))
    hub.run("one")
    hub.run("two")
    assert [hub.requested() for _ in range(2)] == [set()] * 2


def test_a_day_gone_by_asks_for_nothing(hub: Hub) -> None:
    hub.run("one", day="2026-02-28")
    assert hub.requested() == set()
