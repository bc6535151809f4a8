"""A database for Dagster's records, and this process at home in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from psycopg import sql

from lsats_pipeline.warehouse.database import with_database
from lsats_pipeline_tests.conftest import drop_database, execute
from lsats_pipeline_tests.defs.conftest import dagster_home


@pytest.fixture
def hub_url(postgres: str) -> Iterator[str]:
    """A hub's database; Dagster's goes with it."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield with_database(postgres, name)
    finally:
        drop_database(postgres, name)
        drop_database(postgres, f"{name}_dagster")


@pytest.fixture
def at_home(hub_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process with a hub and the project's dagster.yaml."""
    monkeypatch.setenv("DATABASE_URL", hub_url)
    monkeypatch.setenv("DAGSTER_HOME", dagster_home(tmp_path / "dagster"))
    return hub_url


@pytest.fixture
def instance(at_home: str) -> Iterator[dg.DagsterInstance]:
    """Dagster as this project sets it up."""
    with dg.DagsterInstance.get() as instance:
        yield instance
