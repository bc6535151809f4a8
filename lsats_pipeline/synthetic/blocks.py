"""Blocks made: here, or by worker processes where text makes that worth it; always in order.

tables, block numbers ─▶ generators (here | pool) ─▶ batches, block after block
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pyarrow as pa

from lsats_pipeline.synthetic.columns import batch_of
from lsats_pipeline.synthetic.spec import Block, World, WorldOptions, WorldTable

log = logging.getLogger(__name__)
# Blocks of one table that are worth the start of a process.
_WORTH_A_POOL = 3


class Made(NamedTuple):
    """The rows of a block, the seconds they took, the process that made them."""

    block: Block
    batch: pa.RecordBatch
    seconds: float
    process: int


def make(table: WorldTable, block: Block) -> Made:
    """The rows of one block: the same bytes whenever and wherever it is made."""
    started = time.perf_counter()
    values = table.generate(block)
    batch = batch_of(f"{block.world}.{table.name}", table.schema, values, len(block))
    return Made(block, batch, time.perf_counter() - started, os.getpid())


class Maker:
    """Makes blocks with at most `workers` processes; use in a `with`, which ends them."""

    def __init__(self, world: World, options: WorldOptions, workers: int = 1) -> None:
        self._world, self._options, self._workers = world, options, workers
        self._open = ExitStack()
        self._pool: ProcessPoolExecutor | None = None
        self._seen: set[int] = set()

    def __enter__(self) -> Maker:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def made(self, table: WorldTable, numbers: Sequence[int] | None = None) -> Iterator[Made]:
        """The table's blocks in order, all or those numbered."""
        blocks = list(table.blocks(self._world.name, self._options))
        if numbers is not None:
            blocks = [blocks[number] for number in numbers]
        pooled = table.cpu_bound and self._workers > 1 and len(blocks) >= _WORTH_A_POOL
        yield from self._by_processes(blocks) if pooled else (make(table, b) for b in blocks)

    def _by_processes(self, blocks: Iterable[Block]) -> Iterator[Made]:
        """A few blocks ahead of who takes them, so that memory stays bounded."""
        pool, waiting = self._opened(), deque[Future[Made]]()
        for block in blocks:
            waiting.append(pool.submit(_make_by_name, block))
            if len(waiting) > 2 * self._workers:
                yield self._told(waiting.popleft().result())
        while waiting:
            yield self._told(waiting.popleft().result())

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Never fork: this process has threads and connections that a child must not inherit.
            how = "forkserver" if sys.platform == "linux" else "spawn"
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=multiprocessing.get_context(how)
            )
            self._open.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        return self._pool

    def _told(self, made: Made) -> Made:
        if made.process not in self._seen:
            self._seen.add(made.process)
            log.info("⚙️ worker process %s makes blocks of %s", made.process, made.block.table)
        return made


def _make_by_name(block: Block) -> Made:
    from lsats_pipeline.synthetic.worlds import world

    return make(world(block.world).table(block.table), block)
