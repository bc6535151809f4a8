"""Synthetic worlds through Dagster: options, blocks, what is recorded, how they fail."""

from __future__ import annotations

from collections.abc import Iterator
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
    "content_items_auto": 45_000,
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


def run(
    instance: dg.DagsterInstance,
    name: str,
    options: dict[str, Any],
    assets: list[str] | None = None,
    partition: str | None = None,
) -> dg.ExecuteInProcessResult:
    job = defs().resolve_job_def(f"synthetic_{name}")
    return job.execute_in_process(
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
    waiting = {c.check_name: c for c in one.get_asset_check_evaluations() if not c.passed}
    assert "row_count" in waiting
    assert all("other blocks" in str(c.description) for c in waiting.values())
    assert all(c.severity == dg.AssetCheckSeverity.WARN for c in waiting.values())
    rest = run(instance, "studio", STUDIO, ["content_items_auto"])
    assert rest.success
    assert count(here, "studio.content_items_auto") == STUDIO["content_items_auto"]
    assert [c.check_name for c in rest.get_asset_check_evaluations() if not c.passed] == []
    partitions = {
        m.partition for m in rest.asset_materializations_for_node("studio__content_items_auto")
    }
    assert "block_000" in partitions
    assert len(partitions) > 1


def test_a_missing_parent_fails_with_its_name(here: str, instance: dg.DagsterInstance) -> None:
    result = run(instance, "retail", RETAIL, ["trucks"])
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "retail.distribution_centers, which is not there" in str(failure.step_failure_data)


def test_a_required_option_is_explained(here: str, instance: dg.DagsterInstance) -> None:
    options = {k: v for k, v in STUDIO.items() if k != "admin_user_uuid"}
    result = run(instance, "studio", options, ["users"])
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "DB_USER_ADMIN_UUID is not set" in str(failure.step_failure_data)


def test_a_database_for_real_data_is_refused(
    here: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/hub")
    result = run(instance, "retail", RETAIL, ["geographies"])
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "_demo or _test" in str(failure.step_failure_data)
