"""A small hub that has lived through two days, run by Dagster's own command line."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import pytest
from psycopg import conninfo, sql

from lsats_pipeline.core.settings import CHECKOUT, HubSettings
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

PEOPLE = 200


@pytest.fixture
def own_forkserver() -> Iterator[None]:
    """Processes of Dagster's are copies of one that began in the environment of this very test."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    yield
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def bare_environment(**variables: str) -> dict[str, str]:
    """Nothing of the developer's but what programs need to start."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(CHECKOUT), **variables}


def dagster_home(folder: Path) -> str:
    """A DAGSTER_HOME with the project's settings, whose logs stay out of the checkout."""
    folder.mkdir(exist_ok=True)
    shutil.copy(CHECKOUT / "dagster_home" / "dagster.yaml", folder)
    return str(folder)


@dataclass(frozen=True)
class Ran:
    """One command: its exit code and all that it wrote."""

    code: int
    output: str


def execute_job(
    job: str,
    environment: dict[str, str],
    cwd: Path,
    partition: dt.date | None = None,
    config: Path | None = None,
) -> Ran:
    """`dagster job execute`, as a user types it."""
    program = Path(sys.executable).with_name("dagster")
    chosen = ["--tags", json.dumps({"dagster/partition": f"{partition}"})] if partition else []
    chosen += ["--config", str(config)] if config else []
    done = subprocess.run(
        [program, "job", "execute", "-m", "lsats_pipeline.definitions", "-j", job, *chosen],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout)


@dataclass(frozen=True)
class Lived:
    """The hub after two days: the first chosen as a partition, the second simply today."""

    folder: Path
    environment: dict[str, str]
    days: tuple[dt.date, dt.date]
    ran: tuple[Ran, Ran]

    @property
    def database_url(self) -> str:
        """The hub's database."""
        return self.environment["DATABASE_URL"]

    @property
    def dagster_database_url(self) -> str:
        """Dagster's own database, on the hub's server."""
        name = conninfo.conninfo_to_dict(self.database_url)["dbname"]
        return conninfo.make_conninfo(self.database_url, dbname=f"{name}_dagster")

    def settle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process be in that environment."""
        for name, value in self.environment.items():
            if name.startswith(("DATABASE_URL", "LSATS_", "DAGSTER_")):
                monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def lived(postgres: str) -> Iterator[Lived]:
    """Two days of a campus of 200 people; the days end today, as Dagster's partitions do."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    folder = Path(tempfile.mkdtemp(prefix="lsats-dagster-"))
    today = HubSettings(_env_file=None).today()  # type: ignore[call-arg]
    days = (today - dt.timedelta(days=1), today)
    environment = bare_environment(
        DATABASE_URL=database_on(postgres, name),
        LSATS_HOME=str(folder / "state"),
        LSATS_DEMO_PEOPLE=str(PEOPLE),
        DAGSTER_HOME=dagster_home(folder / "dagster"),
    )
    try:
        first = execute_job("hub_daily", _at(environment, days[0]), folder, days[0])
        second = execute_job("hub_daily", _at(environment, days[1]), folder)
        yield Lived(folder, _at(environment, days[1]), days, (first, second))
    finally:
        drop_database(postgres, name)
        drop_database(postgres, f"{name}_dagster")
        shutil.rmtree(folder)


def _at(environment: dict[str, str], day: dt.date) -> dict[str, str]:
    return {**environment, "LSATS_TODAY": day.isoformat()}
