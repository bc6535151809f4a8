"""Dagster's own database: where it is, that it is made, and how few connections it takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from sqlalchemy.engine import make_url

from lsats_pipeline.core.errors import Unreachable
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.storage import storage_url
from lsats_pipeline.warehouse.database import connect, database_name, with_database


def test_it_is_on_the_hubs_server_and_is_made_when_missing(at_home: str) -> None:
    for _ in range(2):
        url = make_url(storage_url(load(HubSettings)))
        assert url.drivername == "postgresql+psycopg2"
        assert url.database == f"{database_name(at_home)}_dagster"
    with connect(with_database(at_home, str(url.database))) as connection:
        assert connection.info.dbname == url.database


def test_several_processes_may_make_it_at_once(at_home: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        urls = set(threads.map(lambda _: storage_url(load(HubSettings)), range(4)))
    assert len(urls) == 1


def test_another_place_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "postgresql://me:p%40ss@db.example.edu:6432/dagster?sslmode=require"
    monkeypatch.setenv("DAGSTER_DATABASE_URL", elsewhere)
    url = make_url(storage_url(load(HubSettings)))
    assert url.drivername == "postgresql+psycopg2"
    assert (url.username, url.password, url.database) == ("me", "p@ss", "dagster")
    assert dict(url.query) == {
        "application_name": "dagster",
        "host": "db.example.edu",
        "port": "6432",
        "sslmode": "require",
    }


def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/hub_test")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/hub_test") as refused:
        storage_url(load(HubSettings))
    assert "secret" not in str(refused.value)


def test_the_instance_keeps_its_runs_there(at_home: str) -> None:
    @dg.asset
    def something() -> None: ...

    with dg.DagsterInstance.get() as instance:
        assert dg.materialize([something], instance=instance).success
    with connect(with_database(at_home, f"{database_name(at_home)}_dagster")) as connection:
        assert connection.execute("select count(*) from runs").fetchone() == (1,)


def test_many_instances_share_the_connections_of_their_process(at_home: str) -> None:
    instances = [dg.DagsterInstance.get() for _ in range(8)]  # kept, as a server may keep them
    for instance in instances:
        assert instance.get_runs_count() == 0
        assert instance.event_log_storage.get_maximum_record_id() is None
    with connect(at_home) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'dagster'"
            " and datname = current_database() || '_dagster'"
        ).fetchone()
    assert row is not None
    assert 1 <= row[0] <= 3
