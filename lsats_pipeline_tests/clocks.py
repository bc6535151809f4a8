"""Clocks for tests: waits are over at once, or soon, and written down."""

from __future__ import annotations

import time

from lsats_pipeline.core.clock import Clock


class Waits:
    """A clock whose waits are over at once, and written down."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.slept: list[float] = []
        self.clock = Clock(now=lambda: self.time, sleep=self._sleep, jitter=lambda: 0.0)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class ShortWaits:
    """The real clock, whose waits are cut down to a quarter of a second, and written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = Clock(sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.25))
