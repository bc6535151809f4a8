"""One request over the network: to the checked address, as it comes, and never slower than allowed.

httpcore and not a client above it: nobody inflates, follows or decodes anything on the way, and
the speed is watched where the bytes arrive, headers included.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpcore
import httpx

from lsats_pipeline.mrf.sources.policy import CheckedAddress

CONNECT_SECONDS = 15.0


class Passing(Exception):
    """A request failed in a way that may pass. `wait`: what the server asks for, in seconds."""

    def __init__(
        self, reason: str, *, unreachable: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(reason)
        self.unreachable = unreachable
        self.wait = wait


@dataclass
class TransferPace:
    """The least speed, over a stretch of time, and the time for all of it (seconds)."""

    min_speed: int
    stall_seconds: float
    total_seconds: float
    now: Any = time.monotonic
    _begun: float = field(init=False)
    _stretch: float = field(init=False)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self._begun = self._stretch = self.now()

    def count(self, size: int) -> None:
        """So many bytes came; Passing when they are too few, or too late."""
        self._bytes += size
        now = self.now()
        if now - self._begun > self.total_seconds:
            raise Passing(f"not finished within {self.total_seconds:,.0f} s")
        took = now - self._stretch
        if took >= self.stall_seconds:
            if self._bytes < self.min_speed * took:
                raise Passing(
                    f"stalled: {self._bytes:,} bytes in {took:,.0f} s, under"
                    f" {self.min_speed:,} bytes/s"
                )
            self._stretch, self._bytes = now, 0


@dataclass
class Answer:
    """Status, headers (names in small letters) and the body as the server sent it."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    @property
    def length(self) -> int | None:
        """What Content-Length says."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None


@contextmanager
def answered(
    target: CheckedAddress, headers: Mapping[str, str], pace: TransferPace
) -> Iterator[Answer]:
    """Ask; Passing for whatever may go better next time; other errors are the caller's."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == (443 if target.scheme == "https" else 80)
    sent = {
        "Host": host if usual else f"{host}:{target.port}",
        "User-Agent": "lsats_pipeline",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.request.encode(),
    )
    timeouts = {"connect": CONNECT_SECONDS, "read": pace.stall_seconds, "write": CONNECT_SECONDS}
    backend = _Pinned(target.ips, pace)
    with _told(), httpcore.ConnectionPool(_tls(), network_backend=backend) as pool:
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        with pool.stream("GET", url, headers=pairs, extensions={"timeout": timeouts}) as response:
            found = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in response.headers}
            yield Answer(response.status, found, iter(response.iter_stream()))


class UntrustedCertificate(Exception):
    """The server is not the one it says it is."""


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise UntrustedCertificate(str(error)) from None
        raise Passing(str(error) or type(error).__name__, unreachable=True) from None
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Passing(f"cut off ({type(error).__name__}: {error})") from None


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are always verified; SSL_CERT_FILE adds an issuer, as everywhere."""
    return httpx.create_ssl_context()


class _Pinned(httpcore.NetworkBackend):
    """Connects to the checked addresses, whatever name is asked for: the first that answers."""

    def __init__(self, ips: Sequence[str], pace: TransferPace) -> None:
        self._ips = ips
        self._pace = pace
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A watched connection."""
        *others, last = self._ips
        for ip in others:
            # Many names have an IPv6 address, and many networks no way there.
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connected(ip, port, timeout, local_address, socket_options)
        return self._connected(last, port, timeout, local_address, socket_options)

    def _connected(self, ip: str, *arguments: Any) -> httpcore.NetworkStream:
        return _Watched(self._backend.connect_tcp(ip, *arguments), self._pace)


class _Watched(httpcore.NetworkStream):
    """A connection whose bytes are counted."""

    def __init__(self, stream: httpcore.NetworkStream, pace: TransferPace) -> None:
        self._stream = stream
        self._pace = pace

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes, counted."""
        data = self._stream.read(max_bytes, timeout)
        self._pace.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """End."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same, encrypted."""
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Watched(stream, self._pace)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)
