"""The code location as Dagster loads it: what is in it, and that loading touches nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from lsats_pipeline.campus.rules import RULES as CAMPUS_RULES
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs.automation import HUB_FRESHNESS, PRICE_LIST_FRESHNESS
from lsats_pipeline.defs.hub.checks import rules_of as rules_of_asset
from lsats_pipeline.defs.hub.health import DAYS_GREEN
from lsats_pipeline.defs.mrf.checks import (
    INDEX_RULES,
    RAW_RULES,
    SPLIT_RULES,
    TABLE_RULES,
)
from lsats_pipeline.defs.mrf.discovery import SOURCES_READ
from lsats_pipeline.defs.mrf.files import MRF_FILES
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.defs.worlds.options import partitioned_tables
from lsats_pipeline.hub.health import HEALTH_RULES
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.mrf.profiling import PROFILE_RULES
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.synthetic.rules import BLOCKING
from lsats_pipeline.synthetic.validation import rules_of
from lsats_pipeline.synthetic.validators import is_over_whole_table
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline_tests.defs.conftest import bare_environment

HUB_ASSETS = [
    *(f"bronze/{stream.name}" for source in SOURCES for stream in source.streams),
    *(f"enrichment/{detail.of.name}" for source in SOURCES for detail in source.details),
    *(f"silver/{table.name}" for table in SILVER_TABLES),
]
WORLD_ASSETS = [
    "campus/world",
    *(f"{name}/{table.name}" for name in WORLDS for table in world(name).tables),
]
PRICE_RULES = {
    "mrf/raw_file": RAW_RULES,
    "mrf/file_index": INDEX_RULES,
    "mrf/file_profile": PROFILE_RULES,
    "mrf/split_files": SPLIT_RULES,
}
MRF_ASSETS = [*PRICE_RULES, *(f"mrf/{name}" for name in TABLES if name != "rejects")]
# What is in no partition: what price files there are, and what the hub is left with.
OTHERS = {"mrf/file_list": {SOURCES_READ}, "meta/ingestion_runs": {*HEALTH_RULES, DAYS_GREEN}}
JOBS = {
    "bronze_ingest": {"bronze"},
    "enrichment": {"enrichment"},
    "silver_transform": {"silver"},
    "hub_daily": {"bronze", "enrichment", "silver"},
    "hub_cross_checks": set(),
    "hub_health": set(),
    "synthetic_retail": {"retail"},
    "synthetic_jobs": {"jobs"},
    "synthetic_studio": {"studio"},
    "synthetic_campus": {"campus"},
    "campus_score": set(),
    "mrf_process": {"mrf"},
}


@pytest.fixture(scope="module")
def location() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def specs(location: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {s.key.to_user_string(): s for s in location.resolve_all_asset_specs()}


def test_it_loads_with_no_environment_and_touches_nothing(tmp_path: Path) -> None:
    program = (
        "import dagster as dg; from lsats_pipeline.definitions import defs;"
        "dg.Definitions.validate_loadable(defs())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=bare_environment(HOME=str(tmp_path), DATABASE_URL="postgresql://127.0.0.1:1/nowhere"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


def test_every_member_of_the_registries_has_its_asset(specs: dict[str, dg.AssetSpec]) -> None:
    assert sorted(specs) == sorted([*HUB_ASSETS, *WORLD_ASSETS, *MRF_ASSETS, *OTHERS])


def test_the_edges_of_worlds_are_their_foreign_keys(specs: dict[str, dg.AssetSpec]) -> None:
    for name in WORLDS:
        for table in world(name).tables:
            deps = {dep.asset_key.to_user_string() for dep in specs[f"{name}/{table.name}"].deps}
            keys = {key.column.table.name for key in table.table.foreign_keys} - {table.name}
            assert deps == {f"{name}/{parent}" for parent in keys}


def test_every_asset_says_what_it_is(specs: dict[str, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        layer, name = key.split("/")
        assert spec.group_name == layer
        assert spec.tags["layer"] == ("synthetic" if key in WORLD_ASSETS else layer)
        assert spec.tags["source"]
        assert spec.description
        assert (spec.automation_condition is not None) == (layer == "silver")
        policy = {"mrf/file_list": PRICE_LIST_FRESHNESS}.get(key)
        assert spec.freshness_policy == (HUB_FRESHNESS if key in HUB_ASSETS else policy)
        assert (spec.partitions_def == HUB_DAYS) == (key in HUB_ASSETS)
        assert (spec.partitions_def == MRF_FILES) == (key in MRF_ASSETS)
        if key in OTHERS or (layer == "mrf" and name not in TABLES):
            assert spec.kinds
            continue
        assert "postgres" in spec.kinds
        assert spec.metadata["dagster/table_name"] == f"{layer}.{name}"
        assert spec.metadata["dagster/column_schema"].columns


def test_every_asset_declares_the_checks_of_its_layer(location: dg.Definitions) -> None:
    declared = {
        (spec.asset_key.to_user_string(), spec.name, spec.blocking)
        for check in location.resolve_all_asset_keys()
        for spec in location.resolve_assets_def(check).check_specs
    }
    layers = {
        (key, rule.name, rule.blocking)
        for key in HUB_ASSETS
        for rule in rules_of_asset(dg.AssetKey(key.split("/")))
    }
    rules = {
        # What one block cannot show blocks nothing.
        (
            f"{name}/{table.name}",
            rule.name,
            rule.weight == BLOCKING
            and not (table.name in partitioned_tables(world(name)) and is_over_whole_table(rule)),
        )
        for name in WORLDS
        for table in world(name).tables
        for rule in rules_of(table)
    } | {("campus/world", rule.name, True) for rule in CAMPUS_RULES}
    steps = {
        (key, rule.name, rule.blocking)
        for key in MRF_ASSETS
        for rule in PRICE_RULES.get(key, TABLE_RULES)
    }
    others = {(key, rule.name, False) for key, rules in OTHERS.items() for rule in rules}
    assert declared == {
        one for one in layers | rules | steps | others if one[0] != "meta/ingestion_runs"
    }


def test_large_tables_of_worlds_are_partitioned_by_block(specs: dict[str, dg.AssetSpec]) -> None:
    partitions = specs["retail/store_inventory_snapshots"].partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys()[:2] == ["block_000", "block_001"]
    assert specs["retail/stores"].partitions_def is None
    assert specs["studio/generation_jobs"].partitions_def is not None


@pytest.mark.parametrize("job", JOBS)
def test_the_jobs(location: dg.Definitions, job: str) -> None:
    found = location.resolve_job_def(job)
    keys = {key.to_user_string() for key in found.asset_layer.selected_asset_keys}
    every = [*HUB_ASSETS, *WORLD_ASSETS, *MRF_ASSETS]
    assert keys == {key for key in every if key.split("/")[0] in JOBS[job]}
    assert found.description
    assert found.executor_def is dg.in_process_executor


def test_there_is_no_other_job(location: dg.Definitions) -> None:
    named = {j.name for j in location.get_repository_def().get_all_jobs() if "__" not in j.name}
    assert named == {*JOBS, "documents_ingest", "mrf_discover"}
    assert location.resolve_job_def("hub_daily").partitions_def == HUB_DAYS
    assert location.resolve_job_def("mrf_process").partitions_def == MRF_FILES


def test_few_price_files_are_worked_on_at_once(location: dg.Definitions) -> None:
    settings = yaml.safe_load((CHECKOUT / "dagster_home" / "dagster.yaml").read_text())
    (limit,) = settings["concurrency"]["runs"]["tag_concurrency_limits"]
    assert location.resolve_job_def("mrf_process").tags[limit["key"]] == limit["value"]
    assert limit["limit"] < settings["concurrency"]["runs"]["max_concurrent_runs"]
