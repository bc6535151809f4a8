"""How far a seeding is: one record per block, told to the log and, now and then, to a callback."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

log = logging.getLogger(__name__)

Watcher = Callable[["BlockRecord"], None]
_MEGABYTE = 2**20
# A callback hears of every hundredth part, or of so many rows, whichever is more.
_PARTS, _ROWS = 100, 10_000


@dataclass(frozen=True)
class BlockRecord:
    """What a block took, and where the run is after it. Rates are rows a second; memory in MB."""

    table: str
    block: int
    rows: int
    generate_seconds: float
    store_seconds: float
    retries: int
    done: int
    total: int
    elapsed: float
    generate_rate: float
    store_rate: float
    memory: float

    @property
    def rate(self) -> float:
        """Rows a second of the whole run so far."""
        return self.done / self.elapsed if self.elapsed else 0.0

    @property
    def percent(self) -> float:
        """Of all rows of the run."""
        return 100.0 * self.done / self.total if self.total else 100.0

    @property
    def seconds_left(self) -> float:
        """If it goes on as it went so far."""
        return (self.total - self.done) / self.rate if self.rate else 0.0

    @property
    def line(self) -> str:
        """In one line."""
        return (
            f"{self.percent:5.1f} % · {self.table}: {self.done:,} of {self.total:,} rows,"
            f" {self.rate:,.0f}/s (generate {self.generate_rate:,.0f}, store"
            f" {self.store_rate:,.0f}), {self.seconds_left:.0f} s left, {self.memory:,.0f} MB"
        )


class Progress:
    """Counts blocks; `records` has them all. `limit`: MB from which memory is warned of."""

    def __init__(self, total: int, limit: int, watch: Watcher | None = None) -> None:
        self.records: list[BlockRecord] = []
        self._total, self._limit, self._watch = total, limit, watch
        self._started = time.perf_counter()
        self._done, self._told, self._warned = 0, 0, False
        self._generate = self._store = 0.0
        self._process = psutil.Process()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def memory(self) -> float:
        """Megabytes that this process holds."""
        return float(self._process.memory_info().rss) / _MEGABYTE

    def too_much_memory(self) -> bool:
        """Whether it is over the limit."""
        return self.memory() > self._limit

    def block(
        self, table: str, number: int, rows: int, generate: float, store: float, retries: int
    ) -> None:
        """A block is written."""
        self._done += rows
        self._generate += generate
        self._store += store
        record = BlockRecord(
            table,
            number,
            rows,
            generate,
            store,
            retries,
            self._done,
            self._total,
            self.elapsed,
            _rate(self._done, self._generate),
            _rate(self._done, self._store),
            self.memory(),
        )
        self.records.append(record)
        log.debug("📦 %s", record.line)
        self._warn(record)
        self._tell(record)

    def _warn(self, record: BlockRecord) -> None:
        if record.memory > self._limit and not self._warned:
            self._warned = True
            log.warning(
                "⚠️ %s MB of memory are in use, over the limit of %s MB",
                f"{record.memory:,.0f}",
                f"{self._limit:,}",
            )

    def _tell(self, record: BlockRecord) -> None:
        step = max(_ROWS, self._total // _PARTS)
        if self._watch is None or (self._done < self._total and self._done - self._told < step):
            return
        self._told = self._done
        try:
            self._watch(record)
        except Exception:
            # Whoever watches must not end what it watches.
            log.exception("⚠️ the progress callback failed and is not called again")
            self._watch = None


def _rate(rows: int, seconds: float) -> float:
    return rows / seconds if seconds else 0.0
