"""Evaluations of checks as Dagster keeps them next to the log, several at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dagster import EventLogEntry
from sqlalchemy import Connection, and_, or_

from lsats_pipeline.defs.storage.internals import (
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionsTable,
    serialize_value,
)

_STATUS = {
    True: AssetCheckExecutionRecordStatus.SUCCEEDED.value,
    False: AssetCheckExecutionRecordStatus.FAILED.value,
}


def store_evaluations(
    connection: Connection, numbered: Sequence[tuple[EventLogEntry, int]]
) -> None:
    """A row for each. Of a step tried again only the last stays; those of no run all stay."""
    rows: dict[Any, dict[str, Any]] = {}
    for event, number in numbered:
        row = _row(event, number)
        same = (row["run_id"], row["asset_key"], row["check_name"], row["partition"])
        rows[same if event.run_id else number] = row
    table = AssetCheckExecutionsTable.c
    earlier = [
        and_(
            table.run_id == row["run_id"],
            table.asset_key == row["asset_key"],
            table.check_name == row["check_name"],
            table.partition.is_not_distinct_from(row["partition"]),
        )
        for row in rows.values()
        if row["run_id"]
    ]
    if earlier:
        connection.execute(AssetCheckExecutionsTable.delete().where(or_(*earlier)))
    connection.execute(AssetCheckExecutionsTable.insert(), list(rows.values()))


def _row(event: EventLogEntry, number: int) -> dict[str, Any]:
    evaluation = event.get_dagster_event().asset_check_evaluation_data
    target = evaluation.target_materialization_data
    at = dt.datetime.fromtimestamp(event.timestamp, dt.UTC)
    return {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "partition": evaluation.partition,
        "run_id": event.run_id,
        "execution_status": _STATUS[evaluation.passed],
        "evaluation_event": serialize_value(event),
        "evaluation_event_timestamp": at.replace(tzinfo=None),
        "evaluation_event_storage_id": number,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
