"""Days and hours of work, as the tags of a job promise them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lsats_pipeline.synthetic.sampling import Ints, chosen
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.jobs.facts import minors
from lsats_pipeline.synthetic.worlds.jobs.features import (
    EARLY,
    ONE_DAY,
    SHORT,
    TWO_DAYS,
    WEEKDAYS,
    WEEKENDS,
    Tags,
)

_HALF_HOUR = 30  # minutes; all shifts begin and end on one
_A_DAY = 24 * 60
_LAST_END = 23 * 60 + 30  # of a shift that is not at night
# Half hours from midnight, both ends included.
_EARLY, _USUAL, _NIGHT = (10, 15), (16, 36), (40, 45)
_SHORT_HOURS, _HOURS, _NIGHT_HOURS = (6, 9), (10, 18), (14, 18)
_MOST_DAYS = {4: 0.15, 5: 0.60, 6: 0.15, 7: 0.10}


class Shifts(NamedTuple):
    """Days in a week; minutes from midnight. A shift past midnight ends before it starts."""

    least_days: Ints
    most_days: Ints
    start: Ints
    end: Ints


def at_night(block: Block, minor: Ints) -> Any:
    """Whether a job is at night: by the share of its occupation."""
    share = np.array([m.night_share for m in minors()])[minor]
    return block.rng("night").random(len(block)) < share


def worked(block: Block, tags: Tags, night: Any) -> Shifts:
    """When the jobs of a block are done."""
    rng = block.rng("shift")
    start = np.where(
        night,
        _half_hours(rng, _NIGHT, len(block)),
        np.where(
            tags[EARLY],
            _half_hours(rng, _EARLY, len(block)),
            _half_hours(rng, _USUAL, len(block)),
        ),
    )
    length = np.where(
        night,
        _half_hours(rng, _NIGHT_HOURS, len(block)),
        np.where(
            tags[SHORT],
            _half_hours(rng, _SHORT_HOURS, len(block)),
            _half_hours(rng, _HOURS, len(block)),
        ),
    )
    start = np.where(night, start, np.minimum(start, _LAST_END - length))
    return Shifts(*_days(block, tags), start, (start + length) % _A_DAY)


def _days(block: Block, tags: Tags) -> tuple[Ints, Ints]:
    rng, size = block.rng("days"), len(block)
    most = np.array(list(_MOST_DAYS))[chosen(rng, list(_MOST_DAYS.values()), size)]
    most = np.where(tags[WEEKDAYS], np.minimum(most, 5), np.where(tags[WEEKENDS], 2, most))
    least = np.where(tags[TWO_DAYS], rng.integers(2, 4, size), rng.integers(3, 6, size))
    least = np.where(tags[ONE_DAY], 1, least)
    return np.minimum(least, most), most


def _half_hours(rng: np.random.Generator, between: tuple[int, int], size: int) -> Ints:
    return rng.integers(between[0], between[1] + 1, size) * _HALF_HOUR
