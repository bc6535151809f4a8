"""Synthetic worlds through Dagster: options, blocks, what is recorded, how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from lsats_pipeline.definitions import defs
from lsats_pipeline.synthetic.validation import rules_of
from lsats_pipeline.synthetic.worlds import world

RETAIL = {"customers": 200, "products": 60, "stores": 5, "geographies": 20}
ITEMS = 8
STUDIO: dict[str, Any] = {
    "users": 20,
    "content_items": ITEMS,
    "content_items_auto": 10_000,
    "admin_user_uuid": "6f6d8f55-8a3c-4c1e-9f6e-0123456789ab",
    "max_tags": 3,
    "prompt_max_domain_phrases": 5,
}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def here(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


@cache
def job(name: str) -> dg.JobDefinition:
    return defs().resolve_job_def(name)


def run(
    instance: dg.DagsterInstance,
    name: str,
    options: dict[str, Any],
    assets: list[str] | None = None,
    partition: str | None = None,
) -> dg.ExecuteInProcessResult:
    return job(f"synthetic_{name}").execute_in_process(
        instance=instance,
        run_config={
            "resources": {f"{name}_options": {"config": options}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        partition_key=partition,
        asset_selection=[dg.AssetKey([name, asset]) for asset in assets] if assets else None,
        raise_on_error=False,
    )


def recorded(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    key = dg.AssetKey(asset.split("/"))
    found = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return {k: v.value for k, v in found[-1].materialization.metadata.items()}


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_world_is_seeded_with_the_options_of_the_run(
    here: str, instance: dg.DagsterInstance
) -> None:
    result = run(instance, "retail", RETAIL)
    assert result.success
    declared = world("retail")
    for table in declared.tables:
        metadata = recorded(result, f"retail/{table.name}")
        assert metadata["dagster/row_count"] == count(here, f"retail.{table.name}") > 0
        assert metadata["score"] == 100.0
        assert metadata["options"]["customers"] == 200
        assert len(metadata["sha256"]) == 64
        assert metadata["seconds"] > 0
    assert "data:image/svg+xml" in recorded(result, "retail/products")["shares"]
    checks = result.get_asset_check_evaluations()
    assert len(checks) == sum(len(rules_of(table)) for table in declared.tables)
    assert [c.check_name for c in checks if not c.passed] == []
    rows = {
        c.check_name: c.metadata["rows"].value for c in checks if c.asset_key.path[1] == "customers"
    }
    assert rows["not_null"] == 200


def test_two_runs_record_the_same_hash(here: str, instance: dg.DagsterInstance) -> None:
    first, second = (run(instance, "retail", RETAIL, ["geographies"]) for _ in range(2))
    hashes = [recorded(r, "retail/geographies")["sha256"] for r in (first, second)]
    assert hashes[0] == hashes[1]
    assert recorded(second, "retail/geographies")["unchanged"] == 20


def test_a_block_alone_and_then_the_rest(here: str, instance: dg.DagsterInstance) -> None:
    assert run(instance, "studio", STUDIO, ["users", "content_items"]).success
    one = run(instance, "studio", STUDIO, ["content_items_auto"], "block_000")
    assert one.success
    assert count(here, "studio.content_items_auto") < STUDIO["content_items_auto"]
    # Rules over the whole table say nothing yet; the others are about the rows of the block.
    checks = {c.check_name: c for c in one.get_asset_check_evaluations()}
    assert all(c.passed for c in checks.values())
    assert "row_count" not in checks
    assert checks["not_null"].metadata["rows"].value == 5000
    rest = run(instance, "studio", STUDIO, ["content_items_auto"])
    assert rest.success
    assert count(here, "studio.content_items_auto") == STUDIO["content_items_auto"]
    assert [c.check_name for c in rest.get_asset_check_evaluations() if not c.passed] == []
    partitions = {
        m.partition for m in rest.asset_materializations_for_node("studio__content_items_auto")
    }
    assert "block_000" in partitions
    assert len(partitions) > 1


def test_what_rows_refer_to_is_made_with_them(here: str, instance: dg.DagsterInstance) -> None:
    result = run(instance, "retail", RETAIL, ["trucks"])
    assert result.success
    made = {str(e.asset_key) for e in result.get_asset_materialization_events()}
    assert made == {
        str(dg.AssetKey(["retail", name]))
        for name in ("geographies", "distribution_centers", "trucks")
    }
    assert recorded(result, "retail/geographies")["rows made"] == count(here, "retail.geographies")


def test_any_block_first(here: str, instance: dg.DagsterInstance) -> None:
    result = run(instance, "jobs", {"jobs": 100_000}, None, "block_003")
    assert failures(result) == []
    assert count(here, "jobs.jobs") == 10_000
    assert count(here, "jobs.companies") == 8000
    assert [c for c in result.get_asset_check_evaluations() if not c.passed] == []
    assert {m.partition for m in result.asset_materializations_for_node("jobs__jobs")} == {
        "block_003"
    }


def test_a_required_option_is_explained(here: str, instance: dg.DagsterInstance) -> None:
    options = {k: v for k, v in STUDIO.items() if k != "admin_user_uuid"}
    result = run(instance, "studio", options, ["users"])
    (failure,) = failures(result)
    assert "DB_USER_ADMIN_UUID is not set" in failure


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Messages of the steps that failed, or of the run of which none was begun."""
    steps = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    runs = [e.job_failure_data.error for e in result.all_events if e.is_job_failure]
    return [cause(error) for error in steps or runs]


def cause(error: Any) -> str:
    """What our code said, below what Dagster wraps it in."""
    while error.cause:
        error = error.cause
    return str(error.message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs"),
        ({"batch_size": 3}, "batch_size 3: must be from 100 to 50,000"),
        ({"out": "../elsewhere"}, "out '../elsewhere': name a folder below"),
        ({"as_of": "soon"}, "as_of"),
    ],
)
def test_a_wrong_value_is_one_error_before_anything_runs(
    here: str, instance: dg.DagsterInstance, options: dict[str, Any], message: str
) -> None:
    result = run(instance, "jobs", options)
    (failure,) = failures(result)
    assert message.lower() in failure.lower()
    assert not result.get_asset_materialization_events()
    assert [run.tags["dagster/max_retries"] for run in instance.get_runs()] == ["0"]
    with psycopg.connect(here) as connection:
        row = connection.execute("select count(*) from pg_namespace where nspname ~ '^jobs'")
        assert row.fetchone() == (0,)


@pytest.mark.parametrize("options", [{"custmers": 3}, {"to": "tape"}, {"clear": "yes"}])
def test_a_typo_is_refused_before_the_run(
    instance: dg.DagsterInstance, options: dict[str, Any]
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match=str(next(iter(options)))):
        run(instance, "retail", options)
    assert instance.get_runs() == []


def test_a_dry_run_says_what_it_would_do_and_records_nothing(
    here: str, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "lsats_pipeline"):
        result = run(instance, "retail", {**RETAIL, "dry_run": True})
    assert result.success
    assert "customers: would write 200 rows in 1 blocks" in caplog.text
    assert not result.get_asset_materialization_events()
    assert not result.get_asset_check_evaluations()
    with psycopg.connect(here) as connection:
        row = connection.execute("select count(*) from pg_namespace where nspname ~ '^retail'")
        assert row.fetchone() == (0,)


def test_files_and_another_seed_as_on_the_command_line(
    here: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    tables = ["geographies", "distribution_centers"]
    assert run(instance, "retail", {**RETAIL, "to": "both", "out": "shops"}, tables).success
    folder = tmp_path / "home" / "exports" / "shops"
    assert {f.name for f in folder.iterdir()} == {
        "geographies.csv", "distribution_centers.csv", "world.json",
    }  # fmt: skip
    (first, *_) = failures(run(instance, "retail", {**RETAIL, "seed": 7}, tables))
    assert "seed 42 (asked for: 7)" in first
    again = run(instance, "retail", {**RETAIL, "seed": 7, "clear": True}, tables)
    assert again.success
    assert count(here, "retail.geographies") == 20
    skipped = run(instance, "retail", {**RETAIL, "seed": 7, "on_error": "skip"}, ["trucks"])
    assert skipped.success
    assert recorded(skipped, "retail/trucks")["set aside"] == 0


def test_a_database_for_real_data_is_refused(
    here: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/hub")
    result = run(instance, "retail", RETAIL, ["geographies"])
    (failure,) = failures(result)
    assert "_demo or _test" in failure
