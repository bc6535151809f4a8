"""How every stream and table is doing, read from the run log alone.

What is declared is taken from the database too, so that looking costs no loading of sources.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import class_row

from lsats_pipeline.warehouse.database import Connection, sql_file

_QUERY = Path(__file__).with_suffix(".sql")


@dataclass(frozen=True)
class AssetStatus:
    """One stream or table. `day` is the newest completed one, the counts are its last run's.

    `status`: that of the last run, or `never`, or `died` when its process is gone.
    `held`: removals kept back for a person. `set_aside`: documents that could not be read, each
    with cause and remedy. `lost`: records that are in no row, and nothing says why. `waiting`: runs
    upstream that it has not used yet.
    """

    layer: str
    entity: str
    status: str
    started_at: dt.datetime | None
    seconds: float | None
    error: str | None
    day: dt.date | None
    processed: int | None
    created: int | None
    updated: int | None
    skipped: int | None
    removed: int | None
    rejected: int | None
    held: int
    set_aside: dict[str, str]
    lost: int
    lost_examples: list[str]
    waiting: int
    open_rejects: int
    rows: int | None
    mean_quality: float | None

    @property
    def asset(self) -> str:
        """The name it has everywhere: `silver/users`."""
        return f"{self.layer}/{self.entity}"

    def marks(self, today: dt.date) -> tuple[str, ...]:
        """What deserves a look: `failed`, `died`, `stale`, `held`, `set aside`, `lost` ..."""
        return tuple(self._marks(today))

    def as_json(self, today: dt.date) -> dict[str, Any]:
        """For programs."""
        return {"asset": self.asset, **asdict(self), "marks": list(self.marks(today))}

    def _marks(self, today: dt.date) -> Iterator[str]:
        if self.status in ("failed", "died"):
            yield self.status
        if self.day is not None and self.day < today:
            yield "stale"
        if self.held:
            yield "held"
        if self.set_aside:
            yield "set aside"
        if self.lost:
            yield "lost"
        if self.waiting:
            yield "waiting"


def statuses(connection: Connection) -> list[AssetStatus]:
    """Every stream and table of a hub, in the order of the layers."""
    with connection.cursor(row_factory=class_row(AssetStatus)) as cursor:
        return cursor.execute(sql_file(_QUERY), []).fetchall()
