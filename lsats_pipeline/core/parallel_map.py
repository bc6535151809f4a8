"""The same work for several parts of a file, in processes beside each other."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from lsats_pipeline.core.errors import TransientError

J = TypeVar("J")
R = TypeVar("R")
Watcher = Callable[[int, int], None]
_WATCH = 0.2
# In a worker: what each job has done, and has to do, where its parent sees it.
_told: ctypes.Array[ctypes.c_ulonglong] | None = None


def beside(
    work: Callable[[J, Watcher | None], R], jobs: Sequence[J], watch: Watcher | None = None
) -> Iterator[R]:
    """What comes of each job, in their order. One job alone is done right here.

    Each is given whom to tell how far it is; `watch` is told of all of them together. The first
    error ends all; a process that dies is TransientError. Children do not outlive this one.
    """
    if len(jobs) < 2:
        yield from (work(job, watch) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    told = context.RawArray(ctypes.c_ulonglong, 2 * len(jobs))
    pool = ProcessPoolExecutor(len(jobs), context, _begin, (os.getpid(), told))
    try:
        futures = [pool.submit(_told_of, work, job, number) for number, job in enumerate(jobs)]
        _wait(futures, told, watch)
        for future in futures:
            yield future.result()
    except BrokenProcessPool:
        raise TransientError(
            "a worker was ended (often for want of memory): run the same command again"
            " (fewer --workers need less)"
        ) from None
    finally:
        _end(pool)


def _wait(
    futures: Sequence[Future[R]],
    told: ctypes.Array[ctypes.c_ulonglong],
    watch: Watcher | None,
) -> None:
    waiting: Collection[Future[R]] = futures
    while waiting:
        done, waiting = wait(futures, _WATCH if watch else None, FIRST_EXCEPTION)
        if any(future.exception() for future in done):
            return
        if watch and (total := max(told[1::2])):
            watch(sum(told[::2]) // len(futures), total)


def _told_of(work: Callable[[J, Watcher | None], R], job: J, number: int) -> R:
    told = _told
    assert told is not None

    def watch(done: int, total: int) -> None:
        told[2 * number], told[2 * number + 1] = done, total

    made = work(job, watch)
    told[2 * number] = max(told[1::2])
    return made


def _end(pool: ProcessPoolExecutor) -> None:
    """At once, also when there is still work: nobody waits for it."""
    children = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for child in children:
        child.terminate()
        child.join()


def _begin(parent: int, told: ctypes.Array[ctypes.c_ulonglong]) -> None:
    global _told
    _told = told
    _end_with(parent)


def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
