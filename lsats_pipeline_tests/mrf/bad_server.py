"""A server on loopback with scripted answers: byte for byte, and as badly as wanted."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request: its path with the query, and its headers (names in small letters)."""

    path: str
    headers: dict[str, str]
    nth: int


Answer = Callable[[Asked, socket.socket], None]


def plain(body: bytes, status: str = "200 OK", length: int | None = None, **headers: str) -> Answer:
    """An answer with a body, and a Content-Length that may be wrong."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


def ranged(body: bytes, etag: str = '"one"', cut: int | None = None) -> Answer:
    """Serves ranges of one version; the first answer is cut after so many bytes."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        wanted = re.match(r"bytes=(\d+)-$", asked.headers.get("range", ""))
        start = int(wanted[1]) if wanted and asked.headers.get("if-range") == etag else 0
        rest = body[start:]
        status = f"206 Partial Content\r\nContent-Range: bytes {start}-{len(body) - 1}/{len(body)}"
        head = f"HTTP/1.1 {status if start else '200 OK'}\r\nETag: {etag}\r\n"
        head += f"Content-Length: {len(rest)}\r\n\r\n"
        sent = rest if cut is None or asked.nth else rest[:cut]
        connection.sendall(head.encode() + sent)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """The first answer to the first request, and so on; the last one for ever."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        answers[min(asked.nth, len(answers) - 1)](asked, connection)

    return answer


def dripping(body: bytes, every: float, *, from_the_first: bool) -> Answer:
    """A byte now and then; of the headers too, or of the body only."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        if not from_the_first:
            connection.sendall(head)
        for byte in head + body if from_the_first else body:
            connection.sendall(bytes([byte]))
            time.sleep(every)

    return answer


@dataclass
class BadServer:
    """Answers by path; what was asked is counted."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Host and port, as the settings allow it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str, scheme: str = "http") -> str:
        """The address of a path."""
        return f"{scheme}://{self.place}{path}"

    def says(self, path: str, answer: Answer) -> str:
        """From now on; the address."""
        self.answers[path] = answer
        return self.url(path)

    def times(self, path: str) -> int:
        """How often it was asked."""
        return sum(asked.path.partition("?")[0] == path for asked in self.asked)

    def serve(self, connection: socket.socket) -> None:
        """One request, one answer."""
        with suppress(OSError), connection:
            connection.settimeout(10)
            data = b""
            while b"\r\n\r\n" not in data:
                more = connection.recv(4096)
                if not more:
                    return
                data += more
            first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            pairs = (line.partition(": ") for line in lines)
            path = first.split(" ")[1]
            known = path.partition("?")[0]
            headers = {name.lower(): value for name, _, value in pairs}
            asked = Asked(path, headers, self.times(known))
            self.asked.append(asked)
            self.answers.get(known, plain(b"", "404 Not Found"))(asked, connection)
            # Closed in order, else what is on its way may be lost.
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[BadServer]:
    """A server for the length of the block; with TLS when it is given a context."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = BadServer(listening.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listening, server, context), daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listening: socket.socket, server: BadServer, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, server, context), daemon=True).start()


def _serve(connection: socket.socket, server: BadServer, context: ssl.SSLContext | None) -> None:
    try:
        server.serve(context.wrap_socket(connection, server_side=True) if context else connection)
    except OSError:
        connection.close()
