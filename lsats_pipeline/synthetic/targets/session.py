"""One connection for a seeding: checked before it is opened, opened again when it is lost.

While it is open it holds the seeding's claim (`claim`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from lsats_pipeline.core.errors import Unreachable
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.warehouse.database import connect, database_name
from lsats_pipeline.warehouse.safety import require_synthetic_database

log = logging.getLogger(__name__)
T = TypeVar("T")
Connection = psycopg.Connection[Any]

# domain/world_jobs.md 6: three more tries, with jitter.
WAITS = (0.5, 1.0, 2.0)
# Connection lost, server going down or coming up; serialisation failure, deadlock.
_TRANSIENT = ("08", "57P", "40001", "40P01")
_STATEMENT_SECONDS = 900


class Session:
    """The connection of a writer of a world. Refuses databases for real data unconnected.

    `claim`: what it keeps to itself; by default the whole world.
    """

    def __init__(
        self, url: str, world: str, waits: Sequence[float] = WAITS, *, claim: Claim | None = None
    ) -> None:
        require_synthetic_database(database_name(url))
        self.claim = claim or Claim(world)
        self._url, self._world, self._waits = url, world, waits
        self._connection: Connection | None = None
        self.retries = 0

    def connection(self) -> Connection:
        """The open connection, in autocommit; Busy when another seeding has what is claimed."""
        if self._connection is None or self._connection.closed:
            self._connection = self._opened()
        return self._connection

    def reliably(self, work: Callable[[Connection], T]) -> T:
        """Do it; after a transient fault again, at most three times, on a new connection."""
        for wait in self._waits:
            try:
                return work(self.connection())
            except (psycopg.OperationalError, Unreachable) as error:
                if not transient(error):
                    raise
                self._wait(wait, error)
        return work(self.connection())

    def close(self) -> None:
        """Give the claim back, and close the connection.

        Said to the server, for a connection that is merely closed is gone for it only a moment
        later, and whoever comes next would find the world taken.
        """
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute("select pg_advisory_unlock_all()")
            self._connection.close()
            self._connection = None

    def _wait(self, seconds: float, error: Exception) -> None:
        self.retries += 1
        self.close()
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        log.warning("🔁 %s: %s; tried again in %.1f s", self._world, reason, seconds)
        time.sleep(seconds * random.uniform(0.8, 1.2))

    def _opened(self) -> Connection:
        connection = connect(self._url, autocommit=True)
        # For this session alone. A seeding that a crash loses is simply made again; indexes are
        # built in memory, by several processes where the server has them to spare; statistics are
        # a first sketch until autovacuum comes: whole ones took longer than storing the rows.
        connection.execute("set synchronous_commit = off")
        connection.execute("set maintenance_work_mem = '256MB'")
        connection.execute("set max_parallel_maintenance_workers = 2")
        connection.execute("set default_statistics_target = 20")
        connection.execute(
            sql.SQL("set statement_timeout = {}").format(sql.Literal(f"{_STATEMENT_SECONDS}s"))
        )
        try:
            self.claim.take(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def transient(error: Exception) -> bool:
    """Whether the same may succeed on another try: the connection or the moment was at fault."""
    if isinstance(error, Unreachable):
        return True
    state = getattr(error, "sqlstate", None)
    return isinstance(error, psycopg.OperationalError) and (
        state is None or state.startswith(_TRANSIENT)
    )
