"""Days through Dagster's command line: what is recorded of them, and how they fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs.hub.metadata.samples import about_people
from lsats_pipeline.hub.silver.ddl import fields
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.warehouse.embedded import EmbeddedServer
from lsats_pipeline_tests.defs.conftest import PEOPLE, Lived, bare_environment, execute_job
from lsats_pipeline_tests.defs.test_definitions import HUB_ASSETS

# Tables that are empty as long as nobody has got another uniqname.
UNCHANGED = {"uniqname_evidence", "former_uniqnames"}


@pytest.fixture(scope="module")
def instance(lived: Lived) -> Iterator[dg.DagsterInstance]:
    """Dagster as the two days left it."""
    with pytest.MonkeyPatch.context() as patch:
        lived.settle(patch)
        instance = dg.DagsterInstance.get()
    with instance:
        yield instance


@pytest.fixture(scope="module")
def location() -> dg.Definitions:
    return defs()


def materialized(instance: dg.DagsterInstance, asset: str) -> dict[str, dict[str, Any]]:
    """The metadata of an asset's materialisations by partition, newest first."""
    records = instance.fetch_materializations(dg.AssetKey(asset.split("/")), limit=50).records
    found = [r.asset_materialization for r in records if r.asset_materialization]
    return {str(m.partition): {k: v.value for k, v in m.metadata.items()} for m in found}


def test_both_days_end_well(lived: Lived) -> None:
    for ran in lived.ran:
        assert ran.code == 0, ran.output[-5000:]


def test_progress_and_a_line_per_asset_and_per_run_are_logged(lived: Lived) -> None:
    output = lived.ran[0].output
    assert "simulating a campus of 200 people" in output
    for asset in HUB_ASSETS:
        # A check may warn of so small a campus.
        assert f"✅ {asset} {lived.days[0]}: 🆕" in output or f"⚠️ {asset} " in output
    assert f"🏁 {len(HUB_ASSETS)} assets in" in output


@pytest.mark.parametrize("asset", HUB_ASSETS)
def test_every_asset_is_recorded_under_each_day(
    instance: dg.DagsterInstance, lived: Lived, asset: str
) -> None:
    assert list(materialized(instance, asset)) == [day.isoformat() for day in reversed(lived.days)]


def test_a_run_without_a_partition_is_a_run_of_today(
    instance: dg.DagsterInstance, lived: Lived
) -> None:
    newest, first = instance.get_runs()
    assert newest.tags["dagster/partition"] == lived.days[1].isoformat()
    assert first.tags["dagster/partition"] == lived.days[0].isoformat()


@pytest.mark.parametrize("asset", HUB_ASSETS)
def test_the_metadata_says_what_the_run_did(
    instance: dg.DagsterInstance, lived: Lived, asset: str
) -> None:
    layer, name = asset.split("/")
    second, first = materialized(instance, asset).values()
    assert first["day"] == lived.days[0].isoformat()
    assert first["new"] == first["dagster/partition_row_count"]
    assert first["new"] > 0 or name in UNCHANGED
    for metadata in (first, second):
        assert metadata["seconds"] >= 0
        assert len(metadata["run id"]) == 36
        # With the definition, once: not again with every day.
        assert not {"dagster/table_name", "dagster/column_schema"} & metadata.keys()
    with psycopg.connect(lived.database_url) as connection:
        rows = connection.execute(f"select count(*) from {layer}.{name}").fetchone()
    assert rows is not None
    assert second["dagster/row_count"] == rows[0]


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda table: table.name)
def test_a_silver_table_shows_its_quality(
    instance: dg.DagsterInstance, table, lived: Lived
) -> None:
    metadata = materialized(instance, f"silver/{table.name}")[lived.days[1].isoformat()]
    assert metadata["quality"].startswith("![Quality of silver.")
    assert table.name in UNCHANGED or 0 < metadata["mean quality"] <= 1


@pytest.mark.parametrize("asset", HUB_ASSETS)
def test_every_check_has_a_result(
    instance: dg.DagsterInstance, location: dg.Definitions, asset: str
) -> None:
    key = dg.AssetKey(asset.split("/"))
    for spec in location.resolve_assets_def(key).check_specs:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([spec.key])
        event = latest[spec.key].event
        assert event is not None
        assert event.dagster_event is not None
        result = event.dagster_event.asset_check_evaluation_data
        assert result.passed
        expected = dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN
        assert result.severity == expected
        assert result.description


def test_a_sample_shows_what_a_table_holds(instance: dg.DagsterInstance, lived: Lived) -> None:
    def sample(asset: str) -> list[dict[str, object]]:
        value = materialized(instance, asset)[lived.days[0].isoformat()]["sample"]
        return [dict(record.data) for record in value.records]

    people = sample("silver/users")
    assert {row["uniqname"] for row in people} == {"•••"}
    assert {row["is_active"] for row in people} <= {"True", "False"}
    assert all(0 < float(str(row["data_quality_score"])) <= 1 for row in people)
    departments = sample("silver/departments")
    assert len(departments) == 5
    assert len({row["dept_id"] for row in departments} - {"•••"}) == 5
    assert {row["what"] for row in sample("bronze/tdx_user")} == {"landed"}


def test_nobody_is_known_from_what_dagster_keeps(lived: Lived) -> None:
    known = personal_values(lived)
    assert len(known) > 5 * PEOPLE
    with psycopg.connect(lived.dagster_database_url) as connection:
        events = [
            json.dumps(json.loads(row[0]), ensure_ascii=False)
            for row in connection.execute("select event from event_logs").fetchall()
        ]
    everything = "\n".join(events)
    assert "@" not in everything.replace("hub_daily @", "")
    assert [value for value in known if value in everything] == []


def personal_values(lived: Lived) -> set[str]:
    """What is personal about people, if it is long enough not to be anything else.

    Only of tables about people: units and machines may be called after somebody, and most are not.
    What many rows share (the folder of all groups) is nobody.
    """
    found: set[str] = set()
    with psycopg.connect(lived.database_url) as connection:
        for table in filter(about_people, SILVER_TABLES):
            names = [f.name for f in fields(table) if f.personal and f.sql_type != "jsonb"]
            for name in names:
                values = connection.execute(
                    f"select {name}::text from silver.{table.name}"
                    f" where length({name}::text) > 6 group by 1 having count(*) < 10"
                ).fetchall()
                found |= {value for (value,) in values}
    return found


def test_a_failed_step_ends_with_exit_code_1(lived: Lived, tmp_path: Path) -> None:
    earlier = {**lived.environment, "LSATS_TODAY": lived.days[0].isoformat()}
    del earlier["DAGSTER_HOME"]  # recorded nowhere, so that other tests do not see it
    ran = execute_job("enrichment", earlier, tmp_path, lived.days[1])
    assert ran.code == 1
    assert f"{lived.days[1]} has not come yet; today is {lived.days[0]}" in ran.output
    assert "STEP_UP_FOR_RETRY" not in ran.output
    assert "Traceback" not in ran.output
    assert "currently in" not in ran.output  # a warning for every asset and check


def test_a_database_that_does_not_answer_ends_it_at_once(tmp_path: Path) -> None:
    nowhere = bare_environment(DATABASE_URL="postgresql://somebody:secret@127.0.0.1:1/hub_test")
    ran = execute_job("bronze_ingest", nowhere, tmp_path)
    assert ran.code == 1
    assert "the database at 127.0.0.1:1/hub_test does not answer" in ran.output
    assert "STEP_UP_FOR_RETRY" not in ran.output
    assert "Traceback" not in ran.output
    assert "currently in" not in ran.output  # a warning for every asset and check
    assert "secret" not in ran.output


def test_it_runs_with_nothing_configured() -> None:
    """No database, no DAGSTER_HOME: an embedded server, a simulated campus, records in a file."""
    # Not under pytest's own folder: the embedded server's account may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="lsats-nothing-"))
    try:
        ran = execute_job("hub_daily", bare_environment(LSATS_DEMO_PEOPLE=str(PEOPLE)), folder)
        assert ran.code == 0, ran.output[-5000:]
        assert f"🏁 {len(HUB_ASSETS)} assets in" in ran.output
        assert not EmbeddedServer(folder / ".lsats").running()
        adopted = subprocess.run(
            [Path(sys.executable).with_name("lsats"), "runs", "adopt", "--json"],
            env=bare_environment(), cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert adopted.returncode == 0, adopted.stderr
        (run,) = json.loads(adopted.stdout)
        today = HubSettings(_env_file=None).today().isoformat()  # type: ignore[call-arg]
        assert {**run, "run": ""} == {
            "run": "", "job": "hub_daily", "state": "success", "partition": today,
        }  # fmt: skip
    finally:
        EmbeddedServer(folder / ".lsats").stop()
        shutil.rmtree(folder)
