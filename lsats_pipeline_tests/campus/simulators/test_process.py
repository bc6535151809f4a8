"""The simulators as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import httpx
import psycopg
import pytest

from lsats_pipeline.campus.simulators.process import start_simulators
from lsats_pipeline.core.errors import ConfigurationError, Unreachable
from lsats_pipeline.core.settings import load
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings
from lsats_pipeline_tests.campus.simulators.conftest import CAMPUS, DAY, NEW_WORLD
from lsats_pipeline_tests.conftest import database_on


@pytest.fixture
def campus_url(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        connection.execute(CAMPUS.encode())
        connection.execute(NEW_WORLD.encode(), {"day": DAY})
    return database_url


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_environment_configures_every_source(
    campus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_simulators(campus_url, tdx_calls_per_minute=1234) as simulators:
        for name, value in simulators.environment.items():
            monkeypatch.setenv(name, value)
        assert all(load(s.settings).configured for s in SOURCES if s.settings.required)
        assert load(TdxSettings).calls_per_minute == 1234
        pid = simulators.pid
    assert gone(pid)
    simulators.stop()  # a second time is harmless


def test_a_killed_parent_takes_the_simulators_along(campus_url: str) -> None:
    program = (
        "import sys, time\n"
        "from lsats_pipeline.campus.simulators.process import start_simulators\n"
        "started = start_simulators(sys.argv[1])\n"
        "print(started.environment['TDX_BASE_URL'], flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, campus_url],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as parent:
        assert parent.stdout is not None
        address = parent.stdout.readline().strip()
        assert httpx.get(address + "/accounts").status_code == 401
        parent.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(address)
        except httpx.TransportError:
            break
        time.sleep(0.05)
    with pytest.raises(httpx.TransportError):
        httpx.get(address)


def test_a_terminated_simulator_leaves_quietly(campus_url: str) -> None:
    program = [
        sys.executable,
        "-m",
        "lsats_pipeline.campus.simulators",
        "--database-url",
        campus_url,
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b"{")
        child.terminate()
        assert child.wait(20) == 0


def test_only_demo_and_test_databases_are_served(postgres: str) -> None:
    with pytest.raises(ConfigurationError, match="_demo or _test"):
        start_simulators(postgres)


def test_a_database_without_a_campus_says_so(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="campus"):
        start_simulators(database_url)


def test_an_absent_database_is_unreachable(postgres: str) -> None:
    with pytest.raises(Unreachable, match="absent_test"):
        start_simulators(database_on(postgres, "absent_test"))


def test_a_rebuilt_world_is_served_without_a_restart(campus_url: str) -> None:
    with start_simulators(campus_url) as simulators:
        with psycopg.connect(campus_url) as connection:
            connection.execute("drop schema campus cascade")
            connection.execute(CAMPUS.encode())
            connection.execute(NEW_WORLD.encode(), {"day": DAY})
        env = simulators.environment
        headers = {"Authorization": f"Bearer {env['TDX_WEB_SERVICES_KEY']}"}
        assert httpx.get(env["TDX_BASE_URL"] + "/accounts", headers=headers).json() == []
