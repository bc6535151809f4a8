"""A web server that answers to order: one reply after the other, whatever is asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b"[]"
    headers: Mapping[str, str] = MappingProxyType({})
    promised: int | None = None  # Content-Length, when it is not that of the body


class Asked(NamedTuple):
    method: str
    path: str
    authorization: str
    body: bytes


@dataclass
class Script:
    """What is still to be answered (the last reply is repeated), and what was asked."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[Script]:
    script = Script(replies=list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            script.asked.append(Asked(self.command, self.path, token, body))
            reply = script.next()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.promised != -1:
                length = len(reply.body) if reply.promised is None else reply.promised
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            script.url = f"https://localhost:{server.server_port}"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
