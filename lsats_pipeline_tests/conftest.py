"""What every test may ask for: a server, an empty database, an environment without secrets.

`LSATS_TEST_DATABASE_URL` runs the suite on a server of yours (which allows `create database`);
`LSATS_TEST_POSTGRES=16` on the embedded server of that version.
"""

from __future__ import annotations

import datetime as dt
import importlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.days import ask_for_days
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.embedded import VERSION, EmbeddedServer
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline_tests.clocks import ShortWaits, Waits

# The days of tests in this process: definitions are loaded once, with what LSATS_HOME knows then.
_DAYS = [dt.date(2026, 3, 1) + dt.timedelta(days=n) for n in range(61)]
with tempfile.TemporaryDirectory() as _home, pytest.MonkeyPatch.context() as _patch:
    _patch.setenv("LSATS_HOME", _home)
    ask_for_days(load(HubSettings), _DAYS)
    importlib.import_module("lsats_pipeline.defs.partitions")

SERVER_OF_YOUR_OWN = os.environ.get("LSATS_TEST_DATABASE_URL", "")
EMBEDDED_VERSION = int(os.environ.get("LSATS_TEST_POSTGRES", VERSION))
# `environment` of a source names its prefix; documents have none of their own.
_PREFIXES = (str(source.settings.model_config.get("env_prefix", "")) for source in SOURCES)
HUB_VARIABLES = (
    *filter(None, _PREFIXES),
    "DATABASE_URL",
    "DAGSTER_",
    "LSATS_",
    "MAX_RECORDS",
    "DB_USER_",
    "RETAIL_",
    "JOBS_",
    "STUDIO_",
    "BATCH_SIZE",
)

settings.register_profile(
    "deterministic",
    derandomize=True,
    database=None,
    deadline=None,  # a busy machine is no defect
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("deterministic")


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No variable and no `.env` of the developer reaches a test."""
    for name in [name for name in os.environ if name.startswith(HUB_VARIABLES)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of the server's own database `postgres`; the server lives as long as the session."""
    if SERVER_OF_YOUR_OWN:
        yield database_on(SERVER_OF_YOUR_OWN, "postgres")
        return
    # Not under pytest's own folder: it closes that to others again whenever another session starts.
    home = Path(tempfile.mkdtemp(prefix="lsats-test-"))
    try:
        with EmbeddedServer(home, EMBEDDED_VERSION).hold() as url:
            _hurry(url)
            yield url
    finally:
        shutil.rmtree(home)


def _hurry(url: str) -> None:
    """Wait for no disk: tests kill processes, never the machine, and the server is thrown away."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
        connection.execute("select pg_reload_conf()")


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """A new empty database of this test alone, named `..._test`, dropped afterwards."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield database_on(postgres, name)
    finally:
        drop_database(postgres, name)


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """Name of a database with every migration, from which tests copy theirs."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_template_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    migrate(database_on(postgres, name))
    try:
        yield name
    finally:
        drop_database(postgres, name)


@pytest.fixture
def warehouse(postgres: str, template: str) -> Iterator[Warehouse]:
    """A hub's database of this test alone: migrated, with no silver tables declared."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(
        postgres,
        # Without waiting for a disk, copying files is cheaper than writing them to the log.
        sql.SQL("create database {} template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    try:
        with Warehouse(database_on(postgres, name)) as opened:
            yield opened
    finally:
        drop_database(postgres, name)


@pytest.fixture
def hub_settings(tmp_path: Path) -> HubSettings:
    """Settings of a hub whose state is this test's alone, on a fixed day."""
    return load(HubSettings, lsats_home=tmp_path / "home", lsats_today=dt.date(2026, 3, 2))


def database_on(server: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def execute(url: str, statement: sql.Composed | sql.SQL) -> None:
    """Run one statement outside any transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def drop_database(server: str, name: str) -> None:
    """Drop a database, cutting whatever is still connected."""
    execute(server, sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def short_waits() -> ShortWaits:
    return ShortWaits()
