"""Where spans are ingested: in this process, or in workers that find the text in shared memory.

The file is inflated and proved by one process, for every further inflating would cost each worker
a tenth of its time. There is a slot of memory for each worker: free again as soon as its text is
decoded, and filled with the next while the worker writes.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.core.worker_pool import WorkerPool
from lsats_pipeline.mrf.ingest.allocation import keep_freed_memory
from lsats_pipeline.mrf.ingest.spans import SpanIngester
from lsats_pipeline.mrf.text.index import LargeElement, Span
from lsats_pipeline.mrf.workspace import Workspace

_WATCH = 0.2


class SpanWorkers(Protocol):
    """Ingests spans."""

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        """Have a span ingested, now or later; waits while there is no room."""

    def finish(self) -> None:
        """Wait until all that was given is done."""


@contextmanager
def span_workers(workspace: Workspace, workers: int, room: int) -> Iterator[SpanWorkers]:
    """So many workers; the one of one is this process. `room`: bytes of text in a usual span."""
    keep_freed_memory()
    if workers == 1:
        yield _InThisProcess(workspace)
        return
    # An unlinked file in memory (or on disk, where that is small): gone with its last user.
    slots = get_context("spawn").RawArray(ctypes.c_char, room * workers)
    freed, frees = get_context("spawn").Pipe(duplex=False)
    with freed, frees, WorkerPool(workers, _begin, (workspace, slots, room, frees)) as pool:
        pool.start()
        memory = memoryview(slots).cast("B")
        yield _InWorkers(pool, [memory[n * room :][:room] for n in range(workers)], freed)


class _InThisProcess:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._ingester = SpanIngester(workspace)

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        self._ingester.decode(span, large, documents).write(self._workspace)

    def finish(self) -> None:
        pass


class _InWorkers:
    def __init__(self, pool: WorkerPool, slots: Sequence[memoryview], freed: Connection) -> None:
        self._pool = pool
        self._slots = slots
        self._freed = freed
        self._free = deque(range(len(slots)))
        self._given: deque[Future[None]] = deque()

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        """Fill a slot; what does not fit, which is rare, goes with the call."""
        number = self._free_slot()
        slot, sizes = self._slots[number], [len(document) for document in documents]
        fits, at = sum(sizes) <= len(slot), 0
        for document in documents if fits else ():
            slot[at : at + len(document)] = document
            at += len(document)
        given = _Given(span, large, number, sizes, [] if fits else documents)
        self._given.append(self._pool.submit(_ingest, given))

    def finish(self) -> None:
        while self._given:
            self._pool.result(self._given.popleft())

    def _free_slot(self) -> int:
        while not self._free:
            while self._given and self._given[0].done():
                self._pool.result(self._given.popleft())
            if any(future.done() and future.exception() for future in self._given):
                self.finish()
            if self._freed.poll(_WATCH):
                self._free.append(self._freed.recv_bytes()[0])
        return self._free.popleft()


class _Given(NamedTuple):
    """A span, and where its text is: pieces of these sizes in a slot, or the documents here."""

    span: Span
    large: LargeElement | None
    slot: int
    sizes: list[int]
    documents: list[bytes]


class _Worker:
    """What a worker keeps between spans."""

    def __init__(
        self, workspace: Workspace, slots: memoryview, room: int, frees: Connection
    ) -> None:
        self._workspace = workspace
        self._slots = slots
        self._room = room
        self._frees = frees
        self._ingester = SpanIngester(workspace)

    def ingest(self, given: _Given) -> None:
        texts: Sequence[bytes | memoryview] = given.documents or list(
            self._cut(given.slot * self._room, given.sizes)
        )
        gathered = self._ingester.decode(given.span, given.large, texts)
        self._frees.send_bytes(bytes([given.slot]))
        try:
            gathered.write(self._workspace)
        except OSError as error:
            raise of_the_machine(error, self._workspace) from error

    def _cut(self, at: int, sizes: Sequence[int]) -> Iterator[memoryview]:
        for size in sizes:
            yield self._slots[at : at + size]
            at += size


# In a worker, from its first moment on.
_worker: _Worker | None = None


def _begin(
    workspace: Workspace, slots: ctypes.Array[ctypes.c_char], room: int, frees: Connection
) -> None:
    global _worker
    keep_freed_memory()
    _worker = _Worker(workspace, memoryview(slots).cast("B"), room, frees)


def _ingest(given: _Given) -> None:
    assert _worker is not None
    _worker.ingest(given)


def of_the_machine(error: OSError, workspace: Workspace) -> PermanentError:
    """What to do when the disk is full, or may not be written."""
    return PermanentError(
        f"{workspace.folder}: {error.strerror or error} ({error.filename or 'while writing'}):"
        " mend that and run the same command again; it goes on from there"
    )
