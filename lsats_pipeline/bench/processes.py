"""What a command and the database server cost together: processor seconds, memory, wall time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from lsats_pipeline.warehouse.database import connect

_MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10
_TAIL = 2000  # characters of its messages that are shown of a command that failed
_PROGRAM = (sys.executable, "-c", "from lsats_pipeline.cli import main; main()")


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and processor (of the command, of the server), peak megabytes."""

    wall: float
    command: float
    server: float
    megabytes: float
    output: Any

    @property
    def processor(self) -> float:
        """Of both."""
        return self.command + self.server

    @property
    def line(self) -> str:
        """The cost in one line."""
        return (
            f"{self.wall:.1f} s, {self.processor:.1f} CPU s ({self.command:.1f} + server"
            f" {self.server:.1f}), peak {self.megabytes:,.0f} MB"
        )


def cost_of(arguments: Sequence[str], url: str, variables: Mapping[str, str]) -> Cost:
    """Run `lsats ... --json` as a process of its own and see what it costs; its workers count.

    `url`: the server whose work counts too, if any.
    """
    return _cost([*_PROGRAM, *arguments, "--json"], url, variables)


def cost_of_work(module: str, arguments: Sequence[str], url: str = "") -> Cost:
    """The same of a module's `main`, which is given the arguments and writes JSON."""
    return _cost([sys.executable, "-m", module, *arguments], url, {})


def _cost(command: Sequence[str], url: str, variables: Mapping[str, str]) -> Cost:
    before, started = server_seconds(url) if url else 0.0, time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            command, stdout=out, stderr=messages, env={**os.environ, **variables}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        out.seek(0)
        messages.seek(0)
        text, errors = out.read(), messages.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(command[1:])} ended with {process.returncode}:\n{errors[-_TAIL:]}"
        )
    return Cost(
        wall,
        usage.ru_utime + usage.ru_stime,
        server_seconds(url) - before if url else 0.0,
        usage.ru_maxrss / _MEGABYTE,
        json.loads(text),
    )


def server_seconds(url: str) -> float:
    """Processor seconds of the server so far, ended backends included; 0 for one elsewhere."""
    with connect(url) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        try:
            return _family_seconds(psutil.Process(row[0] if row else 0).parent())
        except psutil.Error:
            return 0.0


def _family_seconds(postmaster: psutil.Process | None) -> float:
    if postmaster is None:
        return 0.0
    times = postmaster.cpu_times()
    total = float(times.user + times.system + times.children_user + times.children_system)
    for child in postmaster.children():
        used = child.cpu_times()
        total += used.user + used.system
    return total
