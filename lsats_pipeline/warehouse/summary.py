"""Counts of ingested records per layer and day, from the run log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from psycopg.rows import class_row

from lsats_pipeline.warehouse.database import Connection

_PER_LAYER_AND_DAY = """
select layer, partition_key as day,
    sum(records_processed)::bigint as processed,
    sum(records_created)::bigint as created,
    sum(records_updated)::bigint as updated,
    sum(records_skipped)::bigint as skipped,
    sum(records_removed)::bigint as removed,
    sum(records_rejected)::bigint as rejected,
    sum(extract(epoch from completed_at - started_at))::float8 as seconds
from meta.ingestion_runs
where status = 'completed' and partition_key = any(%s) and not metadata ? 'replay'
group by layer, partition_key
order by partition_key, array_position(array['bronze', 'enrichment', 'silver'], layer)
"""
_QUALITY = """
select table_name, row_count, round(mean_score, 3)::float8 from meta.quality order by table_name
"""
_FINISHED = """
select day from unnest(%(days)s::date[]) as day
where not exists (
    select from unnest(%(assets)s::text[]) as asset
    where not exists (
        select from meta.ingestion_runs run
        where run.layer || '/' || run.entity = asset and run.partition_key = day
            and run.status = 'completed'))
"""


@dataclass(frozen=True)
class LayerDay:
    """What all completed runs of a layer did on one day; `seconds` of work."""

    layer: str
    day: dt.date
    processed: int
    created: int
    updated: int
    skipped: int
    removed: int
    rejected: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records per second of work."""
        return self.processed / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class TableQuality:
    """How good a silver table is."""

    table: str
    rows: int
    mean: float | None


def per_layer_and_day(connection: Connection, days: list[dt.date]) -> list[LayerDay]:
    """One line per layer and day, in the order of the days."""
    with connection.cursor(row_factory=class_row(LayerDay)) as cursor:
        return cursor.execute(_PER_LAYER_AND_DAY, [days]).fetchall()


def table_quality(connection: Connection) -> list[TableQuality]:
    """One line per silver table that was ever built."""
    return [TableQuality(*row) for row in connection.execute(_QUALITY).fetchall()]


def finished_days(connection: Connection, days: list[dt.date], assets: list[str]) -> set[dt.date]:
    """The days for which every one of these assets has a completed run."""
    rows = connection.execute(_FINISHED, {"days": days, "assets": assets}).fetchall()
    return {row[0] for row in rows}
