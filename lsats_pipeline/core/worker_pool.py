"""Processes that work for this one, and end with it: one kind of pool for all products.

WorkerPool     work, arguments ─▶ a process that is free ─▶ Future
parallel_map   one job a process, results in order, progress of all of them together
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from signal import SIGTERM
from typing import Any, ParamSpec, Self, TypeVar

from lsats_pipeline.core.errors import TransientError

P = ParamSpec("P")
J = TypeVar("J")
R = TypeVar("R")
Watcher = Callable[[int, int], None]
_WATCH = 0.2
_LONGEST_END = 5.0  # seconds that a process may take to be gone
# In a worker of `parallel_map`: what each job has done, and has to do, where its parent sees it.
_progress: ctypes.Array[ctypes.c_ulonglong] | None = None


class WorkerPool:
    """So many processes, begun when they are needed or at `start`, ended at once with the block.

    `begin(*arguments)` runs first in each: arguments may be shared memory and connections.
    `preload` names modules that are imported once, by the process from which all are forked.
    """

    def __init__(
        self,
        workers: int,
        begin: Callable[..., None] | None = None,
        arguments: Sequence[Any] = (),
        *,
        preload: Sequence[str] = (),
    ) -> None:
        self._workers = workers
        self._executor = ProcessPoolExecutor(
            workers, _context(preload), _begin, (begin, tuple(arguments))
        )
        # Of the executor, which forgets them when one of them dies.
        self._processes: dict[int, BaseProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._see_processes()
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join(_LONGEST_END)
            process.kill()  # one that ignores signals, as what a shell puts in the background does
            process.join()

    def start(self, *, wait: bool = False) -> None:
        """Begin all processes now, so that they are ready when there is work."""
        begun = [self.submit(os.getpid) for _ in range(self._workers)]
        for future in begun if wait else ():
            self.result(future)

    def submit(self, work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> Future[R]:
        """Have a function of a module called in one of the processes."""
        try:
            future = self._executor.submit(work, *arguments, **options)
        except BrokenProcessPool as error:
            raise self._broken(error) from None
        self._see_processes()
        return future

    def result(self, future: Future[R]) -> R:
        """What a submitted call returned or raised; TransientError when its process died."""
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise self._broken(error) from None

    def _see_processes(self) -> None:
        self._processes.update(self._executor._processes or {})

    def _broken(self, error: BrokenProcessPool) -> TransientError:
        # The executor waits for its processes in a thread of its own, and knows a little later.
        waited = 0.0
        while any(process.exitcode is None for process in self._processes.values()):
            if (waited := waited + _WATCH) > _LONGEST_END:
                break
            time.sleep(_WATCH)
        codes = [process.exitcode for process in self._processes.values()]
        # The executor ends the others with SIGTERM.
        code = next((code for code in codes if code not in (None, 0, -SIGTERM)), None)
        if code is None:  # nobody died: something could not be handed from one process to another
            return TransientError(f"the pool of workers broke: {error.__cause__ or error}")
        return TransientError(
            f"a worker ended with {code} (a negative number is a signal; -9 is often memory): run"
            " the same command again, and it goes on from there (fewer --workers need less)"
        )


def parallel_map(
    work: Callable[[J, Watcher | None], R], jobs: Sequence[J], watch: Watcher | None = None
) -> Iterator[R]:
    """What comes of each job, in their order, a process each. One job alone is done right here.

    Each is given a watcher for how far it is; `watch` gets the sum of them. The first error ends
    all; a process that dies is a TransientError.
    """
    if len(jobs) < 2:
        yield from (work(job, watch) for job in jobs)
        return
    progress = multiprocessing.get_context("spawn").RawArray(ctypes.c_ulonglong, 2 * len(jobs))
    with WorkerPool(len(jobs), _share_progress, (progress,)) as pool:
        futures = [pool.submit(_watched, work, job, number) for number, job in enumerate(jobs)]
        for failed in _failed(futures, progress, watch):
            pool.result(failed)
        for future in futures:
            yield pool.result(future)


def _failed(
    futures: Sequence[Future[R]],
    progress: ctypes.Array[ctypes.c_ulonglong],
    watch: Watcher | None,
) -> Iterator[Future[R]]:
    """Wait until all are done, or until one has failed: that one."""
    waiting: Collection[Future[R]] = futures
    while waiting:
        done, waiting = wait(waiting, _WATCH if watch else None, FIRST_EXCEPTION)
        yield from (future for future in done if future.exception())
        if watch and (total := max(progress[1::2])):
            watch(sum(progress[::2]) // len(futures), total)


def _watched(work: Callable[[J, Watcher | None], R], job: J, number: int) -> R:
    progress = _progress
    assert progress is not None

    def watch(done: int, total: int) -> None:
        progress[2 * number], progress[2 * number + 1] = done, total

    result = work(job, watch)
    progress[2 * number] = max(progress[1::2])
    return result


def _share_progress(progress: ctypes.Array[ctypes.c_ulonglong]) -> None:
    global _progress
    _progress = progress


def _context(preload: Sequence[str]) -> BaseContext:
    """Never fork: this process has threads and connections that a child must not inherit."""
    if not preload or sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*preload])
    return context


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, which would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
