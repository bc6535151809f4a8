"""`lsats simulate` and `lsats ui` as processes: what they print, and that they end in order."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lsats_pipeline_tests.cli.conftest import Demo, Lsats, call, environment, start


@pytest.fixture
def port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def lines_until(process: subprocess.Popen[str], wanted: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if wanted in line:
            return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_prints_variables_until_it_is_stopped(demo: Demo, number: signal.Signals) -> None:
    with start("simulate", env=environment(demo.folder / "home"), cwd=demo.folder) as process:
        lines = list(lines_until(process, "AD_SEARCH_BASE"))
        children = family(process)
        code, _, err = stopped(process, number)
    assert code == 0
    assert all(re.fullmatch(r"export [A-Z_]+=.+\n", line) for line in lines)
    names = {line.split()[1].split("=")[0] for line in lines}
    assert names >= {"TDX_BASE_URL", "UM_BASE_URL", "MCOMMUNITY_LDAP_URL", "AD_LDAP_URL"}
    assert "until Ctrl-C" in err
    assert not any(child.is_running() for child in children)


def test_what_simulate_prints_is_good_for_a_hub(demo: Demo, lsats: Lsats, monkeypatch) -> None:
    env = environment(demo.folder / "home")
    with start("simulate", "--json", env=env, cwd=demo.folder) as process:
        variables = json.loads("".join(lines_until(process, "}")))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = {f["name"]: f["state"] for f in lsats("doctor", "--json").json}
        stopped(process, signal.SIGTERM)
    assert found["TeamDynamix"] == found["Active Directory"] == "ok"
    assert "simulated campus" not in found


def test_another_campus_than_there_is_is_refused(demo: Demo, lsats: Lsats) -> None:
    result = lsats("simulate", "--people", "400")
    assert result.code == 2
    assert "start over" in result.err


def test_the_ui_answers_and_ends_with_all_it_started(demo: Demo, port: int) -> None:
    env = environment(demo.folder / "home")
    with start("ui", "--port", str(port), env=env, cwd=demo.folder) as process:
        lines = list(lines_until(process, "until Ctrl-C"))
        assert f"http://127.0.0.1:{port}" in lines[-1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info") as answer:
            assert "dagster_version" in json.load(answer)
        children = family(process)
        second = call("ui", "--port", str(port), env=env, cwd=demo.folder)
        code, out, err = stopped(process, signal.SIGTERM)
    assert (code, out, err) == (0, "ending ...\n", "")
    assert len(children) >= 3  # web server, daemon, code server
    assert not any(child.is_running() for child in children)
    assert second.code == 2
    assert f"lsats ui --port {port + 1}" in second.err


def test_a_ui_that_cannot_start_gives_its_last_words(demo: Demo, port: int, tmp_path: Path) -> None:
    env = environment(demo.folder / "home", DAGSTER_HOME=str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("storage:\n  nonsense: {}\n")
    result = call("ui", "--port", str(port), env=env, cwd=demo.folder)
    assert result.code == 1
    assert "ended by itself" in result.err
    assert "dagster.yaml" in result.err
