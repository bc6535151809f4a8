"""One run of one stream: what may be read on a day, reading it into the spool, landing it.

read_stream ── lock ── run `running` ── spool ◀── pages of the source ──▶ Ingestion.land
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from lsats_pipeline.core.errors import CallFailed, ConfigurationError
from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.rules import Result, combined
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.landing import Landing
from lsats_pipeline.hub.bronze.lookups import UNREADABLE
from lsats_pipeline.hub.bronze.records import RejectedRecord, preparer
from lsats_pipeline.hub.bronze.spool import Spool, SpooledRecord
from lsats_pipeline.hub.bronze.unlisted import UnlistedRecords
from lsats_pipeline.hub.rules import (
    DOCUMENTS,
    LANDED_KEYS,
    MASS_DISAPPEARANCE,
    REMOVALS,
    WAITING_DOCUMENTS,
    reject_share,
)
from lsats_pipeline.hub.sources.source import NothingToRead, Page, ReadRequest, SetAside, Stream
from lsats_pipeline.warehouse import Counts, Run, Warehouse, recorded_run
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline.warehouse.runs import last_completed, observed

log = logging.getLogger(__name__)
_PROGRESS_SECONDS = 5.0


def asset_of(stream: Stream) -> Asset:
    """The asset that a stream lands in: `bronze/tdx_user`."""
    return Asset("bronze", stream.source_system, stream.entity_type, stream.name)


def ingest(
    warehouse: Warehouse,
    settings: HubSettings,
    stream: Stream,
    connect: Callable[[], Any],
    day: dt.date,
    *,
    accept_removals: bool = False,
    dagster_run_id: str | None = None,
    origin: str = "",
) -> Report:
    """Read the stream once and land what differs; `connect` gives the source's client.

    `origin`: of another place than the usual one, so that neither goes on with the other's pages.

    Raises Busy when another run holds the stream, ConfigurationError for a day that the source
    cannot answer for, IncompleteRead when the source ended early (nothing lands then).
    """
    asset = asset_of(stream)
    if not _readable(warehouse, stream, asset, day, settings.today()):
        return Report(
            asset, day, Counts(), 0.0, note="already observed; the past cannot be re-read"
        )
    with read_stream(
        warehouse,
        settings,
        stream,
        connect,
        day,
        wait=settings.lsats_lock_wait,
        accept_removals=accept_removals,
        dagster_run_id=dagster_run_id,
        origin=origin,
    ) as ingestion:
        return ingestion.land()


@contextmanager
def read_stream(
    warehouse: Warehouse,
    settings: HubSettings,
    stream: Stream,
    connect: Callable[[], Any],
    day: dt.date,
    *,
    wait: float = 0.0,
    accept_removals: bool = False,
    dagster_run_id: str | None = None,
    origin: str = "",
    stop: Callable[[], object] = bool,
) -> Iterator[Ingestion]:
    """A run of the stream that has read, to be landed by whichever thread; it holds lock and spool.

    Raises Busy when another run holds the stream for longer than `wait` seconds. `stop` is called
    after each page, and raises when the read is to end; what has come is kept.
    """
    asset, path = asset_of(stream), settings.lsats_home / "spool" / f"{stream.name}.frames"
    with (
        recorded_run(warehouse, asset, day, wait=wait, dagster_run_id=dagster_run_id) as run,
        Spool(path, _header(settings, stream, run, origin)) as spool,
    ):
        ingestion = Ingestion(settings, stream, run, spool, accept_removals)
        ingestion.read(connect(), stop)
        yield ingestion


def landing_checks(
    counts: Counts, deletions_on_hold: int, settings: HubSettings
) -> tuple[Result, ...]:
    """The results of LANDING_RULES: both block."""
    removals = Result(
        MASS_DISAPPEARANCE,
        deletions_on_hold == 0,
        f"{deletions_on_hold:,} records vanished at once and were kept: look at the source,"
        " then run again with removals accepted"
        if deletions_on_hold
        else "no more records vanished than usual",
        values={
            "held": deletions_on_hold,
            "removed": counts.removed,
            "held above a share of": settings.lsats_hold_share,
        },
    )
    rejects = reject_share(counts, settings, "`lsats rejects list` says why")
    return combined(LANDED_KEYS, [rejects]), combined(REMOVALS, [removals])


def waiting_check(set_aside: Sequence[SetAside]) -> Result:
    """The result of DOCUMENTS: whether none waits for too long."""
    overdue = [document for document in set_aside if document.overdue]
    named = "; ".join(f"{document.file}: {document.cause}" for document in overdue)
    waiting = Result(
        WAITING_DOCUMENTS,
        not overdue,
        f"unread for more than a day: {named}" if overdue else "no document waits too long",
        values={"set aside": len(set_aside), "overdue": len(overdue)},
    )
    return combined(DOCUMENTS, [waiting])


class Ingestion:
    """The steps of one run, sharing its parts: read once, then land once."""

    def __init__(
        self, settings: HubSettings, stream: Stream, run: Run, spool: Spool, accept_removals: bool
    ) -> None:
        self.settings, self.stream, self.run, self.spool = settings, stream, run, spool
        self.accept_removals = accept_removals
        self.today = settings.today()
        self.seconds = 0.0  # at work; a run that was read ahead waits in between
        self.hints: Any = None
        self.remarks: list[str] = []
        self.set_aside: list[SetAside] = []
        self.afterwards: list[Callable[[], None]] = []
        # A limited read, or one of a past day, shows only some records: absence proves nothing.
        whole = run.day == self.today or stream.documents
        self.complete = settings.max_records == 0 and whole

    @property
    def note(self) -> str:
        """The remarks of the read."""
        return "; ".join(self.remarks)

    def read(self, client: Any, stop: Callable[[], object]) -> None:
        """Bring the spool to its end, from wherever a broken-off read left it."""
        started = time.monotonic()
        try:
            # A document is at hand, and what is to be done with it afterwards is not spooled.
            if not self.spool.finished or self.stream.documents:
                self._fetch(client, stop)
        except NothingToRead as nothing:
            self.remarks.insert(0, str(nothing))
            self.complete = False
        self.seconds += time.monotonic() - started

    def land(self) -> Report:
        """Write what differs, in one transaction, and forget the spool."""
        started = time.monotonic()
        deletions_on_hold = self._land()
        self.spool.discard()
        for action in self.afterwards if self.complete else ():
            action()
        self.seconds += time.monotonic() - started
        run = self.run
        return Report(
            run.asset,
            run.day,
            run.counts,
            self.seconds,
            run.run_id,
            note=self.note,
            checks=(
                *landing_checks(run.counts, deletions_on_hold, self.settings),
                *((waiting_check(self.set_aside),) if self.stream.documents else ()),
            ),
        )

    def _fetch(self, client: Any, stop: Callable[[], object]) -> None:
        spool = self.spool
        if spool.position is None or self.stream.documents:
            spool.restart()
        else:
            log.info("🔁 %s goes on after %s", self.run.asset, spool.position)
        request = ReadRequest(
            self.run.day,
            spool.position,
            self._stored_hints(),
            self._keep_hints,
            self.afterwards.append,
            self.remarks.append,
            self.set_aside.append,
            self._known,
            lambda part, failure: missed.append(_missed(part, failure)),
        )
        missed: list[SpooledRecord] = []
        fetched = 0
        with closing(self._paced(self._limited(self.stream.read(client, request)))) as pages:
            for page in pages:
                spool.append([*missed, *_rows(page)], page.position)
                missed.clear()
                fetched += len(page.records)
                stop()
        if missed:
            spool.append(missed, spool.position)
        if self.complete and self.stream.find_by_id is not None and not _parts_missed(spool):
            unlisted = UnlistedRecords(self.settings, self.stream, client, self.run)
            for rows in unlisted.asked(spool, self.accept_removals):
                stop()
                spool.append(rows, spool.position)
            self.remarks += unlisted.remarks
        spool.finish()
        self.run.metadata["fetched"] = fetched

    def _limited(self, pages: Iterator[Page]) -> Iterator[Page]:
        if not (left := self.settings.max_records):
            yield from pages
            return
        for page in pages:
            yield page._replace(records=page.records[:left])
            left -= len(page.records)
            if left <= 0:
                return

    def _paced(self, pages: Iterator[Page]) -> Generator[Page, None, None]:
        """Log how far the read is, at intervals."""
        started = logged = time.monotonic()
        count = 0
        for page in pages:
            yield page
            count += len(page.records)
            now = time.monotonic()
            if now - logged >= _PROGRESS_SECONDS:
                logged = now
                log.info(
                    "⏳ %s: %s records, %s/s",
                    self.run.asset,
                    f"{count:,}",
                    f"{count / (now - started):,.0f}",
                )

    def _land(self) -> int:
        run = self.run
        with run.connection.transaction():
            landing = Landing(run, preparer(self.stream), self.settings.now())
            unconfirmed = 0
            for batch in self._batches():
                records = [(row.payload, row.origin) for row in batch if row.payload is not None]
                landing.add([record[0] for record in records], [record[1] for record in records])
                landing.keep([row.kept for row in batch if row.kept])
                for rejected in (RejectedRecord(*row.rejected) for row in batch if row.rejected):
                    run.counts.processed += 1
                    landing.reject(rejected)
                    unconfirmed += rejected.external_id is not None
                    self._note_missed(rejected)
            if self.complete:
                hold_share = None if self.accept_removals else self.settings.lsats_hold_share
                landing.remove_absent(hold_share, unconfirmed)
                landing.resolve_absent_rejects()
            landing.finish()
            if self.complete:
                self._store_hints(run.connection)
            run.metadata |= {"complete": self.complete, "held": landing.deletions_on_hold}
            run.metadata |= {"note": self.note} if self.note else {}
            if self.set_aside:
                run.metadata["set_aside"] = {one.file: one.cause for one in self.set_aside}
            run.complete()
        return landing.deletions_on_hold

    def _note_missed(self, rejected: RejectedRecord) -> None:
        """A part of the stream was not read: what is absent may be there."""
        if rejected.external_id is None:
            self.complete = False
            self.remarks.append(f"not read: {rejected.detail}")

    def _batches(self) -> Iterator[list[SpooledRecord]]:
        rows = (SpooledRecord(*row) for frame in self.spool.read() for row in frame.rows)
        if self.run.day != self.today and self.stream.modified:
            rows = (row for row in rows if not row.payload or self._modified_on_day(row.payload))
        while batch := list(islice(rows, self.settings.batch_size)):
            yield batch

    def _modified_on_day(self, payload: bytes) -> bool:
        """Whether a record was last changed on the run's day; an unreadable time counts as yes."""
        try:
            text = msgspec.json.decode(payload)[self.stream.modified]
            moment = dt.datetime.fromisoformat(text)
        except (msgspec.DecodeError, RecursionError, TypeError, KeyError, ValueError):
            return True
        return moment.astimezone(self.settings.zone).date() == self.run.day

    def _known(self, entity_type: str) -> list[str]:
        rows = self.run.connection.execute(
            "select external_id from bronze.heads where source_system = %s and entity_type = %s"
            " and not is_removed order by external_id",
            [self.stream.source_system, entity_type],
        ).fetchall()
        return [row[0] for row in rows]

    def _keep_hints(self, hints: Any) -> None:
        self.hints = hints

    def _stored_hints(self) -> Any:
        row = self.run.connection.execute(
            "select hints from meta.stream_hints where stream = %s", [self.stream.name]
        ).fetchone()
        return row[0] if row else None

    def _store_hints(self, connection: Connection) -> None:
        if self.hints is not None:
            connection.execute(
                "insert into meta.stream_hints values (%s, %s)"
                " on conflict (stream) do update set hints = excluded.hints",
                [self.stream.name, Jsonb(self.hints)],
            )


def _header(settings: HubSettings, stream: Stream, run: Run, origin: str) -> dict[str, Any]:
    """Pages may be reused only by the same read: hub, stream, day, nothing landed since."""
    hub = run.connection.execute("select hub_id::text from meta.hub").fetchone()
    last = last_completed(run.connection, run.asset)
    return {
        "hub": hub[0] if hub else "",
        "stream": stream.name,
        "day": run.day.isoformat(),
        "limit": settings.max_records,
        "after": str(last[0]) if last else "",
        "origin": origin,
    }


def _missed(part: str, failure: CallFailed) -> SpooledRecord:
    return SpooledRecord(rejected=RejectedRecord(None, UNREADABLE, f"{part}: {failure}", None))


def _parts_missed(spool: Spool) -> bool:
    rows = (SpooledRecord(*row) for frame in spool.read() for row in frame.rows)
    return any(row.rejected and row.identity is None for row in rows)


def _rows(page: Page) -> list[SpooledRecord]:
    """Records with where they stood: the row counts on from the first of the page."""
    if page.origin is None:
        return [SpooledRecord(record) for record in page.records]
    first = page.origin.get("row", 1)
    return [
        SpooledRecord(record, json.dumps({**page.origin, "row": first + offset}))
        for offset, record in enumerate(page.records)
    ]


def read_anew(stream: Stream, day: dt.date, today: dt.date) -> bool:
    """Whether a run of this day reads the source, whatever was observed before."""
    return day == today or (day < today and stream.answers_for_past_days)


def _readable(
    warehouse: Warehouse, stream: Stream, asset: Asset, day: dt.date, today: dt.date
) -> bool:
    """Whether the day can be read; False when it was observed and cannot be read again."""
    if day > today:
        raise ConfigurationError(f"{asset}: {day} has not come yet; today is {today}")
    if read_anew(stream, day, today):
        return True
    with warehouse.connection() as connection:
        if observed(connection, asset, day):
            return False
    raise ConfigurationError(
        f"{asset} can only be read as it is now, and {day} was not observed: choose {today}"
    )
