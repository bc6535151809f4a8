"""One run of one silver table, in one transaction, in a fixed number of statements.

runs not consumed yet ─▶ keys ─▶ built (SELECT of the declaration) ─▶ rejects
    ─▶ compare with the table ─▶ checks ─▶ history, delete, upsert ─▶ totals, consumed, `completed`

A failed blocking check rolls everything back: nobody downstream sees the rows.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.rules import Result
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver import quality
from lsats_pipeline.hub.silver.completeness import LostRecords, known_lost, lost_records
from lsats_pipeline.hub.silver.ddl import (
    Field,
    fields,
    fingerprint,
    preparations,
    rows,
    scope_column,
)
from lsats_pipeline.hub.silver.integrated import affected_keys, all_keys
from lsats_pipeline.hub.silver.quality import Totals
from lsats_pipeline.hub.silver.spec import IntegratedTable, SqlModel, StagingTable, Table
from lsats_pipeline.hub.silver.sql_model import all_scopes, changed_scopes, expired_scopes
from lsats_pipeline.warehouse import Run, Warehouse, recorded_run
from lsats_pipeline.warehouse.database import analyze_if_grown
from lsats_pipeline.warehouse.runs import consumed_since, mark_consumed


def asset_of(table: Table) -> Asset:
    """The asset of a silver table: `silver/users`."""
    return Asset("silver", "silver", table.name, table.name)


def producers(table: Table) -> list[tuple[str, str]]:
    """(layer, entity) of the runs that a table consumes."""
    if not isinstance(table, StagingTable):
        return [("silver", upstream.name) for upstream in table.upstream]
    streams = [("bronze", table.stream.name)]
    return [*streams, ("enrichment", table.stream.name)] if table.detail else streams


def build(
    warehouse: Warehouse,
    settings: HubSettings,
    table: Table,
    day: dt.date,
    *,
    full: bool = False,
    accept_removals: bool = False,
    dagster_run_id: str | None = None,
) -> Report:
    """Bring the table up to date with every run upstream that it has not consumed.

    `full`, or a declaration that has changed since the last build, works every row out again.
    Raises Busy when another run holds the table. A blocked Report wrote nothing.
    """
    asset, started = asset_of(table), time.monotonic()
    with recorded_run(
        warehouse, asset, day, wait=settings.lsats_lock_wait, dagster_run_id=dagster_run_id
    ) as run:
        report = _Build(settings, table, run, full, accept_removals).execute()
        return replace(report, seconds=time.monotonic() - started)


class _Blocked(Exception):
    """Leaves the transaction when a blocking check failed."""

    def __init__(self, report: Report) -> None:
        self.report = report


class _Build:
    """The steps of one run, sharing its parts."""

    def __init__(
        self, settings: HubSettings, table: Table, run: Run, full: bool, accept_removals: bool
    ) -> None:
        self.settings, self.table, self.run = settings, table, run
        self.accept_removals = accept_removals
        self.connection = run.connection
        self.fingerprint = fingerprint(table)
        known = quality.stored_totals(self.connection, table)
        self.before = known[0] if known else Totals()
        self.full = full or known is None or known[1] != self.fingerprint
        self.lost = LostRecords()
        self.now = settings.now()
        self.current = sql.Identifier("silver", table.name)
        self.history = sql.Identifier("silver", f"{table.name}_history")
        self.identity = sql.Identifier(table.identity)
        self.scope = sql.Identifier(scope_column(table))
        self.fields = fields(table)

    def execute(self) -> Report:
        try:
            with self.connection.transaction():
                return self._build()
        except _Blocked as blocked:
            self.run.fail(blocked.report.blocked_by)
            return blocked.report

    def _build(self) -> Report:
        runs = consumed_since(self.connection, str(self.run.asset), producers(self.table))
        self._execute("set local lsats.today = {}", sql.Literal(f"{self.settings.today()}"))
        if not runs and not self.full and not self._any_expired():
            return self._finish(self.before, note="nothing new upstream")
        if not self._collect_keys(runs) and not self._whole():
            mark_consumed(self.connection, str(self.run.asset), runs, self.run.run_id)
            return self._finish(self.before, note="nothing that it reads has changed")
        for preparation in preparations(self.table):
            self._execute("{}", preparation)
        built = self._execute("create temp table built on commit drop as {}", rows(self.table))
        self._count_and_reject(built.rowcount)
        fan_out = self._fan_out()
        minus = self._compare()
        after = self.before.moved(quality.measure(self.connection, sql.SQL("built")), minus)
        if not fan_out:
            self._write()
            self.lost = lost_records(self.connection, self.table)
        checks = self._checks(self.before, after, fan_out, self._shared_keys())
        report = self._report(after, checks)
        if report.blocked:
            raise _Blocked(report)
        mark_consumed(self.connection, str(self.run.asset), runs, self.run.run_id)
        return self._finish(after, report)

    def _whole(self) -> bool:
        """Whether everything is worked out, whatever the keys: they only say what may go."""
        whole = isinstance(self.table, SqlModel) and self.table.changed_keys is None
        return self.full or whole

    def _collect_keys(self, runs: list[UUID]) -> int:
        """Leave the keys to work out in a temporary table; how many there are."""
        found = self._execute(_KEYS, self._keys(sql.Literal(runs))).rowcount
        if found:
            self._execute("alter table keys add primary key (key)")
            self._execute("analyze keys")
        return found

    def _keys(self, runs: sql.Literal) -> sql.Composable:
        """The keys to work out: those that the runs may have changed, or all."""
        if not isinstance(self.table, StagingTable):
            changed = None if self.full else self._changed_keys(sql.SQL("{}::uuid[]").format(runs))
            if changed is None:
                return self._every_key(self.table)
            expired = self._expired_keys()
            return sql.SQL("{} union {}").format(changed, expired) if expired else changed
        if not self.full:
            return sql.SQL(
                "select distinct external_id from bronze.raw_entities"
                " where ingestion_run_id = any({}::uuid[])"
            ).format(runs)
        stream = self.table.stream
        return sql.SQL(
            "select external_id from bronze.heads where source_system = {} and entity_type = {}"
        ).format(sql.Literal(stream.source_system), sql.Literal(stream.entity_type))

    def _changed_keys(self, runs: sql.Composable) -> sql.Composable | None:
        if isinstance(self.table, SqlModel):
            return changed_scopes(self.table, runs)
        assert isinstance(self.table, IntegratedTable)
        return affected_keys(self.table, runs)

    def _expired_keys(self) -> sql.Composable | None:
        return expired_scopes(self.table) if isinstance(self.table, SqlModel) else None

    def _any_expired(self) -> bool:
        """Whether rows are out of date merely because a day has passed."""
        expired = self._expired_keys()
        return expired is not None and self._count("select count(*) from ({}) as key", expired) > 0

    def _every_key(self, table: IntegratedTable | SqlModel) -> sql.Composable:
        """All that there is upstream, and all that is here: what nobody knows any more must go."""
        every = all_scopes(table) if isinstance(table, SqlModel) else all_keys(table)
        known = sql.SQL("select {} from {}").format(self.scope, self.current)
        return sql.SQL("{} union {}").format(every, known)

    def _count_and_reject(self, processed: int) -> None:
        counts = self.run.counts
        counts.processed = processed
        if isinstance(self.table, StagingTable):
            counts.rejected = self._reject_missing_keys(self.table)
        self._execute("analyze built ({})", self.identity)

    def _reject_missing_keys(self, table: StagingTable) -> int:
        """Move rows without a key to the rejects; resolve those that have one now, or are gone."""
        missing_key = sql.SQL(" or ").join(
            sql.SQL("{} is null").format(sql.Identifier(k)) for k in table.key
        )
        scope = {
            "entity": sql.Literal(table.name),
            "run": sql.Literal(self.run.run_id),
            "now": sql.Literal(self.now),
            "day": sql.Literal(self.run.day),
            "missing_key": missing_key,
            "detail": sql.Literal(f"no value in {' or '.join(table.key)}"),
        }
        rejected = self._execute(_REJECT, **scope).rowcount
        self._execute("delete from built where {missing_key}", **scope)
        self._execute(_RESOLVE, **scope)
        return rejected

    def _fan_out(self) -> int:
        return self._count(
            "select count(*) - count(distinct {identity}) from built", identity=self.identity
        )

    def _compare(self) -> Totals:
        """Leave in `built` what differs; put into `gone` what is no more; the totals of the old."""
        names = [f.name for f in self.fields if f.compared]
        counts = self.run.counts
        same = {
            "current": self.current,
            "identity": self.identity,
            "scope": self.scope,
            "new": _tuple("built", names),
            "old": _tuple("item", names),
        }
        counts.removed = self._execute(_GONE, **same).rowcount
        counts.skipped = self._execute(_DROP_UNCHANGED, **same).rowcount
        counts.updated = self._execute(_OLD, **same).rowcount - counts.removed
        differing = counts.processed - counts.rejected - counts.skipped
        counts.created = differing - counts.updated
        return quality.measure(self.connection, sql.SQL("old"))

    def _write(self) -> None:
        counts = self.run.counts
        names = _names(f.name for f in self.fields)
        scope = {
            "current": self.current,
            "history": self.history,
            "identity": self.identity,
            "names": names,
            "run": sql.Literal(self.run.run_id),
            "now": sql.Literal(self.now),
            "assignments": sql.SQL(", ").join(_assign(f) for f in self.fields if not f.kept),
        }
        if superseded := counts.updated + counts.removed:
            self._execute(_SUPERSEDE, **scope)
            self._execute(_REMOVE, **scope)
        # Looking for rows to replace costs as much as an index: only where there are any.
        self._execute(_INSERT + (_REPLACE if counts.updated else ""), **scope)
        grown = ((self.table.name, counts.changed), (f"{self.table.name}_history", superseded))
        for name, changed in grown:
            analyze_if_grown(self.connection, "silver", name, changed)

    def _checks(
        self, before: Totals, after: Totals, fan_out: int = 0, shared_keys: int = 0
    ) -> tuple[Result, ...]:
        return quality.evaluate_checks(
            self.table,
            self.settings,
            self.run.counts,
            before,
            after,
            fan_out=fan_out,
            shared_keys=shared_keys,
            lost=self.lost,
            accept_removals=self.accept_removals,
        )

    def _shared_keys(self) -> int:
        """Keys among those just written that several rows of the table have."""
        if isinstance(self.table, IntegratedTable) or not self.table.key:
            return 0
        if isinstance(self.table, StagingTable) and self.table.repeats:
            return 0
        key = _names(self.table.key)
        return self._count(
            "select count(*) from (select {key} from {current} where ({key}) in"
            " (select {key} from built) group by {key} having count(*) > 1) as shared",
            key=key,
            current=self.current,
        )

    def _report(self, after: Totals, checks: tuple[Result, ...] = (), note: str = "") -> Report:
        return Report(
            self.run.asset,
            self.run.day,
            self.run.counts,
            0.0,
            self.run.run_id,
            note=note,
            checks=checks,
            metadata={"rows": after.rows, "mean": after.mean, "full": self.full},
        )

    def _finish(self, after: Totals, report: Report | None = None, note: str = "") -> Report:
        """Keep the totals and complete the run; with nothing to do, check what is there."""
        if report is None:
            self.lost = known_lost(self.connection, self.table)
            report = self._report(after, self._checks(after, after), note)
        quality.store_totals(self.run, self.table, after, self.fingerprint)
        self.run.metadata |= report.metadata | self.lost.metadata
        self.run.complete()
        return report

    def _execute(
        self, text: LiteralString, *parts: sql.Composable, **named: sql.Composable
    ) -> psycopg.Cursor[TupleRow]:
        # Without parameters, so that a % in a declaration is just a %.
        return self.connection.execute(sql.SQL(text).format(*parts, **named))

    def _count(self, text: LiteralString, *parts: sql.Composable, **named: sql.Composable) -> int:
        row = self._execute(text, *parts, **named).fetchone()
        assert row is not None
        return int(row[0])


_KEYS = """
create temp table keys on commit drop as
select distinct key::text collate "C" as key from ({}) as affected (key)
"""
_REJECT = """
insert into meta.rejects as reject (
    layer, entity, external_id, reason, detail, fingerprint, raw_id,
    partition_key, run_id, first_seen, last_seen)
select 'silver', {entity}, external_id, 'missing_key', {detail},
    sha256(convert_to('missing_key|' || external_id, 'UTF8')), raw_id,
    {day}::date, {run}::uuid, {now}, {now}
from built
where {missing_key}
on conflict (layer, entity, fingerprint) do update set
    attempts = reject.attempts + 1,
    raw_id = excluded.raw_id,
    run_id = excluded.run_id,
    last_seen = excluded.last_seen,
    resolution = 'open',
    resolved_at = null
"""
_RESOLVE = """
update meta.rejects reject set resolution = 'mended', resolved_at = {now}
from keys
where reject.layer = 'silver' and reject.entity = {entity} and reject.resolution = 'open'
    and reject.external_id = keys.key and reject.run_id <> {run}::uuid
"""
# Keys for which the declaration gives no row any more.
_GONE = """
create temp table gone on commit drop as
select item.{identity} from {current} as item join keys on keys.key = item.{scope}
where not exists (select from built where built.{identity} = item.{identity})
"""
_DROP_UNCHANGED = """
delete from built using {current} as item
where item.{identity} = built.{identity} and {new} is not distinct from {old}
"""
_OLD = """
create temp table old on commit drop as
select item.* from {current} as item
where item.{identity} in (select {identity} from built union all select {identity} from gone)
"""
_SUPERSEDE = """
insert into {history} ({names}, ingestion_run_id, created_at, valid_from, valid_to, closed_by)
select {names}, ingestion_run_id, created_at, updated_at, {now}, {run}::uuid from old
"""
_REMOVE = "delete from {current} where {identity} in (select {identity} from gone)"
_INSERT = """
insert into {current} ({names}, ingestion_run_id, created_at, updated_at)
select {names}, {run}::uuid, {now}, {now} from built
"""
_REPLACE = """
on conflict ({identity}) do update set
    {assignments},
    ingestion_run_id = excluded.ingestion_run_id,
    updated_at = excluded.updated_at
"""


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(n) for n in names)


def _tuple(alias: str, names: list[str]) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(", ").join(sql.Identifier(alias, n) for n in names))


def _assign(field: Field) -> sql.Composed:
    return sql.SQL("{0} = excluded.{0}").format(sql.Identifier(field.name))
