"""Events of runs, written in batches: a transaction for many instead of five statements for each.

event ─▶ waiting ─┬▶ written at the end of a step, after half a second, or two hundred at once
                  ├▶ written at once, when it is about a run: started, failed, ended
                  └▶ written before anything is read, and at the end of the process

Killed without warning, a process takes along what waited: at most the events of its last half
second. The hub's own tables are written elsewhere, in transactions of their own, and lose nothing.

Not stored: that a check is planned, and the outputs of steps that hand on no value.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import dagster as dg
from dagster import AssetRecordsFilter, DagsterEventType, EventLogEntry
from dagster_postgres import PostgresEventLogStorage
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError

from lsats_pipeline.defs.storage.checks import store_evaluations
from lsats_pipeline.defs.storage.internals import (
    ASSET_EVENTS,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from lsats_pipeline.defs.storage.written import Written

log = logging.getLogger(__name__)
_Kind = DagsterEventType
_AT_ONCE = 200
_SECONDS = 0.5
# What can wait: nobody but a reader of the same run asks for it, and reading writes it first.
_CAN_WAIT = {
    None,  # a line of the log
    _Kind.ASSET_CHECK_EVALUATION,
    _Kind.ASSET_MATERIALIZATION,
    _Kind.ASSET_MATERIALIZATION_PLANNED,
    _Kind.HANDLED_OUTPUT,
    _Kind.LOADED_INPUT,
    _Kind.LOGS_CAPTURED,
    _Kind.RESOURCE_INIT_STARTED,
    _Kind.RESOURCE_INIT_SUCCESS,
    _Kind.STEP_INPUT,
    _Kind.STEP_OUTPUT,
    _Kind.STEP_START,
}
_STEP_ENDS = {_Kind.STEP_SUCCESS, _Kind.STEP_FAILURE, _Kind.STEP_SKIPPED, _Kind.STEP_UP_FOR_RETRY}


class EventStorage(PostgresEventLogStorage):
    """Dagster's event log in PostgreSQL, with fewer round trips."""

    def __init__(self, url: str, should_autocreate_tables: bool = True) -> None:
        self._waiting: list[EventLogEntry] = []
        self._outputs: dict[tuple[str, str | None, str], EventLogEntry] = {}
        self._changing, self._turn = threading.Lock(), threading.RLock()
        self._of_thread = threading.local()
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        self._written = Written()
        self._writer = _Writer(self.flush)
        # In a process for one step the next step, in another process, reads what this one wrote.
        self._shares = multiprocessing.parent_process() is not None
        super().__init__(url, should_autocreate_tables)
        atexit.register(_flush_at_exit, weakref.ref(self))

    def store_event(self, event: EventLogEntry) -> None:
        """Keep the event until its batch is written, or write it with all that waits."""
        kind = event.dagster_event_type
        with self._changing:
            kept = self._worth_storing(event)
            self._waiting += kept
            many = len(self._waiting) >= _AT_ONCE
        patient = _CAN_WAIT if self._shares else _CAN_WAIT | _STEP_ENDS
        if many or kind not in patient or not event.run_id:
            self.flush()
        elif kept:
            self._writer.wake(at_once=kind in _STEP_ENDS)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """The same for several."""
        for event in events:
            self.store_event(event)

    def flush(self) -> None:
        """Write what waits. The order of events stays."""
        with self._turn:
            with self._changing:
                batch, self._waiting = self._waiting, []
            if not batch:
                return
            try:
                self._write_again_if_interrupted(batch)
            except BaseException:
                with self._changing:
                    self._waiting = batch + self._waiting
                raise

    def dispose(self) -> None:
        """Write what waits; called when Dagster's instance ends."""
        self._writer.stop()
        self.flush()
        super().dispose()

    def _worth_storing(self, event: EventLogEntry) -> list[EventLogEntry]:
        """The event, none, or with it the output that it shows to be somebody's."""
        kind, dagster_event = event.dagster_event_type, event.dagster_event
        if kind is _Kind.ASSET_CHECK_EVALUATION_PLANNED:
            # Its row would stay SKIPPED next to the evaluation, which has no day.
            return []
        if dagster_event is None:
            return [event]
        if kind is _Kind.STEP_OUTPUT and dagster_event.step_output_data.mapping_key is None:
            # Running a part again asks for outputs that an IO manager has kept, and for no others.
            name = dagster_event.step_output_data.output_name
            self._outputs[event.run_id, event.step_key, name] = event
            return []
        if kind is _Kind.HANDLED_OUTPUT:
            name = dagster_event.event_specific_data.output_name  # type: ignore[union-attr]
            output = self._outputs.pop((event.run_id, event.step_key, name), None)
            return [event] if output is None else [output, event]
        if kind is _Kind.ASSET_MATERIALIZATION:
            self._written.forget(dagster_event)
        if kind in _STEP_ENDS:
            self._outputs = {k: v for k, v in self._outputs.items() if k[1] != event.step_key}
        return [event]

    # Writing.

    def _write_again_if_interrupted(self, batch: Sequence[EventLogEntry]) -> None:
        """A server that was restarted, or two runs that wait for each other's rows."""
        try:
            self._write(batch)
        except OperationalError:
            self._write(batch)

    def _write(self, batch: Sequence[EventLogEntry]) -> None:
        with super()._connect() as plain:
            connection = plain.execution_options(isolation_level="READ COMMITTED")
            self._of_thread.connection = connection
            try:
                with connection.begin():
                    ids = self._insert(connection, batch)
                    self._index(connection, list(zip(batch, ids, strict=True)))
            finally:
                self._of_thread.connection = None
        for event, number in zip(batch, ids, strict=True):
            self._written.add(event, number)

    def _insert(self, connection: Connection, batch: Sequence[EventLogEntry]) -> list[int]:
        number = SqlEventLogStorageTable.c.id
        statement = SqlEventLogStorageTable.insert().returning(number, sort_by_parameter_order=True)
        rows = [self._event_to_row(event) for event in batch]
        return [row[0] for row in connection.execute(statement, rows)]

    def _index(self, connection: Connection, numbered: Sequence[tuple[EventLogEntry, int]]) -> None:
        """Dagster's tables next to the log: the latest of each asset, its versions, its checks."""
        about_assets = [
            (event, number)
            for event, number in numbered
            if event.dagster_event_type in ASSET_EVENTS and _asset(event) is not None
        ]
        if about_assets:
            events, ids = zip(*about_assets, strict=True)
            self._store_asset_event_tags(connection, events, ids)
            self._store_latest(connection, about_assets)
        evaluations = [
            (event, number)
            for event, number in numbered
            if event.dagster_event_type is _Kind.ASSET_CHECK_EVALUATION
        ]
        if evaluations:
            store_evaluations(connection, evaluations)

    def _store_latest(
        self, connection: Connection, numbered: Sequence[tuple[EventLogEntry, int]]
    ) -> None:
        rows: dict[str, dict[str, Any]] = {}
        for event, number in numbered:
            key = str(event.get_dagster_event().asset_key.to_string())  # type: ignore[union-attr]
            values = self._get_asset_entry_values(event, number, has_asset_key_index_cols=True)
            rows.setdefault(key, {"asset_key": key}).update(values)
        # In order of the keys, so that two runs do not wait for each other.
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for key in sorted(rows):
            by_columns.setdefault(tuple(sorted(rows[key])), []).append(rows[key])
        for columns, changed in by_columns.items():
            insert = postgresql.insert(AssetKeyTable)
            news = {c: insert.excluded[c] for c in columns if c != "asset_key"}
            upsert = (
                insert.on_conflict_do_update(index_elements=["asset_key"], set_=news)
                if news
                else insert.on_conflict_do_nothing()
            )
            connection.execute(upsert, changed)

    # Reading: what waits is written first.

    def _connect(self) -> AbstractContextManager[Connection]:
        connection = getattr(self._of_thread, "connection", None)
        if connection is not None:
            return nullcontext(connection)
        return self._connect_after_flush()

    @contextmanager
    def _connect_after_flush(self) -> Iterator[Connection]:
        self.flush()
        with super()._connect() as connection:
            yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table; asked once."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has such a column; asked once."""
        if column_name not in self._columns and super().has_asset_key_col(column_name):
            self._columns.add(column_name)
        return column_name in self._columns

    def fetch_materializations(
        self,
        records_filter: dg.AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> dg.EventRecordsResult:
        """Each check asks for the materialization that its step has just made: it is at hand."""
        latest = limit == 1 and cursor is None and not ascending
        if latest and isinstance(records_filter, AssetRecordsFilter):
            for _ in range(2):
                if found := self._written.materialization(records_filter):
                    return found
                self.flush()
        return super().fetch_materializations(records_filter, limit, cursor, ascending)

    def get_latest_tags_by_partition(
        self,
        asset_key: dg.AssetKey,
        event_type: DagsterEventType,
        tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        """Each step asks for the versions of its inputs, most of which this run has made."""
        if asset_partitions and before_cursor is None and after_cursor is None:
            found = self._written.tags(asset_key, event_type, tag_keys, asset_partitions)
            if found is not None:
                return found
        return super().get_latest_tags_by_partition(
            asset_key, event_type, tag_keys, asset_partitions, before_cursor, after_cursor
        )


def _asset(event: EventLogEntry) -> dg.AssetKey | None:
    return event.dagster_event.asset_key if event.dagster_event else None


def _flush_at_exit(storage: weakref.ref[EventStorage]) -> None:
    if (alive := storage()) is None:
        return
    try:
        alive.flush()
    except Exception as error:  # the run has said why already, where this is not its end
        log.warning("⚠️ the last events of a run were not written: %s", error)


class _Writer:
    """Writes what waits from a thread of its own, at once or soon; started when first needed."""

    def __init__(self, flush: Any) -> None:
        self._flush = flush
        self._wanted, self._hurry = threading.Event(), threading.Event()
        self._ends = False
        self._thread: threading.Thread | None = None

    def wake(self, *, at_once: bool) -> None:
        """Have it written within half a second, or as soon as the thread comes to it."""
        if at_once:
            self._hurry.set()
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._ends = False
            self._thread = threading.Thread(target=self._run, name="events", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; what waits stays."""
        self._ends = True
        self._hurry.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._ends:
            self._wanted.wait()
            self._hurry.wait(_SECONDS)
            self._wanted.clear()
            self._hurry.clear()
            # What fails stays waiting, and is raised to whoever writes next.
            with suppress(Exception):
                self._flush()
