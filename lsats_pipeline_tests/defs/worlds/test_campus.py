"""The campus in Dagster: created, advanced to a day, checked, refused where it does not belong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from lsats_pipeline.campus import lifecycle
from lsats_pipeline.campus.rules import RULES, evaluate, flag_scores
from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.defs.conftest import Lived
from lsats_pipeline_tests.defs.worlds.test_assets import failures, job, recorded

FIRST = "2026-03-02"
SMALL: dict[str, Any] = {"people": 200, "seed": 5}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def here(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LSATS_TODAY", "2026-03-04")
    return database_url


def run(instance: dg.DagsterInstance, **options: Any) -> dg.ExecuteInProcessResult:
    return job("synthetic_campus").execute_in_process(
        instance=instance,
        run_config={
            "resources": {"campus_options": {"config": options}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        raise_on_error=False,
    )


def test_it_is_created_advanced_and_served(
    here: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    created = run(instance, **SMALL, day=FIRST)
    assert failures(created) == []
    assert recorded(created, "campus/world")["day"] == FIRST
    advanced = run(instance)  # to today, as it is
    metadata = recorded(advanced, "campus/world")
    assert (metadata["people"], metadata["seed"], metadata["day"]) == (200, 5, "2026-03-04")
    checks = advanced.get_asset_check_evaluations()
    assert [c.check_name for c in checks] == [rule.name for rule in RULES]
    assert all(c.passed and c.metadata["rows"].value for c in checks)
    settings = load(HubSettings)
    with Warehouse(here) as warehouse, SimulatedCampus().served(warehouse, settings) as variables:
        assert variables["TDX_BASE_URL"].startswith("http://127.0.0.1:")
    assert "cannot go back to 2026-03-02" in failures(run(instance, day=FIRST))[0]
    assert "were asked for" in failures(run(instance, seed=6))[0]


@pytest.mark.parametrize(
    ("variables", "options", "message"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/hub"}, {}, "_demo or _test"),
        (
            {"UM_BASE_URL": "http://127.0.0.1:1", "UM_CLIENT_KEY": "k", "UM_CLIENT_SECRET": "s",
             "UM_CATEGORY_ID": "c"},
            {}, "real sources are configured",
        ),
        ({}, {"day": "soon"}, "day 'soon': write it like 2026-03-02"),
        ({}, {"people": 3}, "3 people: a campus has 200 to"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_message(
    here: str,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, Any],
    message: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (failure,) = failures(run(instance, **options))
    assert message in failure


def test_the_score_needs_silver(here: str, instance: dg.DagsterInstance) -> None:
    run(instance, **SMALL, day=FIRST)
    result = job("campus_score").execute_in_process(instance=instance, raise_on_error=False)
    assert "silver is not built yet" in failures(result)[0]


def test_silver_raises_the_flags_that_the_campus_means(
    lived: Lived, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived.settle(monkeypatch)
    result = job("campus_score").execute_in_process(instance=instance)
    (score,) = result.get_asset_check_evaluations()
    assert score.passed
    assert str(lived.days[1]) in str(score.description)
    found = {name: score.metadata[name].value for name in ("recall", "precision", "missed")}
    assert found == {"recall": 1.0, "precision": 1.0, "missed": 0}


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("intervals", "update campus.people set valid_to = valid_from where person_id = 3"),
        (
            "one_version_at_a_time",
            "insert into campus.labels select table_name, flag, subject, valid_from - 1, null"
            " from campus.labels where valid_to is null limit 1",
        ),
        ("references", "delete from campus.labs"),
        ("population", "delete from campus.people where person_id = 7"),
    ],
)
def test_every_rule_finds_what_breaks_it(
    aged: psycopg.Connection[Any], rule: str, damage: str
) -> None:
    state = lifecycle.world(aged)
    assert state is not None
    assert [r.name for r in evaluate(aged, state) if not r.passed] == []
    with aged.transaction(force_rollback=True):
        aged.execute(damage.encode())
        assert rule in [r.name for r in evaluate(aged, state) if not r.passed]


def test_flags_are_counted_against_labels(aged: psycopg.Connection[Any]) -> None:
    with aged.transaction(force_rollback=True):
        aged.execute("create schema if not exists silver")
        from lsats_pipeline.campus.rules import SUBJECTS

        for table, subject in SUBJECTS.items():
            aged.execute(
                f"create table silver.{table} as select subject as {subject},"
                f" jsonb_agg(flag) as quality_flags from campus.labels"
                f" where table_name = '{table}' and valid_to is null group by subject".encode()
            )
        aged.execute("update silver.users set quality_flags = '[]' where uniqname = ("
                     "select min(uniqname) from silver.users)")  # fmt: skip
        scores = flag_scores(aged, dt.date(2026, 3, 2))
        assert scores["tdx_users"].recall == scores["tdx_users"].precision == 1
        assert scores["users"].missed > 0
        assert scores["users"].false == 0


@pytest.fixture
def aged(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as connection:
        lifecycle.create(connection, seed=5, people=200, first_day=dt.date(2026, 3, 2))
        yield connection
