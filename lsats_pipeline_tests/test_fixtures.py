"""The fixtures of conftest.py: an empty database for each test, and nothing of the developer's."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from lsats_pipeline_tests.conftest import database_on


def test_a_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "select count(*) from information_schema.tables where table_schema = 'public'"
        ).fetchone()
        assert connection.info.dbname.endswith("_test")
    assert tables == (0,)


def test_the_other_databases_are_on_the_same_server(postgres: str, database_url: str) -> None:
    with psycopg.connect(database_on(database_url, "postgres")) as connection:
        names = {row[0] for row in connection.execute("select datname from pg_database")}
    assert psycopg.conninfo.conninfo_to_dict(database_url)["dbname"] in names


def test_no_setting_of_the_developer_is_seen() -> None:
    assert not {"DATABASE_URL", "DAGSTER_HOME", "LSATS_HOME", "TDX_BASE_URL"} & set(os.environ)
    assert not (Path.cwd() / ".env").exists()
