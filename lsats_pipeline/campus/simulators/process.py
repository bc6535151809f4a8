"""The simulators as a child process: started, waited for, and ended with their parent.

The child holds the other end of its standard input; when this process dies, however it dies, that
pipe closes and the child leaves.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from typing import IO, Self

from lsats_pipeline.core.errors import ConfigurationError, PermanentError, Unreachable
from lsats_pipeline.core.settings import CHECKOUT

_PROGRAM = (sys.executable, "-m", "lsats_pipeline.campus.simulators")
_ERRORS = {error.exit_code: error for error in (ConfigurationError, Unreachable)}


class SimulatorProcess:
    """Running simulators; `environment` holds the variables that point the hub at them."""

    def __init__(self, process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
        self._process = process
        self.environment = environment

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the child; harmless when it has ended already."""
        _end(self._process)


def start_simulators(
    database_url: str, *, tdx_calls_per_minute: int = 60_000, wait_seconds: float = 60
) -> SimulatorProcess:
    """Start all simulators on the campus in this database and wait until they serve.

    ConfigurationError when the database is none of theirs or holds no campus, Unreachable when it
    does not answer, PermanentError when the child died or did not get ready in time.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*_PROGRAM, "--tdx-calls-per-minute", str(tdx_calls_per_minute)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_child_environment(database_url),
        )
        try:
            return SimulatorProcess(process, _ready(process, errors, wait_seconds))
        except BaseException:
            _end(process)
            raise


def _child_environment(database_url: str) -> dict[str, str]:
    # Not an argument: those are shown to every user of the machine, password included.
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": path}


def _ready(
    process: subprocess.Popen[bytes], errors: IO[bytes], wait_seconds: float
) -> dict[str, str]:
    line = _first_line(process, wait_seconds)
    if not line.endswith(b"\n"):
        process.kill()
        code = process.wait()
        errors.seek(0)
        message = errors.read().decode(errors="replace").strip()
        error = _ERRORS.get(code, PermanentError)
        raise error(f"the simulators did not start (exit code {code}): {message or 'no message'}")
    environment: dict[str, str] = json.loads(line)
    return environment


def _first_line(process: subprocess.Popen[bytes], wait_seconds: float) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + wait_seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(deadline - time.monotonic()):
            if not (piece := os.read(process.stdout.fileno(), 65_536)):
                process.wait()
                break
            line += piece
    return line


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
