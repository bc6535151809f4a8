"""One file to Parquet: index it, take its spans in by workers, publish the whole.

Everything can be stopped anywhere: what is done stays done, the rest is done by the next run.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import psutil

from lsats_pipeline.errors import BadFile, FixConfiguration, GiveUp, LsatsError, TryAgain
from lsats_pipeline.mrf.index import Index, IndexOptions, Span, index_file
from lsats_pipeline.mrf.publishing import finished, publish
from lsats_pipeline.mrf.reading import Watcher, sha256_of, size_of
from lsats_pipeline.mrf.spans import Job, take_in, take_in_as_a_child
from lsats_pipeline.mrf.workspace import (
    LAYOUT,
    Failure,
    Identity,
    Published,
    Work,
    Workspace,
    name_for,
)

Stage = Literal["index", "ingest"]
Progress = Callable[[Stage, int, int], None]
"""Called with bytes done and in all: of the file for the index, of the spans' text for the rest."""
_POLL = 0.1
# What a worker stays under, whatever the file (512 MB; measured less).
MEMORY_OF_A_WORKER = 512 << 20


@dataclass(frozen=True)
class Options:
    """How files are taken in."""

    workers: int = 2
    index: IndexOptions = field(default_factory=IndexOptions)


@dataclass(frozen=True)
class Outcome:
    """What became of one file. `spans_resumed` were done by a run before."""

    file: str
    state: Literal["published", "unchanged"]
    published: Published
    seconds: float
    spans_resumed: int = 0


def ingest(
    path: Path,
    exports: Path,
    options: Options,
    name: str = "",
    progress: Progress | None = None,
    *,
    replacing: bool = False,
) -> Outcome:
    """Take a file in, or go on with it; BadFile when it cannot be, and its reason is kept.

    `replacing`: the name belongs to this file, whatever path its older versions were at.
    """
    begun = time.monotonic()
    with _working_on(path, exports, name, replacing) as workspace:
        if published := _unchanged(workspace, path):
            return Outcome(workspace.file, "unchanged", published, time.monotonic() - begun)
        work = _indexed(workspace, path, options, progress)
        resumed = len(finished(workspace))
        _take_in(workspace, work, options, progress)
        published = publish(workspace, work)
    return Outcome(workspace.file, "published", published, time.monotonic() - begun, resumed)


def prepare(
    path: Path,
    exports: Path,
    options: Options,
    name: str = "",
    progress: Progress | None = None,
    *,
    replacing: bool = False,
) -> Work:
    """The index alone, kept for `ingest`; that of a file which is published already as it is."""
    with _working_on(path, exports, name, replacing) as workspace:
        if _unchanged(workspace, path) and (work := workspace.published_work):
            return work
        return _indexed(workspace, path, options, progress)


@contextmanager
def _working_on(path: Path, exports: Path, name: str, replacing: bool) -> Iterator[Workspace]:
    """The locked folders of a file; what is wrong with the file is noted there."""
    size_of(path)
    workspace = Workspace(exports, name_for(Path(name or path)))
    try:
        with workspace.locked():
            workspace.recover()
            if not replacing:
                _no_other_file(workspace, path)
            try:
                yield workspace
            except BadFile as error:
                workspace.fail(Failure(source=str(path), code=error.code, message=str(error)))
                raise
    except OSError as error:
        raise _of_the_machine(error, workspace) from error


def _of_the_machine(error: OSError, workspace: Workspace) -> GiveUp:
    return GiveUp(
        f"{workspace.folder}: {error.strerror or error} ({error.filename or 'while writing'}):"
        " mend that and run the same command again; it goes on from there"
    )


def workers_for_this_machine() -> int:
    """As many as there are processors, and memory for."""
    room = psutil.virtual_memory().available // MEMORY_OF_A_WORKER
    return max(1, min(os.cpu_count() or 1, int(room)))


def plan(path: Path, options: Options, watch: Watcher | None = None) -> Index:
    """What is in a file; nothing is written."""
    size_of(path)
    return index_file(path, options.index, watch)


def _room_for(path: Path, exports: Path) -> None:
    """Parquet takes about as much as the compressed file; an old version stays until the end."""
    exports.mkdir(parents=True, exist_ok=True)
    needed, free = 2 * size_of(path), shutil.disk_usage(exports).free
    if free < needed:
        raise GiveUp(
            f"{exports} has {free:,} bytes free, and {path} may need {needed:,}: make room there,"
            " or set LSATS_HOME to a larger disk"
        )


def _no_other_file(workspace: Workspace, path: Path) -> None:
    published = workspace.published
    if (
        published
        and published.source.path != str(path.absolute())
        and Path(published.source.path).exists()
    ):
        if Identity.of(path).size == published.source.size and published.source.is_still(
            published.sha256
        ):
            return
        raise FixConfiguration(
            f"{workspace.final} holds {published.source.path}, which is another file than {path}:"
            " keep this one under another name (--name)"
        )


def _unchanged(workspace: Workspace, path: Path) -> Published | None:
    published = workspace.published
    if published is None:
        return None
    now = Identity.of(path)
    if now == published.source:
        return published
    if now.size != published.source.size:
        return None
    return published if sha256_of(path) == published.sha256 else None


def _indexed(workspace: Workspace, path: Path, options: Options, progress: Progress | None) -> Work:
    """The index of an unfinished run if the file is still the same, else a new one."""
    _room_for(path, workspace.final.parent)
    work = workspace.work
    if (
        work
        and work.source.path == str(path.absolute())
        and work.source.is_still(work.index.sha256)
    ):
        return work
    workspace.clear()
    source = Identity.of(path)
    watch: Watcher | None = None
    if progress:
        told = progress
        watch = lambda done, total: told("index", done, total)  # noqa: E731
    work = Work(layout=LAYOUT, source=source, index=index_file(path, options.index, watch))
    workspace.begin(work)
    return work


def _take_in(workspace: Workspace, work: Work, options: Options, progress: Progress | None) -> None:
    for temporary in workspace.folder.rglob("*.tmp"):
        temporary.unlink()
    done = finished(workspace)
    waiting = [span for span in work.index.spans if span.number not in done]
    jobs = [
        Job(
            Path(work.source.path),
            workspace.final.parent,
            workspace.file,
            options.index.max_ratio,
            tuple(waiting[k :: options.workers]),
            tuple(work.index.large),
        )
        for k in range(min(options.workers, len(waiting)))
    ]
    report = _Reported(workspace, work.index.spans, progress)
    if len(jobs) == 1:
        take_in(jobs[0])
    elif jobs:
        _in_processes(jobs, report)
    report()


class _Reported:
    """Tells how much of the text is done."""

    def __init__(
        self, workspace: Workspace, spans: Sequence[Span], progress: Progress | None
    ) -> None:
        self._workspace = workspace
        self._sizes = {span.number: span.end - span.begin for span in spans}
        self._progress = progress

    def __call__(self) -> None:
        if self._progress:
            names = (int(path.stem) for path in self._workspace.done.glob("*.json"))
            done = sum(self._sizes[number] for number in names)
            self._progress("ingest", done, sum(self._sizes.values()))


def _in_processes(jobs: Sequence[Job], report: Callable[[], None]) -> None:
    """Run the jobs beside each other; the first that fails ends the others."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.SimpleQueue[LsatsError] = context.SimpleQueue()
    children: list[BaseProcess] = [
        context.Process(target=_child, args=(job, os.getpid(), results), daemon=True)
        for job in jobs
    ]
    for child in children:
        child.start()
    failed: list[int] = []
    try:
        while any(c.is_alive() for c in children) and not any(c.exitcode for c in children):
            report()
            time.sleep(_POLL)
        failed = [child.exitcode for child in children if child.exitcode]
    finally:
        # After a failure, or when this process is being stopped, the others are of no use.
        for child in children:
            child.terminate()
            child.join()
    if not results.empty():
        raise results.get()
    if failed:
        raise TryAgain(
            f"a worker ended with {failed[0]} (a negative number is a signal; -9 is often memory):"
            " run the same command again, and it goes on from there (fewer --workers need less)"
        )


def _child(job: Job, parent: int, results: multiprocessing.SimpleQueue[LsatsError]) -> None:
    try:
        take_in_as_a_child(job, parent)
    except LsatsError as error:
        results.put(error)
    except OSError as error:
        results.put(_of_the_machine(error, job.workspace))
    else:
        return
    raise SystemExit(1)
