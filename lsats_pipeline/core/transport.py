"""Connections: lost ones have one name, and those to a checked address lead nowhere else.

An address with `ips` is connected to there and nowhere else; the certificate has to name the host
all the same. How fast bytes come is watched where they arrive, headers included.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpcore
import httpx

from lsats_pipeline.core.addresses import CheckedAddress
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.retry import TransientFailure

CONNECT_SECONDS = 15.0
_HEADERS = {
    "User-Agent": "lsats_pipeline", "Accept": "*/*", "Accept-Encoding": "identity",
    "Connection": "close",
}  # fmt: skip
# Of clients, and of the transport below.
_UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout)
_UNREACHABLE_BELOW = (httpcore.ConnectError, httpcore.ConnectTimeout)
_LOST = (httpx.RequestError, httpx.InvalidURL)
_LOST_BELOW = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


# What OpenSSL says of a certificate, and what that means.
_CERTIFICATE_FAULTS = {
    "mismatch": "is for another name; use the name that it was issued for",
    "has expired": "has expired; whoever runs the server has to renew it",
    "not yet valid": "is not valid yet; is the clock of this machine right?",
    "revoked": "is revoked; whoever runs the server has to replace it",
}
_UNTRUSTED = "is not trusted; if its issuer is yours, name the issuer's file in SSL_CERT_FILE"


class UntrustedCertificate(Exception):
    """The server is not the one it says it is."""

    @property
    def fault(self) -> str:
        """What is wrong with the certificate, and the remedy: `has expired; ...`."""
        return certificate_fault(str(self))


def certificate_fault(message: str) -> str:
    """The same for a message of OpenSSL."""
    found = (fault for part, fault in _CERTIFICATE_FAULTS.items() if part in message.lower())
    return next(found, _UNTRUSTED)


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
        """So many bytes came; TransientFailure when they are too few, or too late."""
        self._bytes += size
        now = self.now()
        if now - self._begun > self.total_seconds:
            raise TransientFailure(f"not finished within {self.total_seconds:,.0f} s")
        took = now - self._stretch
        if took >= self.stall_seconds:
            if self._bytes < self.min_speed * took:
                raise TransientFailure(
                    f"stalled: {self._bytes:,} bytes in {took:,.0f} s, under"
                    f" {self.min_speed:,} bytes/s"
                )
            self._stretch, self._bytes = now, 0


@contextmanager
def transient_failures() -> Iterator[None]:
    """TransientFailure for a connection that is refused or lost; UntrustedCertificate.

    The text of a broken protocol is left out: it may quote what was sent.
    """
    try:
        yield
    except (*_UNREACHABLE, *_UNREACHABLE_BELOW) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise UntrustedCertificate(str(error)) from None
        raise TransientFailure(str(error) or type(error).__name__, unreachable=True) from None
    except (*_LOST, *_LOST_BELOW) as error:
        raise TransientFailure(f"cut off ({type(error).__name__})") from None


@contextmanager
def pinned_get(
    target: CheckedAddress, headers: Mapping[str, str], pace: TransferPace
) -> Iterator[httpx.Response]:
    """GET over a connection of its own, to the checked address and by no proxy (`iter_raw`).

    Without `httpx.Client`, which logs addresses with their query, and makes a request of whatever a
    redirect says, though it is not to be followed.
    """
    timeout = httpx.Timeout(CONNECT_SECONDS, read=pace.stall_seconds)
    request = httpx.Request(
        "GET",
        target.origin,
        headers=httpx.Headers({**_HEADERS, **headers}, encoding="latin-1"),
        extensions={"timeout": timeout.as_dict()},
    )
    with (
        transient_failures(),
        PinnedTransport(target, pace) as transport,
        closing(transport.handle_request(request)) as response,
    ):
        response.headers.encoding = "latin-1"
        yield response


def content_length(response: httpx.Response) -> int | None:
    """What Content-Length says."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


@cache
def tls() -> ssl.SSLContext:
    """Certificates are always verified; SSL_CERT_FILE adds an issuer, as everywhere.

    ConfigurationError when that file cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ConfigurationError(
            f"SSL_CERT_FILE, or SSL_CERT_DIR, names certificates that cannot be read ({error});"
            " name an existing file, or unset it"
        ) from None


class PinnedTransport(httpx.BaseTransport):
    """Asks one checked address: its path is sent as it is, and so is what comes back."""

    def __init__(self, target: CheckedAddress, pace: TransferPace) -> None:
        self._url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.request
        )
        backend = _PinnedBackend(target.ips, pace)
        self._pool = httpcore.ConnectionPool(
            tls() if target.scheme == "https" else None, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the body of the answer is read later."""
        sent = httpcore.Request(
            request.method, self._url, headers=request.headers.raw, extensions=request.extensions
        )
        answer = self._pool.handle_request(sent)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.iter_stream())

    def close(self) -> None:
        """End the connection."""
        self._pool.close()


class _PinnedBackend(httpcore.SyncBackend):
    """Connects to the checked addresses, whatever name is asked for: the first that answers."""

    def __init__(self, ips: tuple[str, ...], pace: TransferPace) -> None:
        self._ips, self._pace = ips, pace

    def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> _WatchedStream:
        for ip in self._ips[:-1]:
            # Many names have an IPv6 address, and many networks no way there.
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _WatchedStream(super().connect_tcp(ip, port, *more, **options), self._pace)
        return _WatchedStream(
            super().connect_tcp(self._ips[-1], port, *more, **options), self._pace
        )


class _WatchedStream(httpcore.NetworkStream):
    """A connection whose bytes are counted."""

    def __init__(self, stream: httpcore.NetworkStream, pace: TransferPace) -> None:
        self._stream, self._pace = stream, pace
        self.write = stream.write  # type: ignore[method-assign]
        self.close = stream.close  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, timeout)
        self._pace.count(len(data))
        return data

    def start_tls(self, *arguments: Any, **options: Any) -> _WatchedStream:
        return _WatchedStream(self._stream.start_tls(*arguments, **options), self._pace)
