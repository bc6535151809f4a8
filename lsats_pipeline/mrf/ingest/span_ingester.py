"""Who takes in spans: this process, or workers that are given the text in shared memory.

The file is inflated and proved by one process, for every further inflating would cost each worker
a tenth of its time. A worker has one slot of memory for the text of its next span: it is free
again as soon as that is decoded, and filled while the worker writes.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Literal, Protocol

from lsats_pipeline.core.errors import LsatsError, PermanentError, TransientError
from lsats_pipeline.mrf.ingest.allocation import keep_freed_memory
from lsats_pipeline.mrf.ingest.spans import Taker
from lsats_pipeline.mrf.text.index import LargeElement, Span
from lsats_pipeline.mrf.workspace import Workspace

_WATCH = 0.2


class Crew(Protocol):
    """Takes in spans."""

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        """Have a span taken in, now or later; waits while there is no room."""

    def finish(self) -> None:
        """Wait until all that was given is done."""


@contextmanager
def crew(workspace: Workspace, workers: int, room: int) -> Iterator[Crew]:
    """So many workers; the one of one is this process. `room`: bytes of text in a usual span."""
    keep_freed_memory()
    if workers == 1:
        yield _Alone(workspace)
        return
    with ExitStack() as stack:
        yield _Workers([stack.enter_context(_worker(workspace, room)) for _ in range(workers)])


class _Alone:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._taker = Taker(workspace)

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        self._taker.take(span, large, documents).write(self._workspace)

    def finish(self) -> None:
        pass


class _Worker:
    """A worker as seen from here."""

    def __init__(self, process: BaseProcess, line: Connection, slot: memoryview) -> None:
        self.line = line
        self._process = process
        self._slot = slot

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        """Fill its slot; what does not fit, which is rare, goes by the line."""
        sizes = [len(document) for document in documents]
        fits, at = sum(sizes) <= len(self._slot), 0
        for document in documents if fits else ():
            self._slot[at : at + len(document)] = document
            at += len(document)
        self.send((span, large, sizes, [] if fits else documents))

    def send(self, message: object) -> None:
        """Tell it; TransientError when it is not there any more."""
        try:
            self.line.send(message)
        except ConnectionError:
            self.hear()

    def hear(self) -> bool:
        """Wait until its slot is free; False when it ended. Raises what it failed with."""
        try:
            error: LsatsError | None = self.line.recv()
        except (EOFError, ConnectionError):
            return self._ended()
        if error:
            raise error
        return True

    def _ended(self) -> Literal[False]:
        self._process.join()
        if self._process.exitcode:
            raise TransientError(
                f"a worker ended with {self._process.exitcode} (a negative number is a signal; -9"
                " is often memory): run the same command again, and it goes on from there (fewer"
                " --workers need less)"
            ) from None
        return False


class _Workers:
    def __init__(self, workers: Sequence[_Worker]) -> None:
        self._workers = workers
        self._free = deque(workers)

    def give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        while not self._free:
            heard = wait([worker.line for worker in self._workers])
            self._free.extend(w for w in self._workers if w.line in heard and w.hear())
        self._free.popleft().give(span, large, documents)

    def finish(self) -> None:
        for worker in self._workers:
            worker.send(None)
        for worker in self._workers:
            while worker.hear():
                pass


@contextmanager
def _worker(workspace: Workspace, room: int) -> Iterator[_Worker]:
    """A worker for as long as it is needed: afterwards, or after a failure, it is of no use."""
    context = multiprocessing.get_context("spawn")
    # An unlinked file in memory (or on disk, where that is small): gone with its last user.
    slot = context.RawArray(ctypes.c_char, room)
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(workspace, slot, theirs, os.getpid()), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield _Worker(process, ours, memoryview(slot).cast("B"))
    finally:
        process.terminate()
        process.join()
        ours.close()


def _work(
    workspace: Workspace, slot: ctypes.Array[ctypes.c_char], line: Connection, parent: int
) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    keep_freed_memory()
    try:
        _take_in(workspace, memoryview(slot).cast("B"), line)
    except LsatsError as error:
        line.send(error)
    except OSError as error:
        line.send(of_the_machine(error, workspace))


def _take_in(workspace: Workspace, slot: memoryview, line: Connection) -> None:
    taker = Taker(workspace)
    while (given := line.recv()) is not None:
        span, large, sizes, documents = given
        gathered = taker.take(span, large, documents or list(_cut(slot, sizes)))
        line.send(None)
        gathered.write(workspace)


def _cut(slot: memoryview, sizes: Sequence[int]) -> Iterator[memoryview]:
    at = 0
    for size in sizes:
        yield slot[at : at + size]
        at += size


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)


def of_the_machine(error: OSError, workspace: Workspace) -> PermanentError:
    """What to do when the disk is full, or may not be written."""
    return PermanentError(
        f"{workspace.folder}: {error.strerror or error} ({error.filename or 'while writing'}):"
        " mend that and run the same command again; it goes on from there"
    )
