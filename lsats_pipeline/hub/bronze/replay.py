"""Lands again what was rejected, once the cause is fixed here.

open rejects ─▶ those that a newer version has overtaken: `mended`
             └▶ the real lander, as a run of the stream ─▶ landed: `replayed`
                                                        └▶ refused again: open, an attempt more
Such a run has seen only what it replays, so absence proves nothing: no tombstones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import asset_of
from lsats_pipeline.hub.bronze.landing import Landing
from lsats_pipeline.hub.bronze.records import preparer
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse import Counts, Run, Warehouse, recorded_run

# Which of two records with one identity is right only the source, or a person, can say.
_FOR_PEOPLE = "duplicate_identity"

_WANTED = """
select reject_id from meta.rejects
where layer = %(layer)s and entity = %(entity)s and resolution = 'open' and payload is not null
    and (reject_id = any(%(ids)s) or (%(every)s and reason <> %(for_people)s))
order by last_seen, reject_id
"""
# What has landed since under the same identity is newer than the reject: it must not come back.
_OVERTAKEN = """
update meta.rejects reject set resolution = 'mended', resolved_at = %(now)s
from bronze.heads head
join bronze.raw_entities raw using (raw_id)
where reject.reject_id = any(%(wanted)s)
    and head.source_system = %(source_system)s and head.entity_type = %(entity_type)s
    and head.external_id = reject.external_id
    and raw.ingested_at > reject.last_seen
returning reject.reject_id
"""
_PAYLOADS = """
select payload from meta.rejects where reject_id = any(%(batch)s) order by last_seen, reject_id
"""
# A reject that came up again carries this run's id; one with another reason is a row of its own.
_RESOLVE = """
update meta.rejects set resolution = 'replayed', resolved_at = %(now)s
where reject_id = any(%(wanted)s) and resolution = 'open' and run_id <> %(run)s
"""


def replay(
    warehouse: Warehouse,
    settings: HubSettings,
    declared: Stream | Detail,
    ids: Sequence[UUID] | None = None,
) -> Report:
    """Land the open rejects of a stream again: these ids, or all but those left to a person.

    Raises Busy when another run holds the stream. `Report.metadata` has `replayed`, `refused` and
    `overtaken`. With nothing to replay there is no run.
    """
    asset, started = _asset(declared), time.monotonic()
    day = settings.today()
    if not _wanted(warehouse, asset, ids):
        return Report(asset, day, Counts(), 0.0, note="nothing to replay")
    with recorded_run(warehouse, asset, day, wait=settings.lsats_lock_wait) as run:
        result = _Replay(settings, declared, run).execute(ids)
        seconds = time.monotonic() - started
        return Report(
            asset, day, run.counts, seconds, run.run_id, note=_note(result), metadata=result
        )


class _Replay:
    """The steps of one replay, sharing its parts."""

    def __init__(self, settings: HubSettings, declared: Stream | Detail, run: Run) -> None:
        self.settings, self.declared, self.run = settings, declared, run
        self.now = settings.now()

    def execute(self, ids: Sequence[UUID] | None) -> dict[str, Any]:
        run = self.run
        with run.connection.transaction():
            wanted = _ids(run.connection.execute(_WANTED, _scope(run.asset, ids)).fetchall())
            overtaken = self._set_aside(wanted)
            landing = Landing(run, preparer(self.declared), self.now)
            for payloads in self._batches([i for i in wanted if i not in overtaken]):
                landing.add(payloads)
            landing.finish()
            run.connection.execute(_RESOLVE, {"wanted": wanted, "now": self.now, "run": run.run_id})
            result = {
                "replayed": run.counts.processed - run.counts.rejected,
                "refused": run.counts.rejected,
                "overtaken": len(overtaken),
            }
            run.metadata |= {"replay": True, "complete": False, **result}
            run.complete()
        return result

    def _set_aside(self, wanted: list[UUID]) -> set[UUID]:
        rows = self.run.connection.execute(
            _OVERTAKEN,
            {
                "wanted": wanted,
                "now": self.now,
                "source_system": self.run.asset.source_system,
                "entity_type": self.run.asset.entity_type,
            },
        ).fetchall()
        return set(_ids(rows))

    def _batches(self, wanted: list[UUID]) -> Iterator[list[bytes]]:
        size = self.settings.batch_size
        for start in range(0, len(wanted), size):
            batch = {"batch": wanted[start : start + size]}
            rows = self.run.connection.execute(_PAYLOADS, batch).fetchall()
            yield [bytes(row[0]) for row in rows]


def _asset(declared: Stream | Detail) -> Asset:
    """The asset that the stream lands in; a detail's carries the name of its list stream."""
    if isinstance(declared, Detail):
        return Asset("enrichment", declared.source_system, declared.entity_type, declared.of.name)
    return asset_of(declared)


def _wanted(warehouse: Warehouse, asset: Asset, ids: Sequence[UUID] | None) -> bool:
    return bool(warehouse.query(f"{_WANTED} limit 1", _scope(asset, ids)))


def _scope(asset: Asset, ids: Sequence[UUID] | None) -> dict[str, Any]:
    return {
        "layer": asset.layer,
        "entity": asset.entity,
        "ids": list(ids or ()),
        "every": ids is None,
        "for_people": _FOR_PEOPLE,
    }


def _ids(rows: Sequence[tuple[Any, ...]]) -> list[UUID]:
    return [row[0] for row in rows]


def _note(result: dict[str, Any]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in result.items())
