"""The landing transaction: records in, versions, tombstones and rejects out.

batch ─ prepare ─▶ seen before? ─▶ compare with heads ─▶ COPY what is new or changed
          │              │
          └─▶ rejects ◀──┘ (two different records with one identity)
end of a complete read ─▶ tombstones for what it did not have, unless they are too many ─▶ heads
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from lsats_pipeline.core.rules import exceeds
from lsats_pipeline.hub.bronze.records import Prepared, RejectedRecord
from lsats_pipeline.warehouse import Run
from lsats_pipeline.warehouse.database import Connection, analyze_if_grown, sql_file

SQL = Path(__file__).parent / "sql"
COPY = """
copy bronze.raw_entities (
    source_system, entity_type, external_id, raw_data, content_hash, ingestion_metadata,
    partition_key, ingested_at, ingestion_run_id)
from stdin
"""


class Landing:
    """Lands one run's records. Use inside the transaction that also completes the run.

    `deletions_on_hold` counts tombstones that wait for a person's decision. The identities that the
    read has seen are kept here, about 240 bytes each (700,000 of them: 165 MB); a table of the
    server that answered the same question took a third as long as the COPY itself.
    """

    def __init__(
        self,
        run: Run,
        prepare: Callable[[bytes], Prepared | RejectedRecord],
        observed_at: dt.datetime,
    ) -> None:
        self.deletions_on_hold = 0
        self._run = run
        self._connection = run.connection
        self._prepare = prepare
        self._scope = {
            "source_system": run.asset.source_system,
            "entity_type": run.asset.entity_type,
            "layer": run.asset.layer,
            "entity": run.asset.entity,
            "day": run.day,
            "observed_at": observed_at,
            "run_id": run.run_id,
        }
        # None: seen on a rejected record only; a good one may still have the identity.
        self._seen_keys: dict[str, bytes | None] = {}
        self._may_be_seen = set[str]()  # patterns of identities that rejected records may have
        self._compares = self._has_heads()

    def add(self, payloads: Sequence[bytes], origins: Sequence[str | None] = ()) -> None:
        """Land a batch of records; `origins`: for each, JSON of where it stood in its document."""
        self._run.counts.processed += len(payloads)
        batch: list[Prepared] = []
        for payload, origin in zip_longest(payloads, origins):
            outcome = self._prepare(payload)
            if isinstance(outcome, RejectedRecord):
                self.reject(outcome)
            elif self._is_first(outcome):
                batch.append(outcome._replace(origin=origin) if origin else outcome)
        if batch:
            self._copy(self._news(batch))

    def keep(self, external_ids: Sequence[str]) -> None:
        """Take records that the read did not show for seen."""
        for external_id in external_ids:
            self._seen_keys.setdefault(external_id, None)

    def remove_absent(self, hold_share: float | None, unconfirmed: int = 0) -> None:
        """Tombstone what a complete read did not have, or hold it when that is too much at once.

        `hold_share` None means that a person has looked and accepts any number. `unconfirmed`: so
        many more were not shown, and stay because nobody knows.
        """
        known = self._live()
        copy_seen_keys(self._connection, self._seen_keys if self._compares else ())
        self._execute("absent")
        if self._may_be_seen:
            self._execute("maybe_seen", patterns=sorted(self._may_be_seen))
        absent = self._count("select count(*) from absent") + unconfirmed
        if hold_share is not None and suspicious(absent, known, hold_share):
            self.deletions_on_hold = absent
            self._connection.execute("truncate absent")
        self._tombstone()

    def remove(self, external_ids: Sequence[str]) -> None:
        """Tombstone records that the source said are gone."""
        self._connection.execute(
            "create temp table absent on commit drop as select unnest(%s::text[]) as external_id",
            [list(external_ids)],
        )
        self._tombstone()

    def too_many(self, external_ids: Sequence[str], hold_share: float) -> int:
        """How many live records these are, if they are too many to vanish at once; else 0."""
        row = self._connection.execute(
            "select count(*) from bronze.heads where source_system = %(source_system)s"
            " and entity_type = %(entity_type)s and not is_removed"
            " and external_id = any(%(ids)s)",
            {**self._scope, "ids": list(external_ids)},
        ).fetchone()
        absent = int(row[0]) if row else 0
        return absent if suspicious(absent, self._live(), hold_share) else 0

    def resolve_absent_rejects(self) -> None:
        """After a complete read: a reject that did not come up again was resolved at its source."""
        self._connection.execute(
            "update meta.rejects set resolution = 'mended', resolved_at = %(observed_at)s"
            " where layer = %(layer)s and entity = %(entity)s and resolution = 'open'"
            " and run_id <> %(run_id)s",
            self._scope,
        )

    def finish(self) -> None:
        """Point the heads at what has landed and complete the counts."""
        counts = self._run.counts
        # Looking for heads to replace takes as long as writing them: only where there are any.
        self._execute(*(("heads", "heads_known") if self._compares else ("heads",)))
        for table in ("raw_entities", "heads"):
            analyze_if_grown(self._connection, "bronze", table, counts.changed)
        counts.skipped = counts.processed - counts.created - counts.updated - counts.rejected

    def _is_first(self, record: Prepared) -> bool:
        """Whether the read has the identity for the first time; other content is a clash."""
        before = self._seen_keys.get(record.external_id)
        if before is None:
            self._seen_keys[record.external_id] = record.content_hash
            return True
        if before != record.content_hash:
            self.reject(_clash(record))
        return False

    def _news(self, batch: list[Prepared]) -> list[tuple[str, Prepared]]:
        """The records that differ from the heads, each with `create` or `update`."""
        if not self._compares:
            return [("create", record) for record in batch]
        compared = self._execute(
            "compare",
            ids=[record.external_id for record in batch],
            hashes=[record.content_hash for record in batch],
        )
        return [(action, batch[position]) for position, action in compared]

    def _copy(self, rows: list[tuple[str, Prepared]]) -> None:
        """COPY rows; those that PostgreSQL refuses are found by halving and rejected."""
        if not rows:
            return
        scope = self._scope
        head = (scope["source_system"], scope["entity_type"])
        tail = (scope["day"], scope["observed_at"], scope["run_id"])
        try:
            with (
                self._connection.transaction(),
                self._connection.cursor() as cursor,
                cursor.copy(COPY) as copy,
            ):
                for _, one in rows:
                    text = one.payload.decode()
                    body = (one.external_id, text, one.content_hash, one.origin)
                    copy.write_row((*head, *body, *tail))
        except psycopg.DataError as error:
            if len(rows) == 1:
                reason = str(error).splitlines()[0]
                record = rows[0][1]
                self.reject(
                    RejectedRecord(record.external_id, "unstorable", reason, record.payload)
                )
                return
            self._copy(rows[: len(rows) // 2])
            self._copy(rows[len(rows) // 2 :])
            return
        created = sum(action == "create" for action, _ in rows)
        self._run.counts.created += created
        self._run.counts.updated += len(rows) - created

    def reject(self, rejected: RejectedRecord) -> None:
        """Keep what cannot be used; whatever has its identity was there, and is not gone."""
        self._run.counts.rejected += 1
        identity = rejected.external_id
        mark = f"{rejected.reason}|{identity or rejected.detail}".encode()
        if not identity and rejected.payload is not None:
            mark = rejected.payload
        self._execute(
            "reject",
            external_id=identity,
            reason=rejected.reason,
            detail=rejected.detail,
            payload=rejected.payload,
            fingerprint=hashlib.sha256(mark).digest(),
        )
        if rejected.may_be is not None:
            self._may_be_seen.add(rejected.may_be)
        if identity:
            self._seen_keys.setdefault(identity, None)

    def _tombstone(self) -> None:
        self._run.counts.removed += self._execute("tombstones").rowcount

    def _has_heads(self) -> bool:
        """Whether anything of the stream has landed before; if not, all is new."""
        return bool(
            self._count(
                "select count(*) from (select from bronze.heads"
                " where source_system = %(source_system)s and entity_type = %(entity_type)s"
                " limit 1) as head"
            )
        )

    def _live(self) -> int:
        return int(self._execute("live").fetchall()[0][0])

    def _count(self, text: str) -> int:
        row = self._connection.execute(text, self._scope).fetchone()
        assert row is not None
        return int(row[0])

    def _execute(self, *names: str, **params: Any) -> psycopg.Cursor[Any]:
        statement = sql.SQL("").join(sql_file(SQL / f"{name}.sql") for name in names)
        return self._connection.execute(statement, {**self._scope, **params})


def _clash(record: Prepared) -> RejectedRecord:
    detail = "another record of the same read has this identity and other content"
    return RejectedRecord(record.external_id, "duplicate_identity", detail, record.payload)


def copy_seen_keys(connection: Connection, identities: Iterable[str]) -> None:
    """Copy the identities that a read has seen into a temporary table `seen_keys`."""
    connection.execute('create temp table seen_keys (external_id text collate "C") on commit drop')
    with connection.cursor() as cursor, cursor.copy("copy seen_keys from stdin") as copy:
        for identity in identities:
            copy.write_row((identity,))
    connection.execute("analyze seen_keys")


def suspicious(absent: int, known: int, hold_share: float) -> bool:
    """Everything gone, or more than the share: an outage looks just like that."""
    return absent > 0 and (absent == known or exceeds(absent, known, hold_share))
