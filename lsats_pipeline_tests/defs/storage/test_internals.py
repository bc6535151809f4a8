"""What an update of Dagster would change under the storage: private names, and what they take."""

from __future__ import annotations

import inspect

import dagster as dg
import pytest
import yaml
from dagster._cli.utils import TMP_DAGSTER_HOME_PREFIX
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.defs.storage import adoption, internals, runs
from lsats_pipeline_tests.test_architecture import FILES

# Methods that the storage calls or overrides, with the parameters that it counts on.
METHODS: dict[tuple[type, str], list[str]] = {
    (PostgresEventLogStorage, "_connect"): ["self"],
    (PostgresEventLogStorage, "_event_to_row"): ["self", "event"],
    (PostgresEventLogStorage, "_store_asset_event_tags"): ["self", "conn", "events", "event_ids"],
    (PostgresEventLogStorage, "_get_asset_entry_values"): [
        "self", "event", "event_id", "has_asset_key_index_cols",
    ],
    (PostgresEventLogStorage, "has_table"): ["self", "table_name"],
    (PostgresEventLogStorage, "has_asset_key_col"): ["self", "column_name"],
    (PostgresEventLogStorage, "fetch_materializations"): [
        "self", "records_filter", "limit", "cursor", "ascending",
    ],
    (PostgresEventLogStorage, "get_latest_tags_by_partition"): [
        "self", "asset_key", "event_type", "tag_keys", "asset_partitions", "before_cursor",
        "after_cursor",
    ],
    (PostgresRunStorage, "add_run"): ["self", "dagster_run"],
    (PostgresRunStorage, "handle_run_event"): ["self", "run_id", "event", "update_timestamp"],
    (dg.DagsterRun, "with_job_origin"): ["self", "origin"],
    (dg.DagsterRun, "with_tags"): ["self", "tags"],
}  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=str)
def test_methods_take_what_they_took(owner: type, name: str) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == METHODS[owner, name]


def test_every_private_name_is_in_use() -> None:
    sources = [f.read_text() for f in FILES if f.parent.name == "storage"]
    for name in internals.__all__:
        assert sum(name in source for source in sources) >= 2, name


def test_the_temporary_home_is_called_as_dagster_calls_it() -> None:
    assert adoption.TEMPORARY_HOME == TMP_DAGSTER_HOME_PREFIX


def test_columns_of_dagsters_tables() -> None:
    assert {"asset_key", "last_materialization", "last_run_id"} <= set(
        internals.AssetKeyTable.c.keys()
    )
    assert {
        "asset_key", "check_name", "partition", "run_id", "execution_status", "evaluation_event",
        "evaluation_event_timestamp", "evaluation_event_storage_id",
        "materialization_event_storage_id",
    } <= set(internals.AssetCheckExecutionsTable.c.keys())  # fmt: skip


def test_the_code_location_is_that_of_the_workspace() -> None:
    workspace = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text())
    (place,) = workspace["load_from"]
    assert place["python_module"] == {"module_name": runs.MODULE, "location_name": runs.LOCATION}
