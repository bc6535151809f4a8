"""When a call is tried again, and after how long: one policy for API sources and price files.

call ─┬▶ its result
      ├▶ TransientFailure ──────▶ a growing wait with jitter, `attempts` in all ────▶ call again
      ├▶ one that names a wait ─▶ as long as the server asks, `patience` in all ────▶ call again
      └▶ anything else is raised at once

stamina runs the loop. Waiting is the clock's: a download that is stopped ends its wait at once.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import stamina
import stamina.instrumentation

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import TransientError

T = TypeVar("T")
Headers = Mapping[str, str]
log = logging.getLogger(__name__)
# What matters of a retry is logged here; its own hooks would print to standard output.
stamina.instrumentation.set_on_retry_hooks([])

RATE_LIMITED = 429
_COME_BACK_LATER = (RATE_LIMITED, 503)  # the server is busy; others are failures, wait or not
_RESET_MARGIN = 1.0  # HTTP dates have whole seconds
_FROM_NOW = 1e6  # smaller numbers are no time since 1970, but at most twelve days from now
_SECONDS = 1e11  # larger ones are no seconds: that would be after the year 5000
_NUMBER = re.compile(r"\d{1,17}(\.\d{1,9})?", re.ASCII)


class TransientFailure(Exception):
    """A call failed in a way that may pass. `wait`: what the server asks for, in seconds.

    `counted`: it is one of the tries, though the server asks to wait.
    """

    def __init__(
        self,
        reason: str,
        unreachable: bool = False,
        wait: float | None = None,
        counted: bool = False,
    ) -> None:
        super().__init__(redacted(reason))
        self.unreachable, self.wait, self.counted = unreachable, wait, counted


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` counts the first one; waits are in seconds, `patience` is for all asked for.

    The wait after a failure grows by `factor` up to `longest_wait`, and jitter makes it between
    `jitter[0]` and `jitter[1]` times as long. `limit_wait` is for a rate limit that does not say
    when it ends; None: that is a failure like others.
    """

    first_wait: float
    factor: float
    longest_wait: float
    jitter: tuple[float, float]
    patience: float
    attempts: int = 4
    transient: frozenset[int] = frozenset({408, 429, 500, 502, 503, 504})
    limit_wait: float | None = None

    def wait(self, failures: int, jitter: float) -> float:
        """Seconds before the next try, for a jitter between 0 and 1."""
        least, most = self.jitter
        grown = min(self.first_wait * self.factor ** (failures - 1), self.longest_wait)
        return grown * (least + (most - least) * jitter)

    def failure(self, status: int, headers: Headers, now: float) -> TransientFailure | None:
        """What a status means that may pass, with the wait that is asked for; None for others."""
        if status not in self.transient:
            return None
        wait = asked_wait(status, headers, now)
        if wait is None and status == RATE_LIMITED:
            wait = self.limit_wait
        return TransientFailure(f"HTTP {status}", wait=wait, counted=status not in _COME_BACK_LATER)


@dataclass
class Retries:
    """The tries of one call. `what` names it in messages; `progressed`: count failures anew."""

    policy: RetryPolicy
    clock: Clock
    what: str
    progressed: Callable[[], bool] = bool
    failures: int = 0
    waited: float = 0.0
    _next_wait: float = 0.0

    def run(self, call: Callable[[], T]) -> T:
        """The result of the call. One of several steps may follow: failures in a row are counted.

        TransientFailure after the last try; TransientError when the server asks for more patience.
        """
        self._next_wait = 0.0
        for attempt in stamina.retry_context(self._decide, attempts=None, timeout=None):
            with attempt:
                if self._next_wait:
                    self.clock.sleep(self._next_wait)
                return call()
        raise AssertionError("the last failure is raised")

    def _decide(self, error: Exception) -> bool | float:
        """False ends the tries; 0.0 is for stamina, as the next try begins with its wait."""
        if not isinstance(error, TransientFailure):
            return False
        self.waited += error.wait or 0.0
        impatient = self.waited > self.policy.patience
        if error.wait is not None and not error.counted:
            if impatient:
                raise TransientError(
                    f"{self.what} is rate limited ({error}): the server asks to wait"
                    f" {error.wait:,.0f} s, {self.waited:,.0f} s in all; the limit is"
                    f" {self.policy.patience:,.0f} s"
                )
            return self._wait_as_asked(error, error.wait)
        self.failures = 1 if self.progressed() else self.failures + 1
        if self.failures >= self.policy.attempts or impatient:
            return False
        if error.wait is not None:
            return self._wait_as_asked(error, error.wait)
        self._next_wait = self.policy.wait(self.failures, self.clock.jitter())
        log.warning("%s: %s; next try in %.1f s", self.what, error, self._next_wait)
        return 0.0

    def _wait_as_asked(self, error: TransientFailure, wait: float) -> float:
        self._next_wait = wait
        log.info("%s: %s: waiting %.1f s, as asked", self.what, error, wait)
        return 0.0


def asked_wait(status: int, headers: Headers, now: float) -> float | None:
    """Seconds that a server asks to wait, by its own clock if it gives the time; None: it does not.

    By Retry-After, in seconds or as a date; else, for a rate limit, by when it is reset: a date, or
    a number that is seconds from now, or seconds, milliseconds or microseconds since 1970.
    """
    now = _http_date(headers.get("date", "")) or now
    after = headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return float(after[:9]) or 1.0
    if (moment := _http_date(after)) is not None:
        return max(moment - now, 1.0)
    reset = headers.get("x-ratelimit-reset", "").strip() if status == RATE_LIMITED else ""
    moment = _moment(float(reset), now) if _NUMBER.fullmatch(reset) else _http_date(reset)
    return moment - now + _RESET_MARGIN if moment is not None and moment > now else None


def _moment(number: float, now: float) -> float:
    """Seconds since 1970 of what a header may mean by a number."""
    if number < _FROM_NOW:
        return now + number
    while number > _SECONDS:
        number /= 1000
    return number


def _http_date(text: str) -> float | None:
    """Seconds since 1970; None for what is no date."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
