"""The window of time in which everything happens: whole days Eastern, stored as UTC without zone.

All moments are whole seconds since 1970 UTC until they become a column.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from lsats_pipeline.synthetic.sampling import Floats, Ints
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions

EASTERN = ZoneInfo("America/New_York")


class TimeWindow(NamedTuple):
    """The first and the last second."""

    first: int
    last: int


def window(options: StudioOptions) -> TimeWindow:
    """From midnight that begins the first day to the second before midnight that ends the last."""
    begins = dt.datetime.combine(options.first_day, dt.time(), EASTERN)
    ends = dt.datetime.combine(options.last_day, dt.time(23, 59, 59), EASTERN)
    return TimeWindow(int(begins.timestamp()), int(ends.timestamp()))


def between(first: Ints | int, last: Ints | int, uniform: Floats) -> Ints:
    """A moment from `first` to `last`, both included, for each number of [0, 1)."""
    at: Ints = (first + np.floor(uniform * (np.asarray(last) - first + 1))).astype(np.int64)
    return at


def as_column(seconds: Ints, known: NDArray[np.bool_] | None = None) -> NDArray[Any]:
    """Moments as timestamps; null where not `known`."""
    times = seconds.astype("datetime64[s]")
    return times if known is None else np.where(known, times, np.datetime64("NaT", "s"))
