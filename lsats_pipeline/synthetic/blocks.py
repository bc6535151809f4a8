"""Blocks made: here, or by worker processes where text makes that worth it; always in order.

tables, block numbers ─▶ generators (here | pool) ─▶ batches, block after block
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import NamedTuple

import pyarrow as pa

from lsats_pipeline.core.worker_pool import WorkerPool
from lsats_pipeline.synthetic.columns import batch_of
from lsats_pipeline.synthetic.spec import Block, World, WorldOptions, WorldTable

log = logging.getLogger(__name__)
# Blocks of one table that are worth the start of a process.
_WORTH_A_POOL = 3
# Blocks in hand, for each process, besides the one that is waited for.
_AHEAD = 4


class GeneratedBlock(NamedTuple):
    """The rows of a block, the seconds they took, the process that made them."""

    block: Block
    batch: pa.RecordBatch
    seconds: float
    process: int


def make(table: WorldTable, block: Block) -> GeneratedBlock:
    """The rows of one block: the same bytes whenever and wherever it is made."""
    started = time.perf_counter()
    values = table.generate(block)
    batch = batch_of(f"{block.world}.{table.name}", table.schema, values, len(block))
    return GeneratedBlock(block, batch, time.perf_counter() - started, os.getpid())


class BlockGenerator:
    """Makes blocks with `workers` processes, this one among them; a `with` ends the others."""

    def __init__(self, world: World, options: WorldOptions, workers: int = 1) -> None:
        self._world, self._options, self._workers = world, options, workers
        self._open = ExitStack()
        self._pool: WorkerPool | None = None
        self._seen: set[int] = set()

    def __enter__(self) -> BlockGenerator:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def start(self, tables: Iterable[WorldTable], *, wait: bool = False) -> None:
        """Begin the other processes if these tables need them, so that they are ready in time."""
        if any(self._pooled(table, self._blocks(table)) for table in tables):
            self._opened().start(wait=wait)

    def made(
        self, table: WorldTable, numbers: Sequence[int] | None = None
    ) -> Iterator[GeneratedBlock]:
        """The table's blocks in order, all or those numbered."""
        blocks = self._blocks(table)
        if numbers is not None:
            blocks = [blocks[number] for number in numbers]
        pooled = self._pooled(table, blocks)
        yield from self._by_processes(table, blocks) if pooled else (make(table, b) for b in blocks)

    def _blocks(self, table: WorldTable) -> list[Block]:
        return list(table.blocks(self._world.name, self._options))

    def _pooled(self, table: WorldTable, blocks: Sequence[Block]) -> bool:
        return table.cpu_bound and self._workers > 1 and len(blocks) >= _WORTH_A_POOL

    def _by_processes(self, table: WorldTable, blocks: Sequence[Block]) -> Iterator[GeneratedBlock]:
        """A few blocks ahead of who takes them, so that memory stays bounded.

        While the next one is still being made elsewhere, this process makes one of those to come.
        """
        pool, left = self._opened(), deque(blocks)
        waiting = deque[Future[GeneratedBlock] | GeneratedBlock]()
        while left or waiting:
            while left and len(waiting) < 2 * self._workers:
                waiting.append(pool.submit(_make_by_name, left.popleft()))
            head = waiting.popleft()
            while left and len(waiting) < _AHEAD * self._workers and not _done(head):
                waiting.append(make(table, left.popleft()))
            yield self._logged(pool.result(head) if isinstance(head, Future) else head)

    def _opened(self) -> WorkerPool:
        if self._pool is None:
            # Read once, by the server from which all workers are forked.
            preload = [self._world.tables[0].generate.__module__, __name__]
            pool = WorkerPool(self._workers - 1, preload=preload)
            self._pool = self._open.enter_context(pool)
        return self._pool

    def _logged(self, made: GeneratedBlock) -> GeneratedBlock:
        if made.process not in self._seen:
            self._seen.add(made.process)
            log.info("⚙️ process %s makes blocks of %s", made.process, made.block.table)
        return made


def _done(one: Future[GeneratedBlock] | GeneratedBlock) -> bool:
    return isinstance(one, GeneratedBlock) or one.done()


def _make_by_name(block: Block) -> GeneratedBlock:
    from lsats_pipeline.synthetic.worlds import world

    return make(world(block.world).table(block.table), block)
