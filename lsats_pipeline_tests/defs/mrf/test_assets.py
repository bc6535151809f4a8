"""Price files through Dagster: the example, damage, versions, the sensor, and what is recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from lsats_pipeline.core.errors import Unreachable
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs.mrf.automation import mrf_files_sensor
from lsats_pipeline.defs.mrf.definitions import mrf_definitions
from lsats_pipeline.defs.mrf.files import EXAMPLE, PriceFilesResource
from lsats_pipeline.mrf.profiling import PROFILE_RULES, checks_of, profile
from lsats_pipeline.mrf.sources import catalog, discovery
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.mrf.files import item, packed, price, reference, text

SMALL: dict[str, Any] = {"workers": 1, "span_mb": 1, "example_mb": 0.5, "split_mb": 0.2}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def home(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    return tmp_path / "home"


def run(
    instance: dg.DagsterInstance, key: str | None = None, **options: Any
) -> dg.ExecuteInProcessResult:
    return job().execute_in_process(
        instance=instance,
        run_config={
            "resources": {"price_files": {"config": {**SMALL, **options}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        partition_key=key,
        raise_on_error=False,
    )


@cache
def job() -> dg.JobDefinition:
    return defs().resolve_job_def("mrf_process")


def known(instance: dg.DagsterInstance, warehouse: Warehouse, path: Path) -> str:
    """Enter a file in the catalogue, and its partition in Dagster; the key."""
    with warehouse.writer("mrf/find") as connection:
        key = discovery.add(connection, str(path))
    instance.add_dynamic_partitions("mrf_files", [key])
    return key


def recorded(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    key = dg.AssetKey(["mrf", asset])
    found = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return {k: v.value for k, v in found[-1].materialization.metadata.items()}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        event.asset_key.path[-1]
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {
        f"{one.asset_key.path[-1]}.{one.check_name}": one.description or ""
        for one in result.get_asset_check_evaluations()
        if not one.passed
    }


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The error of the first step that failed, and of what caused it."""
    events = result.all_events
    step = next((event for event in events if event.is_step_failure), None)
    error: Any = (
        step.step_failure_data.error
        if step
        else next(event for event in events if event.is_failure).job_failure_data.error
    )
    texts = []
    while error:
        texts.append(error.message)
        error = error.cause
    return " ".join(texts)


def a_file(path: Path, *codes: str) -> Path:
    elements = [item(code) for code in codes]
    return packed(path, text(provider_references=[reference()], in_network=elements))


def test_a_run_without_a_partition_is_one_of_the_example(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    result = run(instance, to_postgres=True)
    assert result.success, failure(result)
    assert instance.get_dynamic_partitions("mrf_files") == [EXAMPLE]
    for asset in job().asset_layer.executable_asset_keys:
        assert instance.get_materialized_partitions(asset) == {EXAMPLE}
    account = home / "mrf" / "example" / f"{EXAMPLE}.json.gz.manifest.json"
    made = json.loads(account.read_text())
    prices = recorded(result, "in_network")
    assert prices["dagster/partition_row_count"] == made["prices"] == prices["rows in PostgreSQL"]
    assert prices["total of rates"] == made["cents"] / 100
    assert recorded(result, "provider_references")["dagster/partition_row_count"] == made["groups"]
    assert recorded(result, "allowed_amounts")["note"] == "this file has no allowed amounts"
    assert (
        recorded(result, "file_index")["elements of in_network"] == made["elements"]["in_network"]
    )
    assert recorded(result, "split_files")["parts"] > 1
    assert "data:image/svg+xml" in recorded(result, "file_profile")["price distribution"]
    assert warehouse.query("select count(*) from mrf.in_network") == [(made["prices"],)]
    blocking = {rule.name for rule in PROFILE_RULES if rule.blocking}
    assert not {name for name in failed_checks(result) if name.split(".")[1] in blocking}


def test_the_same_again_redoes_nothing(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(instance, warehouse, a_file(home / "a.json.gz", "1", "2"))
    assert run(instance, key, to_postgres=True).success
    exports = home / "exports"
    before = {path: path.stat().st_mtime_ns for path in exports.rglob("*.*")}
    again = run(instance, key, to_postgres=True)
    assert recorded(again, "in_network")["state"] == "unchanged"
    assert recorded(again, "raw_file")["received"].startswith("before")
    assert {path: path.stat().st_mtime_ns for path in exports.rglob("*.*")} == before


def test_samples_show_nothing_of_a_provider(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(instance, warehouse, a_file(home / "a.json.gz", "1"))
    result = run(instance, key)
    sample = recorded(result, "provider_references")["sample"]
    assert {row.data["tin_value"] for row in sample.records} == {"•••"}
    assert "11-1111111" not in str(sample)
    assert recorded(result, "in_network")["sample"].records


def test_a_file_that_is_not_whole_stops_at_the_first_step(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    path = a_file(home / "a.json.gz", *map(str, range(50)))
    path.write_bytes(path.read_bytes()[:-9])
    key = known(instance, warehouse, path)
    result = run(instance, key)
    assert not result.success
    assert materialized(result) == set()
    (check,) = failed_checks(result).items()
    assert check[0] == "raw_file.whole"
    assert check[1].startswith("truncated: ")
    assert not any(event.is_step_up_for_retry for event in result.all_events)


def test_a_document_that_is_none_stops_at_the_index(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(
        instance, warehouse, packed(home / "a.json.gz", '{"in_network": [], "in_network": []}')
    )
    result = run(instance, key)
    assert materialized(result) == {"raw_file"}
    assert list(failed_checks(result)) == ["file_index.same_bytes"]
    assert "in_network" in failure(result)


def test_a_new_version_replaces_the_old_everywhere(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    path = a_file(home / "a.json.gz", "1", "2")
    key = known(instance, warehouse, path)
    assert run(instance, key, to_postgres=True).success
    a_file(path, "3")
    result = run(instance, key, to_postgres=True)
    assert result.success, failure(result)
    assert recorded(result, "raw_file")["version"] == 2
    assert warehouse.query("select billing_code from mrf.in_network") == [("3",)]
    states = warehouse.query("select version, state from mrf.versions order by 1")
    assert states[-1] == (2, "published")


def test_the_same_bytes_under_another_key_are_not_ingested_again(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    first = known(instance, warehouse, a_file(home / "a.json.gz", "1"))
    assert run(instance, first).success
    second = known(instance, warehouse, a_file(home / "b.json.gz", "1"))
    result = run(instance, second)
    assert result.success, failure(result)
    assert recorded(result, "raw_file")["same bytes as"] == first
    assert recorded(result, "in_network")["state"] == "unchanged"
    assert not (home / "exports" / "mrf" / second).exists()


def test_a_run_that_was_killed_is_gone_on_with(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(instance, warehouse, a_file(home / "a.json.gz", "1"))
    first = [dg.AssetKey(["mrf", "raw_file"])]
    assert (
        job()
        .execute_in_process(instance=instance, partition_key=key, asset_selection=first)
        .success
    )
    with warehouse.connection() as connection:  # as the killed process left it
        version = catalog.latest(connection, key)
        assert version is not None
        catalog.move_version(connection, version, "ingesting")
    assert run(instance, key).success
    assert warehouse.query("select state from mrf.versions") == [("published",)]


def test_without_a_partition_real_sources_want_a_choice(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_MRF_SOURCES", "/somewhere")
    assert "no price file was chosen" in failure(run(instance))
    assert not (home / "mrf").exists()


def test_nothing_is_split_when_no_parts_are_wanted(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(instance, warehouse, a_file(home / "a.json.gz", "1"))
    result = run(instance, key, split_by="")
    assert result.success, failure(result)
    assert recorded(result, "split_files")["parts"] == 0
    assert not (home / "exports" / "mrf_parts").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split_by": "colour"}, "split_by is size, codes, provider, plan or empty, not 'colour'"),
        ({"workers": -2}, "price_files.workers -2: must be from 0 to 64"),
    ],
)
def test_a_wrong_option_is_one_message_before_the_first_step(
    home: Path, instance: dg.DagsterInstance, options: dict[str, Any], message: str
) -> None:
    result = run(instance, **options)
    assert failure(result).strip() == message
    assert not [event for event in result.all_events if event.is_step_start]
    (refused,) = instance.get_runs()
    assert refused.tags["dagster/max_retries"] == "0"  # another try would fail of the same


def test_the_declared_checks_are_those_of_a_profile(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    key = known(instance, warehouse, a_file(home / "a.json.gz", "1"))
    assert run(instance, key).success
    checks = checks_of(profile(key, home / "exports" / "mrf"))
    assert [check.rule for check in checks] == list(PROFILE_RULES)


def test_many_rejects_are_a_warning(
    home: Path, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    rates = {"negotiated_prices": [price("1")], "provider_references": [1]}
    elements = [item("1"), *(item(str(n), rates) for n in range(30))]
    path = packed(home / "a.json.gz", text(in_network=elements))
    result = run(instance, known(instance, warehouse, path))
    assert result.success
    assert (
        "30 rejects in the file next to 1 rows" in failed_checks(result)["in_network.few_rejects"]
    )


def test_a_database_that_is_down_is_reported_before_anything_is_fetched(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere_test")
    with pytest.raises(Unreachable, match="does not answer"):
        PriceFilesResource().warehouse()


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    """What the sensor says: a SensorResult, or a SkipReason."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        return mrf_files_sensor(context)


def listed(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """What price files there are is found out."""
    return mrf_definitions().resolve_job_def("mrf_discover").execute_in_process(instance=instance)


def test_the_sensor_asks_once_for_every_new_or_changed_file(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = home.parent / "inbox"
    a_file(inbox / "a.json.gz", "1")
    a_file(inbox / "b.json.gz", "2")
    monkeypatch.setenv("LSATS_MRF_SOURCES", str(inbox))
    assert tick(instance) == dg.SkipReason("nothing is new or changed")  # a look reads no source
    found = recorded(listed(instance), "file_list")
    assert (found["sources read anew"], found["new"], found["due"]) == (1, 2, 2)
    first = tick(instance)
    requests = first.run_requests
    assert sorted(r.partition_key for r in requests) == ["a", "b"]
    assert len({r.run_key for r in requests}) == 2
    added = [key for r in first.dynamic_partitions_requests for key in r.partition_keys]
    assert sorted(added) == ["a", "b"]
    # Until they are fetched the same is asked for, which Dagster knows by its key.
    assert [r.run_key for r in tick(instance).run_requests] == [r.run_key for r in requests]
    instance.add_dynamic_partitions("mrf_files", added)
    for key in added:
        assert run(instance, key, split_by="").success
    for _ in range(20):
        idle = tick(instance, first.cursor)
        assert idle == dg.SkipReason("nothing is new or changed")
    a_file(inbox / "a.json.gz", "1", "3")
    os.utime(inbox / "a.json.gz", ns=(1, 1))
    assert recorded(listed(instance), "file_list")["changed"] == 1
    (again,) = tick(instance).run_requests
    assert again.partition_key == "a"
    assert again.run_key not in {r.run_key for r in requests}


def test_the_sensor_says_why_there_is_nothing(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "LSATS_MRF_SOURCES names no" in str(tick(instance).skip_message)
    monkeypatch.setenv("LSATS_MRF_SOURCES", str(home / "absent"))
    (check,) = listed(instance).get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("sources_read", False)
    assert "absent" in str(check.description)
    assert check.metadata["unreadable"].value == 1


def test_a_look_before_the_database_has_a_schema_says_what_to_run(
    database_url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LSATS_MRF_SOURCES", "/absent")
    assert "run the job `mrf_discover`" in str(tick(instance).skip_message)


def test_the_example_stays_out_of_real_data(
    postgres: str, home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres):
        monkeypatch.setenv("DATABASE_URL", postgres)
    monkeypatch.setattr("lsats_pipeline.defs.mrf.files.migrate", lambda url: False)
    assert "_demo or _test" in failure(run(instance))
