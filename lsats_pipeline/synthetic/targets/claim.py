"""What a seeding keeps to itself while it writes: a world, a table of it, or blocks of a table.

world        exclusive: `lsats seed`, clearing; refused while anybody else writes the world
└ table      exclusive: all of it at once; waits for who writes any of it
  └ blocks   exclusive each, the table shared: others write other blocks meanwhile

Locks are taken from the world down and blocks in order, so nobody waits in a circle.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from lsats_pipeline.core.errors import Busy

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Claim:
    """A world; or with `table` that one; or with `blocks` those numbers of it only."""

    world: str
    table: str = ""
    blocks: tuple[int, ...] = ()

    @property
    def whole_world(self) -> bool:
        """Whether nobody else writes anything of the world."""
        return not self.table

    @property
    def part(self) -> str:
        """The blocks in names of files: `003`, `003-005`; empty for all of them."""
        ends = dict.fromkeys(self.blocks[:1] + self.blocks[-1:])
        return "-".join(f"{number:03d}" for number in ends)

    @property
    def staging(self) -> str:
        """The schema where what is claimed is staged; nobody else stages there."""
        if self.whole_world:
            return f"{self.world}_staging"
        parts = [self.world, self.table, self.part.replace("-", "_"), "staging"]
        return "_".join(filter(None, parts))

    def take(self, connection: Connection) -> None:
        """Lock it for as long as the connection is open.

        Busy when somebody holds the whole world (or any of it, where that is claimed), or when
        another run has not let go of the same rows within the connection's time for a statement.
        """
        world = f"lsats:world:{self.world}"
        self._try(connection, _TRY[not self.whole_world], world)
        if self.whole_world:
            return
        table = f"{world}:{self.table}"
        self._wait(connection, table, shared=bool(self.blocks))
        for number in sorted(self.blocks):
            self._wait(connection, f"{table}:{number}", shared=False)

    def take_for_transaction(self, connection: Connection) -> None:
        """Lock the whole world until this transaction ends; Busy when anybody writes it."""
        self._try(connection, _TRY_TRANSACTION, f"lsats:world:{self.world}")

    def _try(self, connection: Connection, statement: LiteralString, name: str) -> None:
        """A killed process gives its lock up a moment after it is gone, hence the second look."""
        for pause in (0.0, 1.0):
            time.sleep(pause)
            if _locked(connection, statement, name):
                return
        raise Busy(f"world {self.world} is being seeded by another process; try again later")

    def _wait(self, connection: Connection, name: str, *, shared: bool) -> None:
        if _locked(connection, _TRY[shared], name):
            return
        place = name.removeprefix("lsats:world:").replace(":", ".", 1).replace(":", ", block ")
        log.info("⏳ %s is being written by another run: waiting for it", place)
        try:
            connection.execute(_WAIT[shared], [name])
        except psycopg.errors.QueryCanceled:
            raise Busy(f"{place} is being written by another run for too long") from None


_WAIT = {
    False: "select pg_advisory_lock(hashtextextended(%s, 0))",
    True: "select pg_advisory_lock_shared(hashtextextended(%s, 0))",
}
_TRY: dict[bool, LiteralString] = {
    False: "select pg_try_advisory_lock(hashtextextended(%s, 0))",
    True: "select pg_try_advisory_lock_shared(hashtextextended(%s, 0))",
}
_TRY_TRANSACTION: LiteralString = "select pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def _locked(connection: Connection, statement: LiteralString, name: str) -> bool:
    row = connection.execute(statement, [name]).fetchone()
    return bool(row and row[0])


def alone_for_now(connection: Connection, name: str) -> None:
    """Wait for others who do the same, until this transaction ends."""
    connection.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"lsats:world:{name}"]
    )
