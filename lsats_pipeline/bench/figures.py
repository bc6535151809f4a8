"""A measured ratio, its goal, and the seconds behind it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """`value` against `goal`: at most it, or at least it. `detail` says what was measured."""

    name: str
    value: float
    goal: float
    at_least: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the goal is met."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turn(
    first: Callable[[], object],
    second: Callable[[], object],
    times: int = 3,
    before_each: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """Median seconds of two calls made in turn, so that both meet the same machine.

    `before_each` clears up what the last call left; its time does not count.
    """
    pairs: list[list[float]] = []
    for _ in range(times):
        pairs.append([])
        for work in (first, second):
            before_each()
            pairs[-1].append(seconds(work))
    return median(a for a, _ in pairs), median(b for _, b in pairs)
