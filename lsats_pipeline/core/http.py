"""HTTP transport of the sources: one patient, suspicious client per system.

    call ── attempt ──▶ 200: parse the body
      ▲        ├─▶ connection lost, timeout, 500 (reads), 502-504, cut-off body: wait, try again
      │        ├─▶ 429: wait until X-RateLimit-Reset, try again
      └────────┴─▶ 401: renew the token once, try again
               └─▶ anything else: PermanentError

An answer is either whole or an error; bodies and tokens appear in no message and no log. One that
may be too large for memory is kept on disk until it is whole (`Api.download`).
"""

from __future__ import annotations

import io
import logging
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import IO, Any, NamedTuple, Self, TypeVar

import httpx

from lsats_pipeline.core import addresses
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    ConfigurationError,
    LsatsError,
    PermanentError,
    TransientError,
    Unreachable,
)

T = TypeVar("T")
log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every single call otherwise

TIMEOUT = httpx.Timeout(connect=15, read=120, write=60, pool=30)
TRIES = 4
BACKOFF = (0.5, 2.0, 8.0)  # seconds before the second, third and fourth try, each up to half longer
LIMIT_PATIENCE = 600.0  # seconds one call may spend waiting for rate limits
LIMIT_DEFAULT = 5.0  # seconds, when the server does not say or says a time that is over
LIMIT_MARGIN = 1.0  # HTTP dates have whole seconds
MAX_BODY = 512 * 1024 * 1024  # bytes; a larger answer is a mistake, not a page
MAX_DOWNLOAD = 16 * 1024 * 1024 * 1024  # bytes
IN_MEMORY = 8 * 1024 * 1024  # bytes of a download that need no disk
TOKEN_MARGIN = 60.0  # seconds before its end at which a token counts as over


class Grant(NamedTuple):
    """A bearer token and when it ends (seconds since 1970; None: never as far as we know)."""

    token: str
    ends: float | None


class BearerTokens:
    """The bearer token of one system, renewed when it runs out; safe to share between threads."""

    def __init__(self, grant: Callable[[], Grant], clock: Clock, *, renewable: bool = True) -> None:
        self._grant, self._clock, self._renewable = grant, clock, renewable
        self._lock = threading.Lock()
        self._current: Grant | None = None

    def current(self) -> str:
        """A token that is good for another minute at least."""
        with self._lock:
            if self._current is None or (self._renewable and self._is_over(self._current)):
                self._current = self._grant()
            return self._current.token

    def refused(self, token: str) -> bool:
        """Drop a token that the server refused; False when there is no way to get another."""
        with self._lock:
            if self._current is not None and self._current.token == token:
                self._current = None
            return self._renewable

    def _is_over(self, grant: Grant) -> bool:
        return grant.ends is not None and grant.ends - TOKEN_MARGIN <= self._clock.now()


class _Again(Exception):
    """The attempt failed in a way that may pass."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class _Limited(Exception):
    """Too many calls; `wait` says how long to pause."""

    def __init__(self, wait: float) -> None:
        super().__init__("rate limit")
        self.wait = wait


class _Refused(Exception):
    """The credentials, or the token it carries, were refused."""

    def __init__(self, token: str | None) -> None:
        super().__init__("401")
        self.token = token


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    arguments: Mapping[str, Any] = field(repr=False)  # may hold credentials
    repeatable: bool
    optional: bool
    with_token: bool
    large: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class _Patience:
    """How often, and for how long, one call has been tried already."""

    failures: int = 0
    waited: float = 0.0
    renewals: int = 0


@dataclass
class Api:
    """One HTTP API. Use as a context manager; `call` may be used from several threads.

    `variable` is the environment variable with the address and `credentials` names those with the
    credentials; both appear in the remedy of an error.
    """

    title: str
    base_url: str
    variable: str
    credentials: str
    clock: Clock = field(default_factory=Clock)
    tokens: BearerTokens | None = None

    def __post_init__(self) -> None:
        parts = addresses.checked(self.base_url, self.variable, encrypted="https", plain="http")
        self.base_url = self.base_url.rstrip("/")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        # Proxies of the environment are for the world outside, not for this machine.
        outside = not addresses.is_loopback(parts.hostname or "")
        self._http = httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=outside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def get(
        self, path: str, parse: Callable[[bytes], T], params: Mapping[str, str] | None = None
    ) -> T:
        """GET a path; `parse` makes the result of the body, ValueError says it is cut off."""
        return self._required(_Call("GET", path, {"params": params}, True, False, True), parse)

    def find(self, path: str, parse: Callable[[bytes], T]) -> T | None:
        """GET a path that may lead nowhere: None on 404."""
        return self._persist(_Call("GET", path, {}, True, True, True), parse)

    def search(self, path: str, parse: Callable[[bytes], T], body: object) -> T:
        """POST a search, which changes nothing and is therefore repeated like a GET."""
        return self._required(_Call("POST", path, {"json": body}, True, False, True), parse)

    def download(self, path: str, body: object) -> IO[bytes]:
        """POST a search whose answer is a long JSON array: a file of it, at its start.

        Whoever asks has to close it. That the end of the array is there has been seen to.
        """
        call = _Call("POST", path, {"json": body}, True, False, True, large=True)
        return self._required(call, _ended_array)

    def sign_in(self, path: str, parse: Callable[[bytes], T], **arguments: Any) -> T:
        """POST credentials, without a token; ConfigurationError when they are refused."""
        return self._required(_Call("POST", path, arguments, False, False, False), parse)

    def _required(self, call: _Call, parse: Callable[[Any], T]) -> T:
        result = self._persist(call, parse)
        if result is None:
            raise PermanentError(f"{self.title}: {call} gave no answer")
        return result

    def _persist(self, call: _Call, parse: Callable[[Any], T]) -> T | None:
        patience = _Patience()
        while True:
            try:
                return self._attempt(call, parse)
            except _Again as error:
                self._after_failure(call, patience, error)
            except _Limited as error:
                self._after_limit(call, patience, error.wait)
            except _Refused as error:
                self._after_refusal(call, patience, error.token)

    def _after_failure(self, call: _Call, patience: _Patience, error: _Again) -> None:
        patience.failures += 1
        if patience.failures >= TRIES:
            raise self._exhausted(call, error)
        wait = BACKOFF[patience.failures - 1] * (1 + self.clock.jitter() / 2)
        log.warning("%s: %s: %s; next try in %.1f s", self.title, call, error, wait)
        self.clock.sleep(wait)

    def _exhausted(self, call: _Call, error: _Again) -> LsatsError:
        if error.unreachable:
            return Unreachable(
                f"{self.title} does not answer at {self.origin} ({error}); {self.variable}?"
            )
        return TransientError(f"{self.title}: {call} failed {TRIES} times: {error}")

    def _after_limit(self, call: _Call, patience: _Patience, wait: float) -> None:
        if patience.waited + wait > LIMIT_PATIENCE:
            raise TransientError(f"{self.title}: {call} is rate limited for another {wait:.0f} s")
        patience.waited += wait
        log.info("%s: %s: rate limit reached, waiting %.1f s", self.title, call, wait)
        self.clock.sleep(wait)

    def _after_refusal(self, call: _Call, patience: _Patience, token: str | None) -> None:
        if not call.with_token or self.tokens is None or token is None:
            raise ConfigurationError(
                f"{self.title} refuses the credentials; check {self.credentials}"
            )
        patience.renewals += 1
        if not self.tokens.refused(token) or patience.renewals > 1:
            raise PermanentError(
                f"{self.title}: {call}: the token is refused (401); check {self.credentials}"
            )
        log.info("%s: token refused, getting another", self.title)

    def _attempt(self, call: _Call, parse: Callable[[Any], T]) -> T | None:
        token = self.tokens.current() if call.with_token and self.tokens else None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with self._http.stream(
                call.method, self._url(call.path), headers=headers, **call.arguments
            ) as response:
                self._check(call, response, token)
                body = None if response.status_code == 404 else self._body(call, response)
        except httpx.RequestError as error:
            raise self._not_reached(error) from None
        return None if body is None else self._parsed(call, body, parse)

    def _not_reached(self, error: httpx.RequestError) -> Exception:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ConfigurationError(
                f"{self.title}: the certificate of {self.origin} is not trusted; check "
                f"{self.variable}, or name the issuer's file in SSL_CERT_FILE"
            )
        unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return _Again(type(error).__name__, unreachable=unreachable)

    def _url(self, path: str) -> str:
        return path if "://" in path else f"{self.base_url}/{path}"

    def _check(self, call: _Call, response: httpx.Response, token: str | None) -> None:
        status = response.status_code
        if status == 200 or (status == 404 and call.optional):
            return
        if status == 429:
            raise _Limited(_limit_wait(response.headers, self.clock.now()))
        if status == 401:
            raise _Refused(token)
        if status in (502, 503, 504) or (status == 500 and call.repeatable):
            raise _Again(f"HTTP {status}")
        if not call.with_token and status in (400, 403):
            raise _Refused(None)
        raise PermanentError(
            f"{self.title}: {call} answered HTTP {status}{self._remedy(status, response)}"
        )

    def _remedy(self, status: int, response: httpx.Response) -> str:
        if 300 <= status < 400:
            target = httpx.URL(response.headers.get("location", "")).host or "another path"
            return (
                f" (a redirect to {target}, not followed); set {self.variable} to the final address"
            )
        if status == 403:
            return f"; the account of {self.credentials} may not do this"
        return f"; check {self.variable}" if status == 404 else ""

    def _body(self, call: _Call, response: httpx.Response) -> bytes | IO[bytes]:
        """The whole body: a file for a large one, which its reader closes."""
        if call.large:
            file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the reader
            try:
                self._collect(call, response, file.write, MAX_DOWNLOAD)
            except BaseException:
                file.close()
                raise
            return file
        body = bytearray()
        self._collect(call, response, body.extend, MAX_BODY)
        return bytes(body)

    def _collect(
        self,
        call: _Call,
        response: httpx.Response,
        keep: Callable[[bytes], object],
        most: int,
    ) -> None:
        size = 0
        for chunk in response.iter_bytes():
            keep(chunk)
            size += len(chunk)
            if size > most:
                raise PermanentError(f"{self.title}: {call} answered more than {most >> 20} MB")

    def _parsed(self, call: _Call, body: bytes | IO[bytes], parse: Callable[[Any], T]) -> T:
        try:
            return parse(body)
        except ValueError:
            # Servers and proxies that close early leave half a document behind a status of 200.
            size = f" of {len(body)} bytes" if isinstance(body, bytes) else ""
            raise _Again(f"the answer{size} is not the expected JSON") from None


def _ended_array(file: IO[bytes]) -> IO[bytes]:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 64))
    ended = file.read().rstrip().endswith(b"]")
    file.seek(0)
    if not ended or not file.read(64).lstrip().startswith(b"["):
        file.close()
        raise ValueError("no whole array")
    file.seek(0)
    return file


def _limit_wait(headers: httpx.Headers, now: float) -> float:
    """Seconds until X-RateLimit-Reset, by the server's clock when it gives its time."""
    reset = _http_date(headers.get("x-ratelimit-reset"))
    if reset is None:
        return LIMIT_DEFAULT
    wait = reset - (_http_date(headers.get("date")) or now)
    return wait + LIMIT_MARGIN if wait > 0 else LIMIT_DEFAULT


def _http_date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
