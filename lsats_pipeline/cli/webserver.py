"""Dagster's web server and daemon as children of one process, ended together.

serve ─▶ [port free?] ─▶ web server ──┐
                      └▶ daemon ──────┴─ answers ─▶ wait ─▶ SIGTERM to both
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from lsats_pipeline.core.errors import ConfigurationError, PermanentError
from lsats_pipeline.core.settings import CHECKOUT, HubSettings
from lsats_pipeline.warehouse.location import hub_url

_HOST = "127.0.0.1"  # the web server has no login of its own
_SECONDS_TO_START = 120
_SECONDS_TO_END = 20
_SECONDS_FOR_REST = 1
_LOG_TAIL = 2000


def serve(settings: HubSettings, port: int, ended: threading.Event) -> Iterator[str]:
    """Serve until `ended`; yields lines for people.

    ConfigurationError when the port is in use, PermanentError with the last lines of its output
    when a child ends by itself.
    """
    _refuse_taken(port)
    workspace = CHECKOUT / "workspace.yaml"
    with ExitStack() as stack:
        stack.enter_context(hub_url(settings))
        web = stack.enter_context(
            _child(
                settings, "dagster-webserver", "-h", _HOST, "-p", str(port), "-w", str(workspace)
            )
        )
        daemon = stack.enter_context(
            _child(settings, "dagster-daemon", "run", "-w", str(workspace))
        )
        children = (web, daemon)
        yield "starting Dagster ..."
        _wait_until_it_answers(settings, port, children, ended)
        if not ended.is_set():
            yield f"Dagster answers at http://{_HOST}:{port} until Ctrl-C"
        while not ended.wait(0.5):
            _refuse_dead(settings, children)
        yield "ending ..."


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} cannot be used ({error.strerror}): another program has it, perhaps"
                f" another `lsats ui`; try `lsats ui --port {port + 1}`"
            ) from None


@contextmanager
def _child(
    settings: HubSettings, program: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of this Python, in a session of its own so that Ctrl-C reaches it through us."""
    log = _log(settings, program)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home),
        "LSATS_HOME": str(settings.lsats_home),
        "PYTHONPATH": path,
    }
    with log.open("wb") as output:
        child = subprocess.Popen(
            [Path(sys.executable).with_name(program), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end, then end whatever is left of what it started: code servers linger."""
    started: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(child.pid).children(recursive=True)
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_SECONDS_TO_END)
    child.kill()
    child.wait()
    _, left = psutil.wait_procs(started, timeout=_SECONDS_FOR_REST)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=_SECONDS_FOR_REST)


def _wait_until_it_answers(
    settings: HubSettings,
    port: int,
    children: tuple[subprocess.Popen[bytes], ...],
    ended: threading.Event,
) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not ended.wait(0.2):
        _refuse_dead(settings, children)
        with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise PermanentError(
                f"Dagster does not answer after {_SECONDS_TO_START} s; {_where(settings)}"
            )


def _refuse_dead(settings: HubSettings, children: tuple[subprocess.Popen[bytes], ...]) -> None:
    for child in children:
        if child.poll() is not None:
            program = Path(str(child.args[0])).name if isinstance(child.args, list) else "it"
            words = _log(settings, program).read_text(errors="replace")[-_LOG_TAIL:].strip()
            raise PermanentError(
                f"{program} ended by itself (exit code {child.returncode}):\n{words}"
            )


def _log(settings: HubSettings, program: str) -> Path:
    return settings.lsats_home / "logs" / f"{program}.log"


def _where(settings: HubSettings) -> str:
    return f"its messages are in {settings.lsats_home / 'logs'}"
