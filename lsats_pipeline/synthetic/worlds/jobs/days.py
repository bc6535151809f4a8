"""Japan time; when jobs are posted and for how long (domain/world_jobs.md 4)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints

JAPAN = dt.timezone(dt.timedelta(hours=9))  # no summer time since 1951
DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
OLDEST = 90  # days
MEAN_AGE = 21.0
FIRST_HOUR, LAST_HOUR = 9, 20
WEEKDAYS = (1.2, 1.2, 1.1, 1.15, 1.1, 0.5, 0.45)  # from Monday
DURATIONS = {14: 0.25, 28: 0.40, 42: 0.15, 56: 0.15, 90: 0.05}


def midnight(day: dt.date) -> dt.datetime:
    """The beginning of a day in Japan."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=JAPAN)


def instant(moment: dt.datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def in_utc(microseconds: Ints) -> Any:
    """Instants as numpy has them."""
    return microseconds.astype("datetime64[us]")


@lru_cache
def age_shares(as_of: dt.date) -> Floats:
    """The share of jobs posted 1, 2, ... 90 days before: exponential ages times the weekday."""
    days = np.arange(1, OLDEST + 1)
    exponential = np.exp(-(days - 1) / MEAN_AGE) - np.exp(-days / MEAN_AGE)
    weighted = exponential * np.asarray(WEEKDAYS)[(as_of.weekday() - days) % 7]
    return np.asarray(weighted / weighted.sum())


def weekday_shares(as_of: dt.date) -> dict[int, float]:
    """The share of jobs posted on Monday (0), ... Sunday (6)."""
    weekdays = (as_of.weekday() - np.arange(1, OLDEST + 1)) % 7
    shares = np.bincount(weekdays, weights=age_shares(as_of), minlength=7)
    return dict(enumerate(shares.tolist()))
