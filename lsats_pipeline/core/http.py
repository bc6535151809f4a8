"""One HTTP API of a source with credentials: a patient, suspicious client.

call ── attempt ──▶ 200: parse the body
  ▲        ├─▶ what may pass (`core/retry.py`): wait, as the server asks or longer each time
  └────────┴─▶ 401: renew the token once, try again
           └─▶ anything else: CallRefused

An answer is either whole or an error; bodies and tokens appear in no message and no log, but for
the title of a web page that came instead of data. An answer that may be too large for memory is
kept on disk until it is whole (`Api.download`).

CallFailed may be due to what was asked for alone. Unreachable, refused credentials and a rate limit
without end concern every call.
"""

from __future__ import annotations

import io
import logging
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, Self, TypeVar

import httpx

from lsats_pipeline.core import addresses
from lsats_pipeline.core.addresses import AddressCheck, SourceAddresses
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    CallBroken,
    CallRefused,
    ConfigurationError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.core.retry import Retries, RetryPolicy, TransientFailure
from lsats_pipeline.core.transport import UntrustedCertificate, tls, transient_failures
from lsats_pipeline.core.web_pages import LOOKED_AT, web_page

T = TypeVar("T")
log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every single call otherwise

TIMEOUT = httpx.Timeout(connect=15, read=120, write=60, pool=30)
# Of a single record: one that hangs must not hold up the others for long.
RECORD_TIMEOUT = httpx.Timeout(connect=15, read=30, write=30, pool=30)
# Waits of 0.5, 2 and 8 seconds, each up to half longer; ten minutes of rate limits.
API_RETRIES = RetryPolicy(
    first_wait=0.5, factor=4, longest_wait=8.0, jitter=(1.0, 1.5), patience=600.0, limit_wait=5.0
)
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


class _TokenRefused(Exception):
    """401: the token is no longer good."""


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    arguments: Mapping[str, Any] = field(repr=False)  # may hold credentials
    optional: bool = False
    with_token: bool = True
    large: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


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
    retries: RetryPolicy = API_RETRIES
    policy: AddressCheck[str] | None = None

    def __post_init__(self) -> None:
        self._policy = self.policy or SourceAddresses(self.variable)
        self.base_url = self.base_url.strip().rstrip("/")
        target = self._policy.check(self.base_url)
        self.origin = target.origin
        # Proxies of the environment are for the world outside, not for this machine.
        outside = not addresses.is_loopback(target.host)
        # A simulated system on this machine is reached whatever SSL_CERT_FILE names.
        verified = tls() if target.scheme == "https" else ssl.create_default_context()
        self._http = httpx.Client(
            verify=verified,
            timeout=TIMEOUT,
            trust_env=outside,
            event_hooks={"response": [_set_aside_redirect]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def get(
        self, path: str, parse: Callable[[bytes], T], params: Mapping[str, str] | None = None
    ) -> T:
        """GET a path; `parse` makes the result of the body, ValueError says it is cut off."""
        return self._repeated(_Call("GET", path, {"params": params}), parse)

    def find(self, path: str, parse: Callable[[bytes], T]) -> T | None:
        """GET a path that may lead nowhere: None on 404."""
        call = _Call("GET", path, {"timeout": RECORD_TIMEOUT}, optional=True)
        return self._repeated(call, lambda body: None if body is None else parse(body))

    def search(self, path: str, parse: Callable[[bytes], T], body: object) -> T:
        """POST a search, which changes nothing and is therefore repeated like a GET."""
        return self._repeated(_Call("POST", path, {"json": body}), parse)

    def download(self, path: str, body: object) -> IO[bytes]:
        """POST a search whose answer is a long JSON array: a file of it, at its start.

        The caller has to close it. That the end of the array is there has been seen to.
        """
        return self._repeated(_Call("POST", path, {"json": body}, large=True), _ended_array)

    def sign_in(self, path: str, parse: Callable[[bytes], T], **arguments: Any) -> T:
        """POST credentials, without a token; ConfigurationError when they are refused.

        Nothing can be asked for without them, so no failure of theirs is a CallFailed.
        """
        try:
            return self._repeated(_Call("POST", path, arguments, with_token=False), parse)
        except CallBroken as error:
            raise TransientError(str(error)) from None
        except CallRefused as error:
            raise PermanentError(str(error)) from None

    def _repeated(self, call: _Call, parse: Callable[[Any], T]) -> T:
        retries = Retries(self.retries, self.clock, f"{self.title}: {call}")
        try:
            return retries.run(lambda: self._attempt(call, parse))
        except TransientFailure as error:
            if error.unreachable:
                raise Unreachable(
                    f"{self.title} does not answer at {self.origin} ({error}); {self.variable}?"
                ) from None
            raise CallBroken(
                f"{self.title}: {call} failed {retries.failures} times: {error}", str(error)
            ) from None

    def _attempt(self, call: _Call, parse: Callable[[Any], T], *, again: bool = False) -> T:
        token = self.tokens.current() if call.with_token and self.tokens else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = call.path if "://" in call.path else f"{self.base_url}/{call.path}"
        allowed = self._policy.check(url).url
        stream = self._http.stream(call.method, allowed, headers=headers, **call.arguments)
        try:
            with transient_failures(), stream as answer:
                self._check(call, answer, token)
                body = None if answer.status_code == 404 else self._body(call, answer)
                kind = answer.headers.get("content-type", "")
        except UntrustedCertificate as error:
            raise ConfigurationError(
                f"{self.title}: the certificate of {self.origin} ({self.variable}) {error.fault}"
            ) from None
        except _TokenRefused:
            self._after_refusal(call, token, again=again)
            return self._attempt(call, parse, again=True)
        if (page := web_page(_start(body), kind)) is not None:
            if body is not None and not isinstance(body, bytes):
                body.close()
            raise TransientFailure(
                f"it answered with {page} instead of data; check {self.variable}"
            )
        try:
            return parse(body)
        except ValueError:
            # Servers and proxies that close early leave half a document behind a status of 200.
            size = f" of {len(body)} bytes" if isinstance(body, bytes) else ""
            raise TransientFailure(f"the answer{size} is not the expected JSON") from None

    def _after_refusal(self, call: _Call, token: str, *, again: bool) -> None:
        """Drop a token that was refused; PermanentError when another would be refused too."""
        if not self.tokens or not self.tokens.refused(token) or again:
            raise CallRefused(
                f"{self.title}: {call}: the token is refused (401); check {self.credentials}",
                "HTTP 401",
            )
        log.info("%s: token refused, getting another", self.title)

    def _check(self, call: _Call, answer: httpx.Response, token: str) -> None:
        status = answer.status_code
        if status == 200 or (status == 404 and call.optional):
            return
        page = _page_of(answer)
        came = f" with {page}" if page else ""
        if failure := self.retries.failure(status, answer.headers, self.clock.now()):
            raise TransientFailure(f"{failure}{came}", wait=failure.wait, counted=failure.counted)
        if status == 401 and token:
            raise _TokenRefused
        if status == 401 or (status in (400, 403) and not call.with_token):
            raise ConfigurationError(
                f"{self.title} refuses the credentials; check {self.credentials}"
            )
        raise CallRefused(
            f"{self.title}: {call} answered HTTP {status}{came}{self._remedy(status, answer)}",
            f"HTTP {status}",
        )

    def _remedy(self, status: int, response: httpx.Response) -> str:
        if 300 <= status < 400:
            to = _host(response.extensions[_LOCATION])
            return f" (a redirect to {to}, not followed); set {self.variable} to the final address"
        if status == 403:
            return f"; the account of {self.credentials} may not do this"
        return f"; check {self.variable}" if status == 404 else ""

    def _body(self, call: _Call, answer: httpx.Response) -> bytes | IO[bytes]:
        """The whole body: a file for a large one, which its reader closes."""
        file = tempfile.SpooledTemporaryFile(IN_MEMORY) if call.large else io.BytesIO()  # noqa: SIM115
        most = MAX_DOWNLOAD if call.large else MAX_BODY
        try:
            for chunk in answer.iter_bytes():
                file.write(chunk)
                if file.tell() > most:
                    raise CallRefused(
                        f"{self.title}: {call} answered more than {most >> 20} MB", "too large"
                    )
        except BaseException:
            file.close()
            raise
        return file.getvalue() if isinstance(file, io.BytesIO) else file


_LOCATION = "location"


def _set_aside_redirect(answer: httpx.Response) -> None:
    """Keep where a redirect leads from httpx, which fails on addresses that it cannot read."""
    answer.extensions[_LOCATION] = answer.headers.pop("location", "")


def _host(location: str) -> str:
    """The host of an address, as far as it can be read."""
    try:
        return httpx.URL(location).host or "another path"
    except httpx.InvalidURL:
        return "an address that cannot be read"


def _start(body: bytes | IO[bytes] | None) -> bytes:
    """The first bytes of a body."""
    if body is None or isinstance(body, bytes):
        return body or b""
    body.seek(0)
    start = body.read(LOOKED_AT)
    body.seek(0)
    return start


def _page_of(answer: httpx.Response) -> str | None:
    """The web page that a refusal came with."""
    kind = answer.headers.get("content-type", "")
    try:
        return web_page(next(answer.iter_bytes(LOOKED_AT), b""), kind) if "html" in kind else None
    except httpx.HTTPError:
        return None  # the status says enough


def _ended_array(file: IO[bytes]) -> IO[bytes]:
    file.seek(max(0, file.seek(0, io.SEEK_END) - 64))
    ended = file.read().rstrip().endswith(b"]")
    file.seek(0)
    if not ended or not file.read(64).lstrip().startswith(b"["):
        file.close()
        raise ValueError("no whole array")
    file.seek(0)
    return file
