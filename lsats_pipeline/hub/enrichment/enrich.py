"""One run of one detail stream."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import quality_checks
from lsats_pipeline.hub.bronze.landing import Landing
from lsats_pipeline.hub.bronze.records import preparer
from lsats_pipeline.hub.bronze.spool import Spool
from lsats_pipeline.hub.sources.source import Detail
from lsats_pipeline.warehouse import Run, Warehouse, recorded_run
from lsats_pipeline.warehouse.database import Connection, analyze_if_grown, sql_file

log = logging.getLogger(__name__)
_SQL = Path(__file__).parent / "sql"
# Calls under way at once, and calls between two checkpoints.
_WORKERS = 4
_CHECKPOINT = 200
_PROGRESS_SECONDS = 5.0


class FetchedDetail(NamedTuple):
    """One call: `payload` is None when the source has no such record."""

    external_id: str
    list_hash: bytes
    fetched_at: str
    payload: bytes | None


def asset_of(detail: Detail) -> Asset:
    """The asset of a detail stream carries the name of its list stream: `enrichment/tdx_user`."""
    return Asset("enrichment", detail.source_system, detail.entity_type, detail.of.name)


def enrich(
    warehouse: Warehouse,
    settings: HubSettings,
    detail: Detail,
    connect: Callable[[], Any],
    day: dt.date,
    *,
    calls_per_minute: int = 60,
    dagster_run_id: str | None = None,
) -> Report:
    """Fetch the most urgent details and land them.

    At most `calls_per_minute` times `LSATS_DETAIL_MINUTES` calls a run; what is left over waits for
    the next. Raises Busy when another run holds the stream, ConfigurationError for a future day.
    """
    asset, started = asset_of(detail), time.monotonic()
    if day > settings.today():
        raise ConfigurationError(f"{asset}: {day} has not come yet; today is {settings.today()}")
    budget = int(calls_per_minute * settings.lsats_detail_minutes)
    if settings.max_records:
        budget = min(budget, settings.max_records)
    with recorded_run(
        warehouse, asset, day, wait=settings.lsats_lock_wait, dagster_run_id=dagster_run_id
    ) as run:
        waiting = _Enrichment(settings, detail, connect(), run).execute(budget)
        return Report(
            asset,
            day,
            run.counts,
            time.monotonic() - started,
            run.run_id,
            note=f"{waiting:,} wait for the next run" if waiting else "",
            checks=quality_checks(run.counts, 0, settings),
            metadata={"waiting": waiting},
        )


def waiting(connection: Connection, settings: HubSettings, detail: Detail) -> int:
    """How many details are due now, whatever the budget."""
    query = sql.SQL("select count(*) from ({}) as waiting").format(
        sql_file(_SQL / "candidates.sql")
    )
    row = connection.execute(query, _wanted(settings, detail, None, [])).fetchone()
    return int(row[0]) if row else 0


class _Enrichment:
    """The steps of one run, sharing its parts."""

    def __init__(self, settings: HubSettings, detail: Detail, client: Any, run: Run) -> None:
        self.settings, self.detail, self.client, self.run = settings, detail, client, run
        self.scope = _scope(detail)

    def execute(self, budget: int) -> int:
        path = self.settings.lsats_home / "spool" / f"{self.detail.name}.frames"
        hub = self.run.connection.execute("select hub_id::text from meta.hub").fetchone()
        # Whatever day a broken-off run belonged to, the details that it fetched are good.
        with Spool(path, {"hub": hub[0] if hub else "", "stream": self.detail.name}) as spool:
            self._fetch(spool, budget)
            self._land(spool)
            spool.discard()
        return waiting(self.run.connection, self.settings, self.detail)

    def _fetch(self, spool: Spool, budget: int) -> None:
        done = [FetchedDetail(*row).external_id for frame in spool.read() for row in frame.rows]
        if done:
            log.info("🔁 %s goes on after %s fetched details", self.run.asset, f"{len(done):,}")
        wanted = self._candidates(max(0, budget - len(done)), done)
        started = logged = time.monotonic()
        count = 0
        with ThreadPoolExecutor(_WORKERS) as workers:
            for chunk in _chunks(wanted):
                spool.append(list(workers.map(self._call, chunk)), None)
                count += len(chunk)
                if (now := time.monotonic()) - logged >= _PROGRESS_SECONDS:
                    logged = now
                    rate = count / (now - started)
                    left = (len(wanted) - count) / rate
                    log.info(
                        "⏳ %s: %s of %s details, %.0f/s, %.0f s left",
                        self.run.asset, f"{count:,}", f"{len(wanted):,}", rate, left,
                    )  # fmt: skip

    def _call(self, candidate: tuple[str, bytes]) -> FetchedDetail:
        external_id, list_hash = candidate
        payload = self.detail.fetch(self.client, external_id)
        return FetchedDetail(external_id, list_hash, self.settings.now().isoformat(), payload)

    def _candidates(self, budget: int, done: list[str]) -> list[tuple[str, bytes]]:
        query = sql_file(_SQL / "candidates.sql")
        limits = _wanted(self.settings, self.detail, budget, done)
        rows = self.run.connection.execute(query, limits).fetchall()
        return [(row[0], row[1]) for row in rows]

    def _land(self, spool: Spool) -> None:
        run = self.run
        with run.connection.transaction():
            landing = Landing(run, preparer(self.detail), self.settings.now())
            orphans = run.connection.execute(sql_file(_SQL / "orphans.sql"), self.scope).fetchall()
            gone = [row[0] for row in orphans]
            for frame in spool.read():
                fetched = [FetchedDetail(*row) for row in frame.rows]
                landing.add([f.payload for f in fetched if f.payload is not None])
                gone += [f.external_id for f in fetched if f.payload is None]
                self._record_fetches(fetched)
            landing.remove(gone)
            landing.finish()
            analyze_if_grown(run.connection, "enrichment", "fetches", run.counts.processed)
            run.complete()

    def _record_fetches(self, fetched: list[FetchedDetail]) -> None:
        self.run.connection.execute(
            sql_file(_SQL / "fetches.sql"),
            {
                **self.scope,
                "ids": [f.external_id for f in fetched],
                "hashes": [f.list_hash for f in fetched],
                "times": [f.fetched_at for f in fetched],
            },
        )


def _chunks(wanted: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    for start in range(0, len(wanted), _CHECKPOINT):
        yield wanted[start : start + _CHECKPOINT]


def _scope(detail: Detail) -> dict[str, Any]:
    return {
        "source_system": detail.source_system,
        "list_type": detail.of.entity_type,
        "detail_type": detail.entity_type,
    }


def _wanted(
    settings: HubSettings, detail: Detail, budget: int | None, done: list[str]
) -> dict[str, Any]:
    stale = settings.now() - dt.timedelta(days=detail.refresh_days)
    return {**_scope(detail), "done": done, "stale_before": stale, "budget": budget}
