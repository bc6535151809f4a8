"""How far a seeding is: one record per block, for the log and, now and then, for a callback."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

log = logging.getLogger(__name__)

Watcher = Callable[["BlockRecord"], None]
_MEGABYTE = 2**20
# A callback is called for every hundredth part, or so many rows, whichever is more.
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
    seconds_left: float

    @property
    def rate(self) -> float:
        """Rows a second of the whole run so far."""
        return self.done / self.elapsed if self.elapsed else 0.0

    @property
    def percent(self) -> float:
        """Of all rows of the run."""
        return 100.0 * self.done / self.total if self.total else 100.0

    @property
    def line(self) -> str:
        """In one line."""
        return (
            f"{self.percent:5.1f} % · {self.table}: {self.done:,} of {self.total:,} rows,"
            f" {self.rate:,.0f}/s (generate {self.generate_rate:,.0f}, store"
            f" {self.store_rate:,.0f}), {self.seconds_left:.0f} s left, {self.memory:,.0f} MB"
        )


class Progress:
    """Counts blocks; `records` has them all. `limit`: MB of memory from which a warning is logged.

    `totals`: rows of each table.
    """

    def __init__(self, totals: Mapping[str, int], limit: int, watch: Watcher | None = None) -> None:
        self.records: list[BlockRecord] = []
        self._totals, self._limit, self._watch = totals, limit, watch
        self._total = sum(totals.values())
        self._table, self._table_done, self._table_started = "", 0, 0.0
        self._started = time.perf_counter()
        self._done, self._reported, self._warned = 0, 0, False
        self._generate = self._store = 0.0
        self._process = psutil.Process()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def memory(self) -> float:
        """Megabytes that this process holds."""
        return float(self._process.memory_info().rss) / _MEGABYTE

    def block(
        self, table: str, number: int, rows: int, generate: float, store: float, retries: int
    ) -> None:
        """A block is written."""
        if table != self._table:
            last = self.records[-1].elapsed if self.records else 0.0
            self._table, self._table_done, self._table_started = table, 0, last
        self._done += rows
        self._table_done += rows
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
            self._seconds_left(),
        )
        self.records.append(record)
        log.debug("📦 %s", record.line)
        self._warn(record)
        self._notify(record)

    def _seconds_left(self) -> float:
        """The rest of this table as fast as it goes, what follows as fast as all so far."""
        here = self._totals[self._table] - self._table_done
        own = _rate(self._table_done, self.elapsed - self._table_started)
        overall = _rate(self._done, self.elapsed)
        later = self._total - self._done - here
        return (here / own if own else 0.0) + (later / overall if overall else 0.0)

    def _warn(self, record: BlockRecord) -> None:
        if record.memory > self._limit and not self._warned:
            self._warned = True
            log.warning(
                "⚠️ %s MB of memory are in use, over the limit of %s MB",
                f"{record.memory:,.0f}",
                f"{self._limit:,}",
            )

    def _notify(self, record: BlockRecord) -> None:
        step = max(_ROWS, self._total // _PARTS)
        if self._watch is None or (self._done < self._total and self._done - self._reported < step):
            return
        self._reported = self._done
        try:
            self._watch(record)
        except Exception:
            # A callback that fails must not end the run.
            log.exception("⚠️ the progress callback failed and is not called again")
            self._watch = None


def _rate(rows: int, seconds: float) -> float:
    return rows / seconds if seconds else 0.0
