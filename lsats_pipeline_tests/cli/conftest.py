"""The command line in this process, and a demonstration that ran once, as a user runs it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.cli.app import run
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.warehouse.embedded import EmbeddedServer

PEOPLE, DAYS = 200, 2
PROGRAM = (sys.executable, "-c", "from lsats_pipeline.cli import main; main()")


@dataclass(frozen=True)
class CommandResult:
    """A command's exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


Lsats = Callable[..., CommandResult]


@pytest.fixture
def lsats(capsys: pytest.CaptureFixture[str]) -> Iterator[Lsats]:
    """Run a command line in this process: `lsats("status", "--json")`."""
    root, engines = logging.getLogger(), logging.getLogger("lsats_pipeline")
    handlers, level, own_level = root.handlers[:], root.level, engines.level

    def called(*arguments: str) -> CommandResult:
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return CommandResult(code, out, err)

    yield called
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    engines.setLevel(own_level)


def environment(home: Path, **variables: str) -> dict[str, str]:
    """What a child process of a test sees: nothing of the developer's hub."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    dagster = home.parent / "dagster"
    dagster.mkdir(exist_ok=True)
    shutil.copy(CHECKOUT / "dagster_home" / "dagster.yaml", dagster)
    own = {"LSATS_HOME": str(home), "DAGSTER_HOME": str(dagster), "PYTHONPATH": str(CHECKOUT)}
    return kept | own | variables


def start(*arguments: str, env: Mapping[str, str], cwd: Path) -> subprocess.Popen[str]:
    """A command as a process of its own."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        env=dict(env),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(*arguments: str, env: Mapping[str, str], cwd: Path, seconds: float = 300) -> CommandResult:
    """The same, waited for."""
    with start(*arguments, env=env, cwd=cwd) as process:
        out, err = process.communicate(timeout=seconds)
    return CommandResult(process.returncode, out, err)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a state folder `home` in it, whose server is stopped at the end."""
    # Not under pytest's own folder, which is closed to the embedded server's user.
    made = Path(tempfile.mkdtemp(prefix="lsats-cli-"))
    try:
        yield made
    finally:
        EmbeddedServer(made / "home").stop()
        shutil.rmtree(made)


@dataclass(frozen=True)
class Demo:
    """A finished demonstration: where it is, and what the command wrote."""

    folder: Path
    result: CommandResult

    def settle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process work on it."""
        for name, value in environment(self.folder / "home").items():
            if name.startswith(("LSATS_", "DAGSTER_")):
                monkeypatch.setenv(name, value)


@pytest.fixture(scope="package")
def finished_demo() -> Iterator[Demo]:
    """`lsats demo` from nothing, with its server kept up for the tests that look at it."""
    made = Path(tempfile.mkdtemp(prefix="lsats-demo-"))
    server = EmbeddedServer(made / "home")
    try:
        arguments = ("demo", "--people", str(PEOPLE), "--days", str(DAYS), "--json")
        result = call(*arguments, env=environment(made / "home"), cwd=made)
        server.keep_running()
        yield Demo(made, result)
    finally:
        server.stop()
        shutil.rmtree(made)


@pytest.fixture
def demo(finished_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """The finished demonstration, as the hub of this process."""
    assert finished_demo.result.code == 0, finished_demo.result.err
    finished_demo.settle(monkeypatch)
    return finished_demo
