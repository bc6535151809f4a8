"""One run of one detail stream."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError, LsatsError
from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import landing_checks
from lsats_pipeline.hub.bronze.landing import Landing
from lsats_pipeline.hub.bronze.lookups import Answer, Lookups
from lsats_pipeline.hub.bronze.records import RejectedRecord, preparer
from lsats_pipeline.hub.bronze.spool import Spool
from lsats_pipeline.hub.sources.source import Detail
from lsats_pipeline.warehouse import Counts, Run, Warehouse, recorded_run
from lsats_pipeline.warehouse.database import Connection, analyze_if_grown, sql_file

log = logging.getLogger(__name__)
_SQL = Path(__file__).parent / "sql"
_PROGRESS_SECONDS = 5.0
# Days after which a detail that could not be read is asked for again: 1, 2, 4 ... 30.
_FIRST_WAIT, _LONGEST_WAIT = 1, 30


class FetchedDetail(NamedTuple):
    """One call, and the version of the list record that it answers (`Answer`)."""

    external_id: str
    list_hash: bytes
    fetched_at: str
    payload: bytes | None
    rejected: RejectedRecord | None = None
    cause: str = ""


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
    accept_removals: bool = False,
    dagster_run_id: str | None = None,
    origin: str = "",
) -> Report:
    """Fetch the most urgent details and land them.

    At most `calls_per_minute` times `LSATS_DETAIL_MINUTES` calls a run; what is left over waits for
    the next. A detail that cannot be read is a reject, and asked for again days later. When it is
    the source that fails, what was fetched lands, and its error is raised. Raises Busy when another
    run holds the stream, ConfigurationError for a future day.
    """
    asset, started = asset_of(detail), time.monotonic()
    if day > settings.today():
        raise ConfigurationError(f"{asset}: {day} has not come yet; today is {settings.today()}")
    budget = int(calls_per_minute * settings.lsats_detail_minutes)
    if settings.max_records:
        budget = min(budget, settings.max_records)
    recorded = partial(
        recorded_run,
        warehouse,
        asset,
        day,
        wait=settings.lsats_lock_wait,
        dagster_run_id=dagster_run_id,
    )
    with recorded() as run:
        enrichment = _Enrichment(settings, detail, connect(), run, origin)
        enrichment.execute(budget, accept_removals)
        left = waiting(run.connection, settings, detail)
        so_far = enrichment.counts_so_far()
    if enrichment.stopped is not None:
        with recorded():  # what was fetched has landed with a run of its own
            raise enrichment.stopped
    return Report(
        asset,
        day,
        run.counts,
        time.monotonic() - started,
        run.run_id,
        note="; ".join(filter(None, (enrichment.failures, _left_over(left)))),
        checks=landing_checks(so_far, enrichment.deletions_on_hold, settings),
        metadata={"waiting": left, "unusable": so_far.rejected},
    )


def waiting(connection: Connection, settings: HubSettings, detail: Detail) -> int:
    """How many details are due now, whatever the budget."""
    query = sql.SQL("select count(*) from ({}) as waiting").format(
        sql_file(_SQL / "candidates.sql")
    )
    row = connection.execute(query, _wanted(settings, detail, None, [])).fetchone()
    return int(row[0]) if row else 0


class _Enrichment:
    """The steps of one run, sharing its parts. `stopped`: the error that ended it early."""

    def __init__(
        self, settings: HubSettings, detail: Detail, client: Any, run: Run, origin: str
    ) -> None:
        self.settings, self.detail, self.client, self.run = settings, detail, client, run
        self.origin = origin
        self.prepare = preparer(detail)
        self.scope = _scope(detail)
        self.stopped: LsatsError | None = None
        self.deletions_on_hold = 0
        self._causes: Counter[str] = Counter()

    @property
    def failures(self) -> str:
        """How many details could not be used, and why."""
        causes = ", ".join(f"{cause}: {n:,}" for cause, n in self._causes.most_common(3))
        return f"{self._causes.total():,} could not be used ({causes})" if causes else ""

    def execute(self, budget: int, accept_removals: bool) -> None:
        path = self.settings.lsats_home / "spool" / f"{self.detail.name}.frames"
        hub = self.run.connection.execute("select hub_id::text from meta.hub").fetchone()
        # Whatever day a broken-off run belonged to, the details that it fetched are good.
        read = {"hub": hub[0] if hub else "", "stream": self.detail.name, "origin": self.origin}
        with Spool(path, read) as spool:
            self._fetch(spool, budget)
            if self.stopped is not None and not any(frame.rows for frame in spool.read()):
                raise self.stopped
            self._land(spool, accept_removals)
            spool.discard()

    def counts_so_far(self) -> Counts:
        """Of the details asked for by this run and all before: how many are of no use."""
        landed = {"layer": self.run.asset.layer, "entity": self.run.asset.entity}
        row = self.run.connection.execute(
            sql_file(_SQL / "unreadable.sql"), {**self.scope, **landed}
        ).fetchone()
        assert row is not None
        return Counts(processed=row[1], rejected=row[0], removed=self.run.counts.removed)

    def _fetch(self, spool: Spool, budget: int) -> None:
        done = [FetchedDetail(*row).external_id for frame in spool.read() for row in frame.rows]
        if done:
            log.info("🔁 %s goes on after %s fetched details", self.run.asset, f"{len(done):,}")
        wanted = self._candidates(max(0, budget - len(done)), done)
        lookups = Lookups(
            lambda external_id: self.detail.fetch(self.client, external_id),
            self.prepare,
            self._read_before,
        )
        started = logged = time.monotonic()
        count = 0
        for answers in lookups.answers(list(wanted)):
            now = self.settings.now().isoformat()
            spool.append([_fetched(answer, wanted, now) for answer in answers], None)
            count += len(answers)
            if (now_s := time.monotonic()) - logged >= _PROGRESS_SECONDS and count:
                logged = now_s
                rate = count / (now_s - started)
                left = (len(wanted) - count) / rate
                log.info(
                    "⏳ %s: %s of %s details, %.0f/s, %.0f s left",
                    self.run.asset, f"{count:,}", f"{len(wanted):,}", rate, left,
                )  # fmt: skip
        self.stopped = lookups.stopped

    def _candidates(self, budget: int, done: list[str]) -> dict[str, bytes]:
        """Identity and hash of the list record, the most urgent first."""
        query = sql_file(_SQL / "candidates.sql")
        limits = _wanted(self.settings, self.detail, budget, done)
        rows = self.run.connection.execute(query, limits).fetchall()
        return {row[0]: row[1] for row in rows}

    def _read_before(self) -> list[str]:
        rows = self.run.connection.execute(sql_file(_SQL / "read_before.sql"), self.scope)
        return [row[0] for row in rows.fetchall()]

    def _land(self, spool: Spool, accept_removals: bool) -> None:
        run = self.run
        with run.connection.transaction():
            landing = Landing(run, self.prepare, self.settings.now())
            orphans = run.connection.execute(sql_file(_SQL / "orphans.sql"), self.scope).fetchall()
            gone = self._gone(spool, landing, accept_removals)
            usable: list[str] = []
            for frame in spool.read():
                rows = [FetchedDetail(*row) for row in frame.rows]
                fetched = [f for f in rows if f.payload or f.rejected or f.external_id in gone]
                landing.add([f.payload for f in fetched if f.payload is not None])
                for rejected, cause in ((f.rejected, f.cause) for f in fetched if f.rejected):
                    run.counts.processed += 1
                    self._causes[cause] += 1
                    landing.reject(RejectedRecord(*rejected))
                self._record_fetches(fetched)
                usable += [f.external_id for f in fetched if f.rejected is None]
            self._resolve(usable)
            landing.remove([*(row[0] for row in orphans), *gone])
            landing.finish()
            analyze_if_grown(run.connection, "enrichment", "fetches", run.counts.processed)
            run.metadata |= {"held": self.deletions_on_hold}
            run.metadata |= {"note": self.failures} if self._causes else {}
            run.metadata |= {"stopped": str(self.stopped)} if self.stopped else {}
            run.complete()

    def _gone(self, spool: Spool, landing: Landing, accept_removals: bool) -> frozenset[str]:
        """Those that the source has not, unless they are too many at once to believe it."""
        rows = (FetchedDetail(*row) for frame in spool.read() for row in frame.rows)
        gone = frozenset(f.external_id for f in rows if f.payload is None and f.rejected is None)
        if not accept_removals:
            held = landing.too_many(list(gone), self.settings.lsats_hold_share)
            self.deletions_on_hold = held
        return frozenset() if self.deletions_on_hold else gone

    def _resolve(self, usable: list[str]) -> None:
        """Close the rejects of what was read now."""
        asset = self.run.asset
        parameters = {
            **self.scope,
            "layer": asset.layer,
            "entity": asset.entity,
            "run_id": self.run.run_id,
            "observed_at": self.settings.now(),
            "ids": usable,
        }
        self.run.connection.execute(sql_file(_SQL / "resolved.sql"), parameters)

    def _record_fetches(self, fetched: list[FetchedDetail]) -> None:
        parameters = {
            **self.scope,
            "ids": [f.external_id for f in fetched],
            "hashes": [f.list_hash for f in fetched],
            "times": [f.fetched_at for f in fetched],
            "failed": [f.rejected is not None for f in fetched],
            "today": self.settings.today(),
            "first_wait": _FIRST_WAIT,
            "longest_wait": _LONGEST_WAIT,
        }
        self.run.connection.execute(sql_file(_SQL / "fetches.sql"), parameters)


def _fetched(answer: Answer, hashes: dict[str, bytes], now: str) -> FetchedDetail:
    external_id, payload, rejected, cause, _ = answer
    return FetchedDetail(external_id, hashes[external_id], now, payload, rejected, cause)


def _left_over(waiting: int) -> str:
    return f"{waiting:,} wait for the next run" if waiting else ""


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
    return {
        **_scope(detail),
        "done": done,
        "today": settings.today(),
        "stale_before": stale,
        "budget": budget,
    }
