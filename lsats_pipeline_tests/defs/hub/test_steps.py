"""One step at a time, in this process: ranges, tags, failures, and what must not be recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from lsats_pipeline.core.errors import Busy, PermanentError, Unreachable
from lsats_pipeline.core.report import Asset, Counts, Report
from lsats_pipeline.core.rules import Result, combined
from lsats_pipeline.core.settings import on_day
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs.check_results import failed_rules
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.hub.bronze.read_ahead import ReadAhead
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.rules import MASS_DISAPPEARANCE, REMOVALS
from lsats_pipeline.hub.silver.build import asset_of
from lsats_pipeline.hub.sources.source import Stream
from lsats_pipeline_tests.defs.hub.conftest import DAYS

DEPARTMENTS = "bronze/umich_api_department"
MATERIALIZED = AssetPartitionStatus.MATERIALIZED


@cache
def hub_daily() -> dg.JobDefinition:
    """The job: loading it takes longer than many a test."""
    return defs().resolve_job_def("hub_daily")


def run(
    instance: dg.DagsterInstance,
    *assets: str,
    days: list[dt.date] = DAYS[:1],
    tags: dict[str, str] | None = None,
    config: dict[str, Any] | None = None,
    **options: Any,
) -> dg.ExecuteInProcessResult:
    """Some assets of `hub_daily` for some days, as one run; `options`: fields of run_options.

    `config`: of other resources, by key.
    """
    all_tags = dict(tags or {})
    resources = {key: {"config": fields} for key, fields in (config or {}).items()}
    if options:
        resources["run_options"] = {"config": options}
    if len(days) > 1:
        all_tags["dagster/asset_partition_range_start"] = days[0].isoformat()
        all_tags["dagster/asset_partition_range_end"] = days[-1].isoformat()
    return hub_daily().execute_in_process(
        instance=instance,
        partition_key=days[0].isoformat() if len(days) == 1 else None,
        asset_selection=[dg.AssetKey(a.split("/")) for a in assets],
        tags=all_tags,
        run_config={"resources": resources} if resources else None,
        raise_on_error=False,
    )


def recorded(result: dg.ExecuteInProcessResult) -> list[tuple[str, str | None]]:
    """(asset, partition) of what a run recorded."""
    events = result.get_asset_materialization_events()
    return [(e.step_key or "", e.partition) for e in events]


def key(asset: str) -> dg.AssetKey:
    return dg.AssetKey(asset.split("/"))


def step(asset: str) -> str:
    return asset.replace("/", "__")


def canceled(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """Why a run was canceled, as Dagster shows it."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.CANCELED
    assert recorded(result) == []
    entries = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.PIPELINE_CANCELING)
    return (entries[0].dagster_event.message if entries[0].dagster_event else "") or ""


def messages(result: dg.ExecuteInProcessResult) -> str:
    """Why the run or its steps failed, with all causes."""
    texts = []
    for event in result.all_events:
        if event.is_step_failure or event.is_failure:
            error: Any = event.event_specific_data.error  # type: ignore[union-attr]
            while error is not None:
                texts.append(error.message)
                error = error.cause
    return "\n".join(texts)


def test_the_sources_of_a_run_are_read_side_by_side(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, landed = list[str](), list[str]()
    start, take = ReadAhead.start, ReadAhead.take

    def started(self: ReadAhead, streams: dict[Stream, dt.date], read: Any) -> None:
        begun.extend(stream.name for stream in streams)
        start(self, streams, read)

    def taken(self: ReadAhead, stream: Stream, day: dt.date) -> Any:
        if (found := take(self, stream, day)) is not None:
            landed.append(stream.name)
        return found

    monkeypatch.setattr(ReadAhead, "start", started)
    monkeypatch.setattr(ReadAhead, "take", taken)
    assert run(instance, DEPARTMENTS).success
    assert (begun, landed) == ([], [])  # a single stream is read by its step
    two = ["bronze/tdx_department", DEPARTMENTS]
    result = run(instance, *two, "silver/umapi_departments")
    assert result.success
    assert {asset for asset, _ in recorded(result)} >= set(map(step, two))
    assert set(begun) == set(landed) == {"tdx_department", "umich_api_department"}


def test_a_range_of_observed_days_runs_as_one_and_is_recorded_for_each(
    hub: None, instance: dg.DagsterInstance
) -> None:
    for day in DAYS[:2]:
        with on_day(day):
            assert run(instance, DEPARTMENTS, days=[day]).success
    with on_day(DAYS[2]):
        result = run(instance, DEPARTMENTS, "silver/umapi_departments", days=DAYS[:3])
    assert result.success
    name = "bronze__umich_api_department"
    assert [day for key, day in recorded(result) if key == name] == [f"{d}" for d in DAYS[:3]]
    metadata = result.asset_materializations_for_node(name)[0].metadata
    assert metadata["day"].value == "2026-03-02 … 2026-03-04"
    silver = result.asset_materializations_for_node("silver__umapi_departments")
    assert [m.partition for m in silver] == [f"{d}" for d in DAYS[:3]]
    assert silver[0].metadata["day"].value == "2026-03-04"


def test_a_long_range_is_recorded_briefly(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Hub, "build", lambda self, table, day, **_: Report(asset_of(table), day, Counts(), 0.1)
    )
    long = [DAYS[0] + dt.timedelta(days=n) for n in range(30)]
    result = run(instance, "silver/umapi_departments", days=long)
    recorded_days = result.asset_materializations_for_node("silver__umapi_departments")
    assert [m.partition for m in recorded_days] == [f"{day}" for day in long]
    assert "dagster/column_schema" not in recorded_days[0].metadata
    assert "dagster/row_count" in recorded_days[0].metadata


def test_a_range_with_a_day_that_nobody_observed_is_refused(
    hub: None, instance: dg.DagsterInstance
) -> None:
    assert run(instance, DEPARTMENTS).success
    with on_day(DAYS[2]):
        result = run(instance, DEPARTMENTS, "bronze/tdx_department", days=DAYS[:3])
    assert canceled(instance, result) == (
        f"Refused before it started: {DEPARTMENTS} can only be read as it is now, and 2026-03-03"
        " was not observed. Choose 2026-03-04, or leave out what it names"
    )
    assert not [e for e in result.all_events if e.is_step_start]
    # What was green stays green, and what could be read is not red for what could not.
    shown = instance.get_status_by_partition(key(DEPARTMENTS), [f"{d}" for d in DAYS], HUB_DAYS)
    assert shown == dict(zip(map(str, DAYS), [MATERIALIZED, None, None, None], strict=True))


def test_a_past_day_that_was_observed_or_can_be_read_is_no_refusal(
    hub: None, instance: dg.DagsterInstance
) -> None:
    assert run(instance, DEPARTMENTS).success
    with on_day(DAYS[1]):
        result = run(instance, DEPARTMENTS, "bronze/tdx_asset", days=DAYS[:1])
    assert result.success
    note = result.asset_materializations_for_node(step(DEPARTMENTS))[0].metadata["note"].value
    assert note == "already observed; the past cannot be re-read"
    assert run(instance, "silver/umapi_departments", days=DAYS[:1]).success


def test_a_day_that_has_not_come_is_refused(hub: None, instance: dg.DagsterInstance) -> None:
    result = run(instance, "enrichment/tdx_user", days=DAYS[1:2])
    assert "2026-03-03 has not come yet; today is 2026-03-02" in canceled(instance, result)


def test_a_source_that_is_not_configured_is_green_and_says_so(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LSATS_DATA_FOLDER", str(tmp_path))
    assets = (DEPARTMENTS, "enrichment/tdx_user", "silver/tdx_users", "silver/users")
    result = run(instance, *assets, "bronze/lab_awards_lab_award")
    assert result.success
    assert {name for name, _ in recorded(result)} >= {step(asset) for asset in assets}
    for asset, remedy in ((DEPARTMENTS, "set UM_BASE_URL"), (assets[1], "set TDX_BASE_URL")):
        metadata = result.asset_materializations_for_node(step(asset))[0].metadata
        assert metadata["configured"].value is False
        assert str(metadata["note"].value).startswith(f"not configured: {remedy}")
        checks = [c for c in result.get_asset_check_evaluations() if c.asset_key == key(asset)]
        assert all(check.passed for check in checks)
        assert {(check.description or "")[:14] for check in checks} == {"not configured"}
    award = result.asset_materializations_for_node("bronze__lab_awards_lab_award")[0].metadata
    assert award["note"].value == "no new file"
    assert "configured" not in award


def test_a_source_that_is_half_set_fails_the_run_before_it_starts(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AD_LDAP_URL", "ldap://127.0.0.1:9")
    result = run(instance, "bronze/active_directory_user", "silver/ad_users")
    ended = instance.get_run_by_id(result.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE
    assert "also needs AD_USER, AD_PASSWORD" in messages(result)
    assert not [e for e in result.all_events if e.is_step_start]
    # What does not read it is not kept from running.
    assert run(instance, "silver/umapi_departments").success


def test_what_keeps_a_run_from_starting_turns_no_day_gone_by_red(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(instance, DEPARTMENTS).success
    monkeypatch.setenv("UM_BASE_URL", "http://127.0.0.1:9")
    with on_day(DAYS[1]):
        result = run(instance, DEPARTMENTS, days=DAYS[:1])
    assert "real and simulated records stay apart" in canceled(instance, result)
    shown = instance.get_status_by_partition(key(DEPARTMENTS), [f"{d}" for d in DAYS], HUB_DAYS)
    assert shown == dict(zip(map(str, DAYS), [MATERIALIZED, None, None, None], strict=True))


def test_half_set_on_a_day_gone_by(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UM_BASE_URL", "http://127.0.0.1:9")
    with on_day(DAYS[1]):
        result = run(instance, DEPARTMENTS, days=DAYS[:1])
    assert "also needs UM_CATEGORY_ID" in canceled(instance, result)


def test_a_day_observed_before_is_read_again_without_harm(
    hub: None, instance: dg.DagsterInstance
) -> None:
    first, again = run(instance, DEPARTMENTS), run(instance, DEPARTMENTS)
    name = "bronze__umich_api_department"
    assert first.asset_materializations_for_node(name)[0].metadata["new"].value
    metadata = again.asset_materializations_for_node(name)[0].metadata
    assert (metadata["new"].value, metadata["changed"].value) == (0, 0)


def failing_with(error: Exception, calls: list[str]) -> Callable[..., Report]:
    def ingest(self: Hub, stream: Stream, day: dt.date, **options: Any) -> Report:
        calls.append(stream.name)
        raise error

    return ingest


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (Busy("bronze/x is being written by process 7"), 3),
        (Unreachable("the gateway does not answer"), 3),
        (PermanentError("the source ended early"), 1),
        (ZeroDivisionError("a mistake"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_what_may_pass_by_itself_is_tried_again(
    hub: None,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    tries: int,
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(Hub, "ingest", failing_with(error, calls))
    result = run(instance, DEPARTMENTS)
    assert not result.success
    assert len(calls) == tries
    assert str(error) in messages(result)


def blocked(self: Hub, table: Any, day: dt.date, **options: Any) -> Report:
    check = Result(MASS_DISAPPEARANCE, False, "90 of 100 rows would be removed")
    found = (combined(REMOVALS, [check]),)
    return Report(asset_of(table), day, Counts(processed=10), 0.1, checks=found)


def test_a_blocked_table_is_not_recorded_and_nothing_builds_on_it(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hub, "build", blocked)
    result = run(instance, "silver/umapi_departments", "silver/departments")
    assert not result.success
    assert recorded(result) == []
    assert "was left as it was, because mass_disappearance: 90 of 100 rows" in messages(result)
    failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
    assert [(c.check_name, failed_rules(c)) for c in failed] == [
        ("removals", ("mass_disappearance",))
    ]
    assert {e.step_key for e in result.all_events if e.event_type_value == "STEP_START"} == {
        "silver__umapi_departments"
    }


def on_hold(self: Hub, stream: Stream, day: dt.date, **options: Any) -> Report:
    accepted = options["accept_removals"]
    check = Result(REMOVALS, accepted, "50 records vanished at once")
    asset = Asset("bronze", stream.source_system, stream.entity_type, stream.name)
    return Report(asset, day, Counts(), 0.1, checks=(check,))


@pytest.mark.parametrize(
    ("options", "through"),
    [({"accept_removals": True}, True), ({"accept_removals": False}, False)],
)
def test_an_option_accepts_removals_that_a_check_holds_back(
    hub: None,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    through: bool,
) -> None:
    monkeypatch.setattr(Hub, "ingest", on_hold)
    result = run(instance, DEPARTMENTS, "silver/umapi_departments", **options)
    assert result.success is through
    # What was landed stays and is recorded; what would build on it waits.
    assert (("bronze__umich_api_department", "2026-03-02")) in recorded(result)
    assert (("silver__umapi_departments", "2026-03-02") in recorded(result)) is through


@pytest.mark.parametrize(("options", "full"), [({"full": True}, True), ({}, False)])
def test_an_option_asks_for_every_row_to_be_worked_out_again(
    hub: None,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    full: bool,
) -> None:
    asked: list[bool] = []

    def build(self: Hub, table: Any, day: dt.date, **options: Any) -> Report:
        asked.append(options["full"])
        return Report(asset_of(table), day, Counts(), 0.1)

    monkeypatch.setattr(Hub, "build", build)
    assert run(instance, "silver/umapi_departments", **options).success
    assert asked == [full]


@pytest.mark.parametrize("name", ["full", "accept_removals"])
def test_a_tag_is_no_option(hub: None, instance: dg.DagsterInstance, name: str) -> None:
    result = run(instance, "silver/umapi_departments", tags={f"lsats/{name}": "true"})
    assert not result.success
    assert f"set run_options.{name} in its configuration" in messages(result)
    assert not [e for e in result.all_events if e.is_step_start]


def test_a_dry_run_says_what_it_would_do_and_records_nothing(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = (DEPARTMENTS, "enrichment/tdx_user", "silver/umapi_departments")
    result = run(instance, *assets, dry_run=True)
    assert result.success
    assert recorded(result) == []
    assert result.get_asset_check_evaluations() == []
    said = [entry.user_message for entry in instance.all_logs(result.run_id)]
    for asset in assets:
        assert [line for line in said if line.startswith(f"🔎 {asset} would: ")]
    shown = instance.get_status_by_partition(key(DEPARTMENTS), [f"{DAYS[0]}"], HUB_DAYS)
    assert shown == {f"{DAYS[0]}": None}
    # The next run is none.
    assert recorded(run(instance, DEPARTMENTS))
