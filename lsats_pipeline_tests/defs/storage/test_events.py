"""Events in batches: nothing lost, in order, seen by every reader, few statements."""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest
import sqlalchemy as db
from sqlalchemy import Engine

from lsats_pipeline.defs.storage.events import EventStorage, _flush_at_exit
from lsats_pipeline.warehouse.database import connect, database_name, with_database
from lsats_pipeline_tests.defs.conftest import bare_environment

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01")
DAY = "2026-01-05"
CHECKS = ("keys", "quality")


def table(name: str, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    key = dg.AssetKey(name)

    @dg.asset(
        key=key,
        deps=deps,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec(check, asset=key, blocking=True) for check in CHECKS],
    )
    def build(context: dg.AssetExecutionContext):
        context.log.info("built")
        yield dg.MaterializeResult()
        for check in CHECKS:
            passed = check != "keys" or "break" not in context.run.tags
            yield dg.AssetCheckResult(check_name=check, passed=passed)

    return build


TABLES = [
    table("first", []),
    table("second", [dg.AssetKey("first")]),
    table("third", [dg.AssetKey("first"), dg.AssetKey("second")]),
]


def materialize(
    instance: dg.DagsterInstance, partition: str | None = DAY, **tags: str
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        TABLES, instance=instance, partition_key=partition, tags=tags, raise_on_error=False
    )


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection, cursor, statement, *_):
        statements.append(statement)

    db.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        db.event.remove(Engine, "before_cursor_execute", note)


def kinds(instance: dg.DagsterInstance, run_id: str, step: str | None) -> list[str]:
    return [
        str(entry.dagster_event_type.value if entry.dagster_event_type else entry.user_message)
        for entry in instance.all_logs(run_id)
        if entry.step_key == step
    ]


def test_the_log_of_a_step_is_whole_and_in_order(instance: dg.DagsterInstance) -> None:
    result = materialize(instance)
    assert result.success
    for step in ("first", "second", "third"):
        assert kinds(instance, result.run_id, step) == [
            "ASSET_MATERIALIZATION_PLANNED",
            "STEP_START",
            "built",
            "ASSET_MATERIALIZATION",
            "ASSET_CHECK_EVALUATION",
            "ASSET_CHECK_EVALUATION",
            "STEP_SUCCESS",
        ]
    assert kinds(instance, result.run_id, None)[-1] == "PIPELINE_SUCCESS"


def test_dagster_finds_what_it_looks_for(instance: dg.DagsterInstance) -> None:
    """The same as from its own storage: latest of an asset, versions of inputs, check targets."""
    first, second = materialize(instance), materialize(instance)
    for asset in TABLES:
        records = instance.fetch_materializations(asset.key, limit=5).records
        assert [r.run_id for r in records] == [second.run_id, first.run_id]
        oldest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset.key, [DAY]), limit=1, ascending=True
        )
        assert [r.run_id for r in oldest.records] == [first.run_id]
        latest = instance.get_latest_materialization_event(asset.key)
        assert latest is not None
        assert latest.run_id == second.run_id
        for check in CHECKS:
            key = dg.AssetCheckKey(asset.key, check)
            storage = instance.event_log_storage
            history = storage.get_asset_check_execution_history(key, limit=5)
            assert [r.status.value for r in history] == ["SUCCEEDED", "SUCCEEDED"]
            assert history[0].event is not None
            made = history[0].event.get_dagster_event().asset_check_evaluation_data
            assert made.target_materialization_data is not None
            assert made.target_materialization_data.storage_id == records[0].storage_id
    third = instance.get_latest_materialization_event(dg.AssetKey("third"))
    assert third is not None
    assert third.asset_materialization is not None
    tags = third.asset_materialization.tags
    assert tags is not None
    inputs = {
        name: instance.fetch_materializations(dg.AssetKey(name), limit=1).records[0]
        for name in ("first", "second")
    }
    for name, record in inputs.items():
        assert tags[f"dagster/input_event_pointer/{name}"] == str(record.storage_id)


def test_few_statements(instance: dg.DagsterInstance) -> None:
    materialize(instance)
    with counted() as statements:
        materialize(instance)
    assert not any(s.startswith("NOTIFY") for s in statements)
    assert sum("pg_catalog" in s for s in statements) <= 10  # Dagster asks for columns of runs
    assert len(statements) <= 25 + 14 * len(TABLES)


def test_a_check_of_a_range_has_no_row_beside_its_result(instance: dg.DagsterInstance) -> None:
    tags = {
        "dagster/asset_partition_range_start": "2026-01-05",
        "dagster/asset_partition_range_end": "2026-01-07",
    }
    result = materialize(instance, None, **tags)
    assert result.success
    key = dg.AssetCheckKey(dg.AssetKey("first"), "keys")
    (only,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    assert only.status.value == "SUCCEEDED"
    assert len(instance.get_materialized_partitions(dg.AssetKey("first"))) == 3


def test_a_part_of_a_run_can_be_tried_again(instance: dg.DagsterInstance) -> None:
    """From the failure on, though outputs that hand on nothing are not stored."""
    broken = materialize(instance, **{"break": "yes"})
    assert not broken.success
    again = dg.execute_job(
        dg.reconstructable(rebuilding),
        instance=instance,
        reexecution_options=dg.ReexecutionOptions.from_failure(_failing_run(instance), instance),
    )
    with again as result:
        assert result.success
        assert {e.step_key for e in result.get_step_success_events()} == {"second", "third"}


def rebuilding() -> dg.JobDefinition:
    @dg.asset(deps=["first"])
    def second(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        if context.run.parent_run_id is None:
            raise dg.Failure("the first time")
        return dg.MaterializeResult()

    @dg.asset
    def first() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    @dg.asset(deps=[second])
    def third() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    job = dg.define_asset_job("rebuilding", [first, second, third])
    return dg.Definitions(
        [first, second, third], jobs=[job], executor=dg.in_process_executor
    ).resolve_job_def("rebuilding")


def _failing_run(instance: dg.DagsterInstance) -> str:
    with dg.execute_job(dg.reconstructable(rebuilding), instance=instance) as failed:
        assert not failed.success
        return failed.run_id


def test_outputs_that_an_io_manager_keeps_are_stored(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def number() -> int:
        return 1

    result = dg.materialize([number], instance=instance)
    stored = kinds(instance, result.run_id, "number")
    assert stored.index("STEP_OUTPUT") == stored.index("HANDLED_OUTPUT") - 1


def test_a_lost_connection_loses_no_event(instance: dg.DagsterInstance, at_home: str) -> None:
    @dg.asset
    def interrupted(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        context.log.info("before")
        dagster = with_database(at_home, f"{database_name(at_home)}_dagster")
        with connect(dagster, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        context.log.info("after")
        return dg.MaterializeResult()

    result = dg.materialize([interrupted], instance=instance)
    assert result.success
    stored = kinds(instance, result.run_id, "interrupted")
    assert [k for k in stored if k in {"before", "after"}] == ["before", "after"]
    assert stored[-1] == "STEP_SUCCESS"


def test_what_cannot_be_written_is_kept_and_raised(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = instance.event_log_storage
    assert isinstance(storage, EventStorage)
    job = dg.Definitions(TABLES).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job)

    def full(*_: object) -> None:
        raise RuntimeError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_write", full)
        with pytest.raises(RuntimeError, match="no space"):
            instance.report_engine_event("first", run)
        _flush_at_exit(weakref.ref(storage))
    assert "events of a run were not written: no space left" in caplog.text
    instance.report_engine_event("second", run)
    messages = [entry.message for entry in instance.all_logs(run.run_id)]
    assert messages[-2:] == ["first", "second"]


KILLED = """
import os, signal
import dagster as dg

@dg.asset
def first() -> dg.MaterializeResult:
    return dg.MaterializeResult()

@dg.asset(deps=[first])
def second(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info("half")
    context.instance.event_log_storage.flush()
    context.log.info("lost")
    os.kill(os.getpid(), signal.SIGKILL)

with dg.DagsterInstance.get() as instance:
    dg.materialize([first, second], instance=instance)
"""


def test_a_killed_process_takes_along_what_waited(instance: dg.DagsterInstance) -> None:
    inherited = {n: os.environ[n] for n in ("DATABASE_URL", "DAGSTER_HOME") if n in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED],
        env=bare_environment(**inherited), stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.STARTED
    assert kinds(instance, run.run_id, "first")[-1] == "STEP_SUCCESS"
    assert "half" in kinds(instance, run.run_id, "second")
    assert "lost" not in kinds(instance, run.run_id, "second")
    materialize(instance)
    failed = instance.get_run_by_id(run.run_id)
    assert failed is not None
    assert failed.status == dg.DagsterRunStatus.FAILURE
