"""The same work for several parts of a file, in processes beside each other."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from lsats_pipeline.errors import TryAgain

J = TypeVar("J")
R = TypeVar("R")
_WATCH = 0.2


def beside(work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
    """What comes of each job, in their order. One job alone is done right here.

    The first error ends all; a process that dies is TryAgain. Children do not outlive this one.
    """
    if len(jobs) < 2:
        yield from map(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(len(jobs), context, _end_with, (os.getpid(),))
    try:
        futures = [pool.submit(work, job) for job in jobs]
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            yield future.result()
    except BrokenProcessPool:
        raise TryAgain(
            "a worker was ended (often for want of memory): run the same command again"
            " (fewer --workers need less)"
        ) from None
    finally:
        _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """At once, also when there is still work: nobody waits for it."""
    children = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for child in children:
        child.terminate()
        child.join()


def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
