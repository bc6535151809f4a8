"""A loopback HTTP/1.1 server around one application: `app(request, moment) -> Reply`.

Bodies may be streams of bytes; they go out in chunks of about 64 KB. The faults that every HTTP
system can have (errors, cut connections, slowness) are acted out here.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg

from lsats_pipeline.campus.simulators.record_store import Moment, Record, RecordStore, on_the_wire
from lsats_pipeline.core.errors import LsatsError
from lsats_pipeline.hub.sources.recorded import Recording

CHUNK = 1 << 16


class Request(NamedTuple):
    """What an application sees of a call. Header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(errors="replace")))


@dataclass(frozen=True)
class Reply:
    """What an application answers: whole, or as a stream of pieces."""

    status: int
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


Application = Callable[[Request, Moment], Reply]


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    """An error reply with a message for people."""
    body = json.dumps({"ID": status, "Message": message}).encode()
    return Reply(status, body, headers=headers or {})


def recorded_reply(recorded: Recording | None, request: Request) -> Reply | None:
    """What is recorded of a call that a simulator does not know; None when nothing is."""
    target = f"{request.path}?{urlencode(request.query)}"
    found = recorded and recorded.answer(request.method, target, request.body)
    if not found:
        return None
    return Reply(found.status, found.answer, headers=dict(found.headers))


def json_array(records: Iterable[Record]) -> Iterator[bytes]:
    """The payloads as one JSON array, passed through without being parsed."""
    separator = b"["
    for record in records:
        yield separator + on_the_wire(record.payload)
        separator = b","
    yield b"]" if separator == b"," else b"[]"


class WebServer(ThreadingHTTPServer):
    """One application on a free loopback port, in threads of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, app: Application, campus: RecordStore) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.app = app
        self.campus = campus

    def server_bind(self) -> None:
        """Bind without asking a name server who 127.0.0.1 is, which can take half a minute."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Serve until the process ends."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = CHUNK
    disable_nagle_algorithm = True
    server: WebServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the hub keeps its own record of what it asked."""

    def _serve(self) -> None:
        request = self._request()
        try:
            moment = self.server.campus.moment()
            _dawdle(moment, request.path)
            reply = _failure(moment, request.path) or self.server.app(request, moment)
            cut = moment.faults.take("http_cut", request.path)
        except (psycopg.Error, LsatsError) as error:
            reply, cut = refusal(503, str(error)), None
        self._send(reply, None if cut is None else int(cut.get("after_bytes", 0)))

    def _request(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body)

    def _send(self, reply: Reply, cut_after: int | None) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(reply.body, bytes):
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._write([reply.body], "%b", cut_after)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._write(_chunks(reply.body), "%x\r\n%b\r\n", cut_after)
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, pieces: Iterable[bytes], frame: str, cut_after: int | None) -> None:
        left = sys.maxsize if cut_after is None else cut_after
        for piece in pieces:
            kept = piece[:left]
            self.wfile.write(_framed(kept, frame))
            left -= len(kept)
            if len(kept) < len(piece):
                self.wfile.flush()
                self.close_connection = True
                raise ConnectionAbortedError("cut on request")


def _framed(piece: bytes, frame: str) -> bytes:
    return piece if frame == "%b" else b"%x\r\n%b\r\n" % (len(piece), piece)


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    pending = bytearray()
    for piece in pieces:
        pending += piece
        if len(pending) >= CHUNK:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


def _dawdle(moment: Moment, path: str) -> None:
    if slow := moment.faults.take("slow", path):
        time.sleep(slow["seconds"])


def _failure(moment: Moment, path: str) -> Reply | None:
    error = moment.faults.take("http_error", path)
    return refusal(int(error.get("status", 500)), "failure on request") if error else None
