"""How hosts behave, in PostgreSQL, so that all processes spare a host that one of them found down.

 closed ──FAILURES in a row──▶ open for OPEN_SECONDS ──▶ one probe ──answers──▶ closed
                                    ▲                        └──fails──┐
                                    └──────────────────────────────────┘
Requests take turns: each reserves the next free moment of its host, and waits for it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.rows import TupleRow

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError, TransientError
from lsats_pipeline.warehouse import Warehouse

log = logging.getLogger(__name__)

FAILURES = 5
OPEN_SECONDS = 300.0
# A probe whose process died is forgotten after so long.
_PROBE_SECONDS = 120.0
# Nobody waits longer for a turn; a pause that a server asked for moves all turns.
PATIENCE = 900.0


def _statement(text: str) -> sql.Composed:
    return sql.SQL(text).format(
        now=sql.SQL("coalesce(to_timestamp(%(now)s), statement_timestamp())"),
        step=sql.SQL("make_interval(secs => %(step)s)"),
    )


_OPEN = _statement(
    "select open_until, last_error from mrf.hosts where host = %(host)s and open_until is not null"
)
_PROBE = _statement(
    "update mrf.hosts set probing_until = {now} + make_interval(secs => %(probe)s)"
    " where host = %(host)s and open_until <= {now} and coalesce(probing_until <= {now}, true)"
    " returning 1"
)
_TURN = _statement(
    "insert into mrf.hosts as h (host, next_at) values (%(host)s, {now} + {step})"
    " on conflict (host) do update set next_at = greatest(h.next_at, {now}) + {step}"
    " where h.next_at <= {now} + make_interval(secs => %(patience)s)"
    " returning extract(epoch from next_at - {step} - {now})"
)
_ANSWERS = _statement(
    "update mrf.hosts set open_until = null, probing_until = null,"
    " failures = least(failures, %(limit)s - 1), changed_at = {now}"
    " where host = %(host)s and open_until is not null returning 1"
)
_SUCCEEDED = _statement(
    "update mrf.hosts set failures = 0, open_until = null, probing_until = null,"
    " last_error = null, changed_at = {now}"
    " where host = %(host)s and (failures > 0 or open_until is not null) returning 1"
)
_FAILED = _statement(
    "insert into mrf.hosts as h (host, failures, last_error) values (%(host)s, 1, %(error)s)"
    " on conflict (host) do update set failures = h.failures + 1, last_error = %(error)s,"
    " probing_until = null, changed_at = {now}, open_until = case when h.failures + 1 >= %(limit)s"
    " then {now} + make_interval(secs => %(open)s) end"
    " returning open_until is not null"
)
_PAUSE = _statement(
    "update mrf.hosts set next_at = greatest(next_at, {now} + make_interval(secs => %(pause)s))"
    " where host = %(host)s returning 1"
)
_FORGET = _statement("delete from mrf.hosts where host = %(host)s returning 1")


@dataclass(frozen=True)
class HostState:
    """One host: its circuit, and when it may be asked next."""

    host: str
    circuit: str
    failures: int
    open_until: dt.datetime | None
    next_at: dt.datetime | None
    last_error: str | None


@dataclass(frozen=True)
class CircuitBreaker:
    """Of all hosts; `now` (seconds since 1970) is the server's clock unless a test has its own."""

    warehouse: Warehouse
    rate: float
    clock: Clock = field(default_factory=Clock)
    now: Callable[[], float] | None = None

    def admit(self, host: str) -> None:
        """TransientError while the circuit is open, and for all but one when it may close."""
        rows = self._run(_OPEN, host)
        if not rows or self._run(_PROBE, host):
            return
        until, error = rows[0]
        raise TransientError(
            f"{host} failed {FAILURES} times in a row ({error}) and is left alone until"
            f" {until:%H:%M:%S} UTC, then asked once; `lsats mrf hosts --reset {host}` ends that"
        )

    def take_turn(self, host: str) -> None:
        """Wait for the next free moment of the host; TransientError when that is too far away."""
        rows = self._run(_TURN, host)
        if not rows:
            raise TransientError(
                f"{host} is busy for more than {PATIENCE / 60:.0f} minutes; try later"
            )
        if (wait := float(rows[0][0])) > 0:
            self.clock.sleep(wait)

    def answers(self, host: str) -> None:
        """It answered: a probe closes the circuit, though the next failure opens it again."""
        self._run(_ANSWERS, host)

    def succeeded(self, host: str) -> None:
        """All that was asked for came."""
        self._run(_SUCCEEDED, host)

    def failed(self, host: str, error: str) -> None:
        """One more failure in a row; the circuit opens at the limit."""
        rows = self._run(_FAILED, host, error=error.replace("\0", "")[:500])
        if rows[0][0]:
            log.warning("⚠️ %s is left alone for %.0f s: %s", host, OPEN_SECONDS, error)

    def pause(self, host: str, seconds: float) -> None:
        """The host asked all to wait."""
        self._run(_PAUSE, host, pause=seconds)

    def reset(self, host: str) -> None:
        """Forget the failures of a host."""
        if not self._run(_FORGET, host):
            raise ConfigurationError(
                f"nothing is known of host {host}: `lsats mrf hosts` lists them"
            )

    def states(self) -> list[HostState]:
        """Every host that was asked."""
        rows = self.warehouse.query(
            "select host, case when open_until is null then 'closed'"
            " when open_until > clock_timestamp() then 'open' else 'half-open' end, failures,"
            " open_until, nullif(next_at, '-infinity'), last_error from mrf.hosts order by host"
        )
        return [HostState(*row) for row in rows]

    def _run(self, statement: sql.Composed, host: str, **values: object) -> list[TupleRow]:
        params = {
            "host": host,
            "now": self.now() if self.now else None,
            "step": 1 / self.rate,
            "patience": PATIENCE,
            "open": OPEN_SECONDS,
            "probe": _PROBE_SECONDS,
            "limit": FAILURES,
            **values,
        }
        return self.warehouse.query(statement, params)
