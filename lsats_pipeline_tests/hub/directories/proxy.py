"""Something between the hub and a directory that cuts connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


class Proxy:
    """Passes bytes on; the n-th connection is cut after `cuts[n]` bytes from the server.

    `passed`: bytes from the server on each connection. `cut`: how many connections were cut.
    """

    def __init__(self, host: str, port: int, cuts: Sequence[int]) -> None:
        self._server, self._cuts = (host, port), list(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self.passed: list[int] = []
        self.cut = 0

    def run(self) -> None:
        """Accept until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += client, server
                number = len(self.passed)
                self.passed.append(0)
                for ends in ((client, server, None), (server, client, number)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, origin: socket.socket, target: socket.socket, number: int | None) -> None:
        with suppress(OSError):
            while data := origin.recv(1 << 14):
                if number is not None:
                    data = self._allowed(number, data)
                target.sendall(data)
                if number is not None and self._is_over(number):
                    self.cut += 1
                    break
        for end in (origin, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _allowed(self, number: int, data: bytes) -> bytes:
        if number < len(self._cuts):
            data = data[: self._cuts[number] - self.passed[number]]
        self.passed[number] += len(data)
        return data

    def _is_over(self, number: int) -> bool:
        return number < len(self._cuts) and self.passed[number] >= self._cuts[number]

    def close(self) -> None:
        """End everything."""
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def proxied(host: str, port: int, cuts: Sequence[int] = ()) -> Iterator[Proxy]:
    """A proxy on a free loopback port, until the block ends."""
    proxy = Proxy(host, port, cuts)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
