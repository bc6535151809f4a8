"""One request for one file: allowed, in turn, through its redirects.

check ─▶ turn of the host ─▶ GET ─┬▶ 200, 206: `received` makes the result
  ▲                                ├▶ 304: nothing new
  └── redirect ◀───────────────────┼▶ 429, 5xx, cut off: TransientFailure
                                   └▶ anything else: BadFile with a code, never tried again
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import httpx
import msgspec

from lsats_pipeline.core.addresses import CheckedAddress, redacted
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import BadFile, LsatsError, PermanentError
from lsats_pipeline.core.retry import RetryPolicy, TransientFailure
from lsats_pipeline.core.transport import (
    TransferPace,
    UntrustedCertificate,
    content_length,
    pinned_get,
)
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.circuit_breaker import PATIENCE, CircuitBreaker
from lsats_pipeline.mrf.sources.locations import Location
from lsats_pipeline.mrf.sources.policy import AddressPolicy
from lsats_pipeline.mrf.sources.resume import mark_of
from lsats_pipeline.warehouse import Warehouse

T = TypeVar("T")
log = logging.getLogger(__name__)
MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
# Headers are there soon, or the host is left alone.
_LOOK_SECONDS = 30.0
# Waits of 1, 2, 4 ... 60 seconds, each up to a quarter more or less; `attempts` are a setting.
FILE_RETRIES = RetryPolicy(
    first_wait=1.0, factor=2, longest_wait=60.0, jitter=(0.75, 1.25), patience=PATIENCE,
    transient=frozenset({408, 429, *range(500, 600)}),
)  # fmt: skip


@dataclass(frozen=True)
class FetchContext:
    """What every request needs: the address policy, the state of hosts, the limits."""

    policy: AddressPolicy
    breaker: CircuitBreaker
    settings: MrfSettings
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of(cls, warehouse: Warehouse, settings: MrfSettings, clock: Clock | None = None) -> Self:
        """As the settings say."""
        used = clock or Clock()
        breaker = CircuitBreaker(warehouse, settings.rate, used)
        return cls(AddressPolicy(settings), breaker, settings, used)

    def changed_mark(self, location: Location, known: str) -> str | None:
        """The mark of a file that looks different now; None when it does not, or cannot be said.

        Asked once, and only the headers are waited for.
        """
        try:
            pace = TransferPace(1, _LOOK_SECONDS, _LOOK_SECONDS)
            return _HeadersRequest(self, location, known).run(pace)
        except (TransientFailure, LsatsError) as error:
            log.warning("⚠️ %s: %s", location.address, redacted(str(error)))
            return None


@dataclass(frozen=True)
class FileRequest(ABC, Generic[T]):
    """One request. `known`: the mark of what is here already, which is not wanted again."""

    context: FetchContext
    location: Location
    known: str

    def run(self, pace: TransferPace) -> T | None:
        """Its result; None when the file still has the known mark."""
        where = self.location
        for _ in range(MOST_REDIRECTS + 1):
            target = self.context.policy.check(where)
            found = self._asked(target, pace)
            if not isinstance(found, Redirect):
                return found
            where = self.context.policy.redirected(where, found)
        raise BadFile(
            "redirect_loop", f"{self.location.address}: more than {MOST_REDIRECTS} redirects"
        )

    def conditions(self) -> dict[str, str]:
        """Headers that say what is wanted: nothing, if it is what is here already."""
        etag, modified, _ = msgspec.json.decode(
            self.known or '["","",0]', type=tuple[str, str, int]
        )
        wanted = {"If-None-Match": etag, "If-Modified-Since": modified}
        return {name: value for name, value in wanted.items() if value}

    @abstractmethod
    def received(self, answer: httpx.Response) -> T | None:
        """What an answer of 200 or 206 means."""

    def out_of_range(self) -> None:
        """The server has no such part of the file (416)."""

    def _asked(self, target: CheckedAddress, pace: TransferPace) -> T | Redirect | None:
        """What one host says: the file, where to go instead, or nothing new."""
        breaker = self.context.breaker
        breaker.admit(target.place)
        breaker.take_turn(target.place)
        try:
            with pinned_get(target, self.conditions(), pace) as answer:
                found = self._answered(target, answer)
        except TransientFailure as error:
            if error.wait is None:
                breaker.failed(target.place, str(error))
            raise
        except BadFile:
            breaker.succeeded(target.place)  # it answered; what, is no fault of the host
            raise
        except UntrustedCertificate as error:
            raise PermanentError(
                f"{target.address}: the certificate of {target.host} {error.fault}"
            ) from None
        breaker.succeeded(target.place)
        return found

    def _answered(self, target: CheckedAddress, answer: httpx.Response) -> T | Redirect | None:
        status = answer.status_code
        if status in _REDIRECTS and "location" in answer.headers:
            return Redirect(answer.headers["location"])
        if status < 500:
            self.context.breaker.answers(target.place)
        if status == 304 and self.known:
            return None
        if status in (200, 206):
            return self.received(answer)
        if failure := FILE_RETRIES.failure(status, answer.headers, self.context.clock.now()):
            if failure.wait is not None:
                self.context.breaker.pause(target.place, min(failure.wait, PATIENCE))
            raise failure
        if status == 416:
            self.out_of_range()
            raise TransientFailure("HTTP 416: the part that is here is not of this file")
        code = {401: "denied", 403: "denied", 404: "not_found", 410: "not_found"}.get(status)
        raise BadFile(code or f"http_{status}", f"{target.address} answers HTTP {status}")


class Redirect(str):
    """The address where the answer is."""


class _HeadersRequest(FileRequest[str]):
    """A GET whose body is left alone: signed addresses are signed for that method."""

    def received(self, answer: httpx.Response) -> str | None:
        tag, date = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        now = mark_of(tag, date, content_length(answer) or 0)
        return None if now == self.known else now
