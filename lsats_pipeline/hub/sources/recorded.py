"""Recorded answers of a source, served over HTTP on loopback: the real client, without its system.

recorded/*.json next to a source's streams.py ─▶ Recording ─▶ serve ─▶ variables that point there

    settings.json   the source's variables; {server} stands for the server's address
    permit.json     of a stream or detail: `keys` that it has to deliver, and its `exchanges`
    *.json          further exchanges: signing in, what the probe asks

An exchange is {"request": "GET /permits?page=1", "answer": ...}, with a "status" or "headers" if
they matter, and with a "body" where several requests differ by nothing else.
"""

from __future__ import annotations

import inspect
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.hub.sources.source import Source

FOLDER, SETTINGS = "recorded", "settings.json"


@dataclass(frozen=True)
class Exchange:
    """One request and what the system answered."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    status: int
    headers: Mapping[str, str]
    answer: bytes

    def matches(self, method: str, target: str, body: bytes) -> bool:
        """Whether it answers this request."""
        url = urlsplit(target)
        asked = (method, url.path, parse_qs(url.query, keep_blank_values=True))
        if asked != (self.method, self.path, self.query):
            return False
        return self.body is None or self.body == _parsed(body)


@dataclass(frozen=True)
class Recording:
    """All exchanges of a source. `keys`: what each stream and detail (by entity type) delivers."""

    variables: Mapping[str, str]
    keys: Mapping[str, tuple[str, ...]]
    exchanges: tuple[Exchange, ...]

    def answer(self, method: str, target: str, body: bytes = b"") -> Exchange | None:
        """The exchange that answers a request; None when nothing like it was recorded."""
        found = (each for each in self.exchanges if each.matches(method, target, body))
        return next(found, None)


def folder_of(source: Source) -> Path:
    """Where a source's recordings are, if it has any: next to its client."""
    return Path(inspect.getfile(inspect.unwrap(source.connect))).parent / FOLDER


def recording(source: Source) -> Recording | None:
    """What is recorded of a source; None when it has no folder `recorded`."""
    folder = folder_of(source)
    if not folder.is_dir():
        return None
    files = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    variables = files.pop(SETTINGS.removesuffix(".json"), None)
    if not variables:
        raise BadDeclaration(f"{folder} has no {SETTINGS} with the variables of {source.title}")
    try:
        exchanges = tuple(_exchange(e) for content in files.values() for e in content["exchanges"])
    except (KeyError, ValueError) as error:
        raise BadDeclaration(f"{folder}: an exchange has no usable {error}") from None
    keys = {name: tuple(content["keys"]) for name, content in files.items() if "keys" in content}
    return Recording(variables, keys, exchanges)


@contextmanager
def served(recorded: Recording) -> Iterator[dict[str, str]]:
    """Serve a recording until the block ends; gives the variables that point the source at it."""
    server = RecordedServer(recorded)
    server.start()
    try:
        yield server.variables
    finally:
        server.shutdown()
        server.server_close()


class RecordedServer(ThreadingHTTPServer):
    """One recording on a free loopback port; what was not recorded is answered with 404."""

    daemon_threads = True

    def __init__(self, recorded: Recording) -> None:
        super().__init__(("127.0.0.1", 0), _RecordedHandler)
        self.recorded = recorded

    def server_bind(self) -> None:
        """Bind without asking a name server who 127.0.0.1 is, which can take half a minute."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    @property
    def variables(self) -> dict[str, str]:
        """The source's variables, pointing here."""
        address = f"http://127.0.0.1:{self.server_port}"
        given = self.recorded.variables.items()
        return {name: value.replace("{server}", address) for name, value in given}

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _RecordedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RecordedServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the hub keeps its own record of what it asked."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = self.server.recorded.answer(self.command, self.path, body)
        answer = found.answer if found else b'{"message": "not recorded"}'
        self.send_response(found.status if found else 404)
        headers = {"Content-Type": "application/json", **(found.headers if found else {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadDeclaration(f"{path} is no JSON: {error}") from None


def _exchange(written: Mapping[str, Any]) -> Exchange:
    method, _, target = written["request"].partition(" ")
    url = urlsplit(target)
    return Exchange(
        method,
        url.path,
        parse_qs(url.query, keep_blank_values=True),
        written.get("body"),
        written.get("status", 200),
        written.get("headers", {}),
        json.dumps(written["answer"], ensure_ascii=False).encode(),
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
