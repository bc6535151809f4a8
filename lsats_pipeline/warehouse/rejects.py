"""What could not be used, as it was kept: to look at. Using it again is `bronze/replay.py`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.warehouse.database import Connection


@dataclass(frozen=True)
class Reject:
    """One record that could not be used, without its payload."""

    reject_id: UUID
    layer: str
    entity: str
    external_id: str | None
    reason: str
    detail: str
    partition_key: dt.date | None
    run_id: UUID
    raw_id: UUID | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    attempts: int
    resolution: str
    resolved_at: dt.datetime | None

    @property
    def asset(self) -> str:
        """Where it was to go: `bronze/tdx_user`."""
        return f"{self.layer}/{self.entity}"


_COLUMNS = (
    "reject_id, layer, entity, external_id, reason, detail, partition_key, run_id, raw_id,"
    " first_seen, last_seen, attempts, resolution, resolved_at"
)
_FIND = f"""
select {_COLUMNS} from meta.rejects
where (%(asset)s::text is null or %(asset)s in (entity, layer || '/' || entity))
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(all)s or resolution = 'open')
order by last_seen desc, reject_id
limit %(limit)s
"""
_SUMMARY = """
select layer || '/' || entity as asset, reason, count(*) from meta.rejects
where resolution = 'open' group by 1, 2 order by 1, 2
"""


def find(
    connection: Connection,
    *,
    asset: str | None = None,
    reason: str | None = None,
    resolved: bool = False,
    limit: int | None = None,
) -> list[Reject]:
    """Rejects, the last seen first. `asset`: `tdx_user` or `bronze/tdx_user`.

    ConfigurationError when nothing was ever rejected under such a name or reason.
    """
    with connection.cursor(row_factory=class_row(Reject)) as cursor:
        rows = cursor.execute(
            _FIND, {"asset": asset, "reason": reason, "all": resolved, "limit": limit}
        ).fetchall()
    if not rows:
        _refuse_unknown(connection, asset, reason)
    return rows


def one(connection: Connection, reject_id: UUID) -> tuple[Reject, bytes | None]:
    """A reject and its payload; ConfigurationError when there is none with this id."""
    with connection.cursor(row_factory=class_row(Reject)) as cursor:
        reject = cursor.execute(
            f"select {_COLUMNS} from meta.rejects where reject_id = %s",
            [reject_id],
        ).fetchone()
    if reject is None:
        raise ConfigurationError(f"no reject {reject_id}; `lsats rejects list --all` shows all ids")
    row = connection.execute(
        "select payload from meta.rejects where reject_id = %s", [reject_id]
    ).fetchone()
    return reject, row[0] if row else None


def open_counts(connection: Connection) -> list[tuple[str, str, int]]:
    """Asset, reason and number of the open rejects."""
    return [(str(a), str(r), int(n)) for a, r, n in connection.execute(_SUMMARY).fetchall()]


def readable(payload: bytes | None) -> Any:
    """A payload for people: parsed if it is JSON, else text with escapes for what is no text."""
    if payload is None:
        return None
    text = payload.decode("utf-8", "backslashreplace")
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except ValueError:
        return text


def _refuse_unknown(connection: Connection, asset: str | None, reason: str | None) -> None:
    columns = (("stream", asset, "entity"), ("reason", reason, "reason"))
    for kind, wanted, column in columns:
        known = _known(connection, column)
        if wanted is not None and wanted.rpartition("/")[2] not in known and known:
            raise ConfigurationError(
                f"no rejects of {kind} {wanted!r}; there are some of: {', '.join(known)}"
            )


def _known(connection: Connection, column: str) -> Sequence[str]:
    query = {
        "entity": "select distinct entity from meta.rejects order by 1",
        "reason": "select distinct reason from meta.rejects order by 1",
    }
    return [row[0] for row in connection.execute(query[column]).fetchall()]
