"""Records that a complete read did not show, asked for by id before they count as gone.

absent ─┬▶ more than a run can ask for, and suspiciously many: nobody is asked, the landing holds
        └▶ find_by_id ─┬▶ a record: it stays, in its list form with the values of now
                       ├▶ None: gone, the landing removes it
                       └▶ refused, or not asked any more: it stays, and the run says so

For streams that declare `find_by_id`: their lists leave out what is inactive, or hidden from the
login.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.landing import SQL, copy_seen_keys, suspicious
from lsats_pipeline.hub.bronze.lookups import UNREADABLE, Answer, Lookups
from lsats_pipeline.hub.bronze.records import (
    RejectedRecord,
    identity_reader,
    in_list_form,
    preparer,
)
from lsats_pipeline.hub.bronze.spool import Spool, SpooledRecord
from lsats_pipeline.hub.sources.source import Stream
from lsats_pipeline.warehouse import Run
from lsats_pipeline.warehouse.database import sql_file

MOST_ASKED = 1000  # by-id calls of one run; at TeamDynamix's 60 a minute, a quarter of an hour
_FOUND = '{"found_by_id": true}'


class _Absent(NamedTuple):
    """`due`: last list form by identity, as many as a run asks for; `left`: the others' identities.

    `listed`: some that the read did show.
    """

    due: dict[str, bytes]
    left: list[str]
    listed: list[str]


class UnlistedRecords:
    """One read's. `remarks` are what the run should say."""

    def __init__(self, settings: HubSettings, stream: Stream, client: Any, run: Run) -> None:
        self.remarks: list[str] = []
        self._stream, self._client, self._run = stream, client, run
        self._hold_share = settings.lsats_hold_share
        self._scope = {
            "source_system": stream.source_system,
            "entity_type": stream.entity_type,
            "day": run.day,
            "most": MOST_ASKED,
        }

    def asked(self, spool: Spool, accept_removals: bool) -> Iterator[list[SpooledRecord]]:
        """Rows for the spool: those found, those that cannot be asked for, those that wait."""
        absent = self._absent(spool, accept_removals)
        if absent.left:
            count = len(absent.left)
            self.remarks.append(f"{count:,} not listed any more are asked for another day")
            yield [SpooledRecord(kept=external_id) for external_id in absent.left]
        lookups = Lookups(
            self._find,
            preparer(self._stream),
            lambda: absent.listed,
        )
        answered: set[str] = set()
        found = refused = 0
        for answers in lookups.answers(list(absent.due)):
            answered.update(answer.external_id for answer in answers)
            rows = [row for a in answers if (row := _row(a, absent.due[a.external_id]))]
            found += sum(row.payload is not None for row in rows)
            refused += sum(row.payload is None for row in rows)
            yield rows
        if found:
            self.remarks.append(f"{found:,} not listed any more, but found by id")
        if refused:
            self.remarks.append(f"{refused:,} not listed any more, and not readable by id")
        if lookups.stopped is not None:
            unasked = [external_id for external_id in absent.due if external_id not in answered]
            self.remarks.append(f"{len(unasked):,} not listed any more: {lookups.stopped}")
            reason = f"not listed any more, and cannot be asked for: {lookups.stopped}"
            yield [
                SpooledRecord(rejected=RejectedRecord(external_id, UNREADABLE, reason, None))
                for external_id in unasked
            ]

    def _find(self, external_id: str) -> bytes | None:
        assert self._stream.find_by_id is not None
        return self._stream.find_by_id(self._client, external_id)

    def _execute(self, name: str) -> list[Any]:
        return self._run.connection.execute(sql_file(SQL / f"{name}.sql"), self._scope).fetchall()

    def _absent(self, spool: Spool, accept_removals: bool) -> _Absent:
        connection = self._run.connection
        identity_of = identity_reader(self._stream)
        rows = (SpooledRecord(*row) for frame in spool.read() for row in frame.rows)
        keys = (identity_of(row.payload) if row.payload else row.identity for row in rows)
        with connection.transaction(force_rollback=True):
            live = self._execute("live")[0][0]
            if live == 0:
                return _Absent({}, [], [])
            copy_seen_keys(connection, (key for key in keys if key))
            connection.execute(sql_file(SQL / "absent.sql"), self._scope)
            count = connection.execute("select count(*) from absent").fetchall()[0][0]
            many = count > MOST_ASKED
            if many and not accept_removals and suspicious(count, live, self._hold_share):
                return _Absent({}, [], [])
            due = {row[0]: row[1].encode() for row in self._execute("unlisted")}
            left = self._execute("unlisted_left") if many and not accept_removals else []
            listed = self._execute("listed")
            return _Absent(due, [row[0] for row in left], [row[0] for row in listed])


def _row(answer: Answer, listed: bytes) -> SpooledRecord | None:
    """What the spool keeps of an answer; None for what is gone."""
    if answer.payload is not None:
        return SpooledRecord(in_list_form(listed, answer.payload), _FOUND)
    if answer.rejected is None:
        return None
    detail = f"not listed any more, and not readable by id: {answer.rejected.detail}"
    return SpooledRecord(rejected=answer.rejected._replace(detail=detail))
