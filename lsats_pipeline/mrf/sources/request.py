"""One request for one address: allowed, in turn, through its redirects; what it brings differs.

check ─▶ turn of the host ─▶ ask ─┬▶ 200, 206: `brought` says what that is
  ▲                                ├▶ 304: nothing new
  └── redirect ◀───────────────────┼▶ 429, 5xx, cut off: Passing, it may go better next time
                                   └▶ anything else: BadFile with a code, never tried again
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, Self, TypeVar

import msgspec

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import BadFile, LsatsError, PermanentError
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.hosts import PATIENCE, Hosts
from lsats_pipeline.mrf.sources.locations import Location, redacted
from lsats_pipeline.mrf.sources.policy import AddressPolicy, CheckedAddress
from lsats_pipeline.mrf.sources.resume import mark_of
from lsats_pipeline.mrf.sources.transport import (
    Answer,
    Passing,
    TransferPace,
    UntrustedCertificate,
    answered,
)
from lsats_pipeline.warehouse import Warehouse

T = TypeVar("T")
log = logging.getLogger(__name__)
MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
# Headers are there soon, or the host is left alone.
_LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Way:
    """How this machine asks others: the policy, the turns of hosts, the limits."""

    policy: AddressPolicy
    hosts: Hosts
    settings: MrfSettings
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of(cls, warehouse: Warehouse, settings: MrfSettings, clock: Clock | None = None) -> Self:
        """As the settings say."""
        used = clock or Clock()
        return cls(AddressPolicy(settings), Hosts(warehouse, settings.rate, used), settings, used)

    def looks(self, location: Location, known: str) -> str | None:
        """The mark of a file that looks different now; None when it does not, or nobody can say.

        Asked once, and only the headers are waited for.
        """
        try:
            return _Look(self, location, known).run(TransferPace(1, _LOOK_SECONDS, _LOOK_SECONDS))
        except (Passing, LsatsError) as error:
            log.warning("⚠️ %s: %s", location.address, redacted(str(error)))
            return None


@dataclass(frozen=True)
class Asking(ABC, Generic[T]):
    """One request. `known`: the mark of what is here already, which is not wanted again."""

    way: Way
    location: Location
    known: str

    def run(self, pace: TransferPace) -> T | None:
        """What it brought; None when the file still has the known mark."""
        where = self.location
        for _ in range(MOST_REDIRECTS + 1):
            target = self.way.policy.check(where)
            found = self._asked(target, pace)
            if not isinstance(found, Elsewhere):
                return found
            where = self.way.policy.redirected(where, found.address)
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
    def brought(self, answer: Answer) -> T | None:
        """What an answer of 200 or 206 means."""

    def out_of_range(self) -> None:
        """The server has no such part of the file (416)."""

    def _asked(self, target: CheckedAddress, pace: TransferPace) -> T | Elsewhere | None:
        """What one host says: the file, where to go instead, or nothing new."""
        hosts = self.way.hosts
        hosts.admit(target.place)
        hosts.take_turn(target.place)
        try:
            with answered(target, self.conditions(), pace) as answer:
                found = self._answered(target, answer)
        except Passing as error:
            if error.wait is None:
                hosts.failed(target.place, redacted(str(error)))
            raise
        except BadFile:
            hosts.succeeded(target.place)  # it answered; what, is no fault of the host
            raise
        except UntrustedCertificate:
            raise PermanentError(
                f"{target.address}: the certificate of {target.host} is not trusted; if its issuer"
                " is yours, name the issuer's file in SSL_CERT_FILE"
            ) from None
        hosts.succeeded(target.place)
        return found

    def _answered(self, target: CheckedAddress, answer: Answer) -> T | Elsewhere | None:
        status = answer.status
        if status in _REDIRECTS and "location" in answer.headers:
            return Elsewhere(answer.headers["location"])
        if status < 500:
            self.way.hosts.answers(target.place)
        if status == 304 and self.known:
            return None
        self._refused(target, answer)
        return self.brought(answer)

    def _refused(self, target: CheckedAddress, answer: Answer) -> None:
        """An error for every status that brings no file."""
        status = answer.status
        if status in (200, 206):
            return
        if status in (429, 503) and (wait := _asked_to_wait(answer, self.way.clock.now())):
            self.way.hosts.pause(target.place, min(wait, PATIENCE))
            raise Passing(f"HTTP {status}", wait=wait)
        if status == 416:
            self.out_of_range()
            raise Passing("HTTP 416: the part that is here is not of this file")
        if status == 429 or status == 408 or status >= 500:
            raise Passing(f"HTTP {status}")
        code = {401: "denied", 403: "denied", 404: "not_found", 410: "not_found"}.get(status)
        raise BadFile(code or f"http_{status}", f"{target.address} answers HTTP {status}")


@dataclass(frozen=True)
class Elsewhere:
    """The answer is at another address."""

    address: str


class _Look(Asking[str]):
    """From a GET whose body is left alone: signed addresses are signed for that method."""

    def brought(self, answer: Answer) -> str | None:
        tag, date = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        now = mark_of(tag, date, answer.length or 0)
        return None if now == self.known else now


def _asked_to_wait(answer: Answer, now: float) -> float | None:
    """Seconds that Retry-After asks for; None when it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), 1e9) or 1.0
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 1.0)
    except ValueError:
        return None
