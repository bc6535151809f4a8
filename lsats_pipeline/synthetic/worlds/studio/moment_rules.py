"""What must hold of moments, in every table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import AcrossTables, RowRule, Rows, RuleCounts, as_mask


def inside_window(*columns: str) -> RowRule:
    """Every moment is on one of the days asked for, in Eastern time (B8, G5)."""

    def broken(rows: Rows) -> Any:
        first, last = _bounds(rows.options.first_day, rows.options.last_day)
        outside = [
            pc.or_(pc.less(rows.arrow(c), first), pc.greater_equal(rows.arrow(c), last))
            for c in columns
        ]
        return reduce(pc.or_kleene, outside)

    return RowRule("G5_window", broken, about="all moments are inside the window, Eastern time")


def unchanged() -> RowRule:
    """Nothing was changed after it was made."""
    return RowRule(
        "updated_when_created",
        lambda rows: pc.not_equal(rows.arrow("created_at"), rows.arrow("updated_at")),
        about="created and updated are the same moment",
    )


def after_sign_up(table: str, user: str) -> AcrossTables:
    """Nobody made anything before they came."""

    def check(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
        users, rows = tables["users"].combine_chunks(), tables[table]
        came = users["created_at"].take(pc.index_in(rows[user], value_set=users["id"]))
        early = as_mask(pc.less(rows["created_at"], came), rows.num_rows)
        examples = [f"id {rows['id'][int(at)].as_py()}" for at in np.flatnonzero(early)[:5]]
        return RuleCounts(rows.num_rows, int(early.sum()), examples)

    needs = {"users": ("id", "created_at"), table: ("id", user, "created_at")}
    return AcrossTables("after_sign_up", needs, check, about="made after its user came")


def _bounds(first: dt.date, last: dt.date) -> tuple[pa.Scalar, pa.Scalar]:
    """The moment at which the first day begins, and at which the day after the last does."""
    days = (first, last + dt.timedelta(days=1))
    return tuple(pa.scalar(_utc(day), pa.timestamp("us")) for day in days)


def _utc(day: dt.date) -> dt.datetime:
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo("America/New_York"))
    return midnight.astimezone(dt.UTC).replace(tzinfo=None)
