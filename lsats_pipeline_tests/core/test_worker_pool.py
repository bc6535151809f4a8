"""Processes that work for another: results in order, errors as they are, and nobody outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lsats_pipeline.core import worker_pool
from lsats_pipeline.core.errors import BadFile, TransientError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.core.worker_pool import Watcher, WorkerPool, parallel_map

PRELOAD = pytest.mark.parametrize("preload", [(), ("lsats_pipeline.core.clock",)])


def doubled(number: int, watch: Watcher | None = None) -> int:
    if watch:
        watch(1, 2)
        watch(2, 2)
    return 2 * number


def refused(job: Path | None, watch: Watcher | None = None) -> None:
    if job is None:
        raise BadFile("torn", "number 1", 7)
    time.sleep(600)  # it is killed long before
    job.touch()


def deaf(job: Path | None, watch: Watcher | None = None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    refused(job)


def killed(number: int, watch: Watcher | None = None) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@PRELOAD
def test_results_come_from_other_processes(preload: tuple[str, ...]) -> None:
    with WorkerPool(2, preload=preload) as pool:
        pool.start(wait=True)
        where = {pool.result(pool.submit(os.getpid)) for _ in range(4)}
        assert [pool.result(pool.submit(doubled, n)) for n in range(5)] == [0, 2, 4, 6, 8]
    assert os.getpid() not in where
    assert not any(psutil.pid_exists(pid) for pid in where)


def test_parallel_map_keeps_the_order_and_shows_how_far_it_is() -> None:
    seen: list[tuple[int, int]] = []
    assert list(parallel_map(doubled, range(3), lambda *far: seen.append(far))) == [0, 2, 4]
    assert all(0 <= done <= total == 2 for done, total in seen)


def test_one_job_needs_no_process() -> None:
    assert list(parallel_map(lambda job, watch: os.getpid(), ["one"])) == [os.getpid()]


def test_the_first_error_ends_all_and_is_itself(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="number 1") as error:
        list(parallel_map(refused, [tmp_path / "waited_for", None]))
    assert (error.value.code, error.value.offset) == ("torn", 7)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_ignores_signals_is_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "_LONGEST_END", 0.1)
    with pytest.raises(BadFile, match="number 1"):
        list(parallel_map(deaf, [tmp_path / "waited_for", None]))
    assert list(tmp_path.iterdir()) == []


@PRELOAD
def test_a_worker_that_dies_is_an_error_that_may_pass(preload: tuple[str, ...]) -> None:
    with WorkerPool(2, preload=preload) as pool:
        with pytest.raises(TransientError, match=r"a worker ended with -9 .*run the same command"):
            pool.result(pool.submit(killed, 1))
        with pytest.raises(TransientError, match="-9"):
            pool.result(pool.submit(doubled, 1))


class Unsendable(Exception):
    """It cannot be made again from its arguments."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def unsendable(number: int) -> None:
    raise Unsendable("odd", f"number {number}")


def test_an_error_that_cannot_be_sent_is_not_taken_for_a_death() -> None:
    with WorkerPool(1) as pool, pytest.raises(TransientError, match=r"Unsendable|__init__"):
        pool.result(pool.submit(unsendable, 1))


PARENT = """
import os, time
from lsats_pipeline.core.worker_pool import WorkerPool
if __name__ == "__main__":
    with WorkerPool(2, preload={preload}) as pool:
        pool.start(wait=True)
        futures = [pool.submit(time.sleep, 60) for _ in range(2)]
        print("here", flush=True)
        time.sleep(60)
"""


@PRELOAD
def test_workers_do_not_outlive_a_killed_parent(preload: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(preload=preload)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "here\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
