"""The run log: one row per stream or table and run, and which consumer has used which run.

recorded_run ── lock ── close what died ── insert `running` ── (work) ── complete | fail
                                                                  │
                                     in the work's own transaction, so that rows
                                     and the `completed` mark appear together
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from lsats_pipeline.core.report import Asset, Counts
from lsats_pipeline.warehouse.database import Connection, Warehouse

log = logging.getLogger(__name__)


@dataclass
class Run:
    """One recorded run, holding the writer's connection while it lasts."""

    run_id: UUID
    asset: Asset
    day: dt.date
    connection: Connection
    counts: Counts = field(default_factory=Counts)
    metadata: dict[str, Any] = field(default_factory=dict)

    def complete(self) -> None:
        """Mark the run completed; call it inside the transaction that writes its rows."""
        names = [f"records_{name}" for name in asdict(self.counts)]
        assignments = ", ".join(f"{name} = %s" for name in names)
        self.connection.execute(
            f"update meta.ingestion_runs set status = 'completed', "
            f"completed_at = clock_timestamp(), metadata = %s, {assignments} where run_id = %s",
            [Jsonb(self.metadata), *asdict(self.counts).values(), self.run_id],
        )

    def fail(self, message: str) -> None:
        """Mark the run failed with the reason; outside the transaction that was rolled back."""
        self.connection.execute(
            "update meta.ingestion_runs set status = 'failed', completed_at = clock_timestamp(),"
            " error_message = %s where run_id = %s and status = 'running'",
            [message.replace("\x00", ""), self.run_id],
        )


@contextmanager
def recorded_run(
    warehouse: Warehouse,
    asset: Asset,
    day: dt.date,
    *,
    wait: float = 0.0,
    dagster_run_id: str | None = None,
) -> Iterator[Run]:
    """The one run of this asset; raises Busy when another holds it.

    The block completes the run (`Run.complete`); leaving it by an exception, or without having
    completed it, marks it failed.
    """
    with warehouse.writer(str(asset), wait=wait) as connection:
        _close_interrupted(connection, asset)
        run = Run(_start(connection, asset, day, dagster_run_id), asset, day, connection)
        try:
            yield run
        except BaseException as error:
            _fail(run, f"{type(error).__name__}: {error}")
            raise
        _fail(run, "ended without being completed")


def consumed_since(
    connection: Connection, consumer: str, producers: Sequence[tuple[str, str]]
) -> list[UUID]:
    """Completed runs of the producers (layer, entity) that changed something not yet consumed."""
    layers, entities = [p[0] for p in producers], [p[1] for p in producers]
    rows = connection.execute(
        """
        select r.run_id
        from unnest(%s::text[], %s::text[]) as p(layer, entity)
        join meta.ingestion_runs r using (layer, entity)
        where r.status = 'completed'
          and r.records_created + r.records_updated + r.records_removed > 0
          and not exists (
              select from meta.consumed_runs c where c.consumer = %s and c.run_id = r.run_id)
        order by r.run_id
        """,
        [layers, entities, consumer],
    ).fetchall()
    return [row[0] for row in rows]


def mark_consumed(connection: Connection, consumer: str, runs: Sequence[UUID], by: UUID) -> None:
    """Record, in the consumer's transaction, that it has used these runs."""
    connection.execute(
        "insert into meta.consumed_runs (consumer, run_id, consumed_by)"
        " select %s, run_id, %s from unnest(%s::uuid[]) as u(run_id) on conflict do nothing",
        [consumer, by, list(runs)],
    )


def observed(connection: Connection, asset: Asset, day: dt.date) -> bool:
    """Whether a completed run has already observed this day."""
    row = connection.execute(
        "select exists (select from meta.ingestion_runs where layer = %s and entity = %s"
        " and partition_key = %s and status = 'completed')",
        [asset.layer, asset.entity, day],
    ).fetchone()
    return bool(row and row[0])


def last_completed(connection: Connection, asset: Asset) -> tuple[UUID, dict[str, Any]] | None:
    """Id and metadata of the newest completed run."""
    row = connection.execute(
        "select run_id, metadata from meta.ingestion_runs where layer = %s and entity = %s"
        " and status = 'completed' order by started_at desc limit 1",
        [asset.layer, asset.entity],
    ).fetchone()
    return (row[0], row[1]) if row else None


def _start(connection: Connection, asset: Asset, day: dt.date, dagster_run: str | None) -> UUID:
    row = connection.execute(
        "insert into meta.ingestion_runs (layer, source_system, entity_type, entity,"
        " partition_key, who, dagster_run_id) values (%s, %s, %s, %s, %s, %s, %s) returning run_id",
        [
            asset.layer,
            asset.source_system,
            asset.entity_type,
            asset.entity,
            day,
            f"process {os.getpid()} on {socket.gethostname()}",
            dagster_run,
        ],
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def _close_interrupted(connection: Connection, asset: Asset) -> None:
    """Whoever holds the lock is the only live writer; every other `running` row is a dead one."""
    connection.execute(
        "update meta.ingestion_runs set status = 'failed', completed_at = clock_timestamp(),"
        " error_message = 'the process ended before the run did'"
        " where layer = %s and entity = %s and status = 'running'",
        [asset.layer, asset.entity],
    )


def _fail(run: Run, message: str) -> None:
    try:
        run.fail(message)
    except psycopg.Error:
        log.warning("the failure of %s could not be recorded: the database is gone", run.asset)
