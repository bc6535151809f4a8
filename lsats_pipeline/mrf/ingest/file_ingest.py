"""One file to Parquet: index it, take its spans in by workers, publish the whole.

Everything can be stopped anywhere: what is done stays done, the rest is done by the next run.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import psutil

from lsats_pipeline.core.errors import BadFile, ConfigurationError, PermanentError
from lsats_pipeline.mrf.ingest.publication import finished, publish
from lsats_pipeline.mrf.ingest.span_ingester import SpanWorkers, of_the_machine, span_workers
from lsats_pipeline.mrf.provenance.rereading import Indexed, texts_of
from lsats_pipeline.mrf.text.cutting import Piece
from lsats_pipeline.mrf.text.index import Index, IndexOptions, LargeElement, Span, Taker, index_file
from lsats_pipeline.mrf.text.reading import Watcher, sha256_of, size_of
from lsats_pipeline.mrf.workspace import (
    LAYOUT,
    FileFailure,
    Identity,
    Published,
    Work,
    Workspace,
    name_for,
)

Stage = Literal["index", "ingest"]
Progress = Callable[[Stage, int, int], None]
"""Called with bytes done and in all: of the file for the index, of the spans' text for the rest."""
_AROUND = 1 << 20
# What a worker stays under, whatever the file (512 MB; measured less).
MEMORY_OF_A_WORKER = 512 << 20
# What one reader can feed, and whose slots it can hold below the same limit.
_FED = 8


@dataclass(frozen=True)
class Options:
    """How files are taken in."""

    workers: int = 2
    index: IndexOptions = field(default_factory=IndexOptions)

    @property
    def room(self) -> int:
        """Bytes for the text of a span, with something around each piece."""
        return max(self.index.span, self.index.limits.largest) + _AROUND


@dataclass(frozen=True)
class IngestOutcome:
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
    older: Collection[str] = (),
) -> IngestOutcome:
    """Take a file in, or go on with it; BadFile when it cannot be, and its reason is kept.

    `older`: where its older versions were, if they were elsewhere; only those are replaced.
    """
    begun = time.monotonic()
    with _working_on(path, exports, name, older) as workspace:
        if published := _unchanged(workspace, path):
            return IngestOutcome(workspace.file, "unchanged", published, time.monotonic() - begun)
        work = _begun(workspace, path)
        with span_workers(workspace, options.workers, options.room) as workers:
            taking = _Taking(workspace, workers)
            work = work or _indexed(workspace, path, options, progress, taking.found)
            resumed = taking.rest(work, progress)
        published = publish(workspace, work)
    seconds = time.monotonic() - begun
    return IngestOutcome(workspace.file, "published", published, seconds, resumed)


def prepare(
    path: Path,
    exports: Path,
    options: Options,
    name: str = "",
    progress: Progress | None = None,
    *,
    older: Collection[str] = (),
) -> Work:
    """The index alone, kept for `ingest`; that of a file which is published already as it is."""
    with _working_on(path, exports, name, older) as workspace:
        if _unchanged(workspace, path) and (work := workspace.published_work):
            return work
        return _begun(workspace, path) or _indexed(workspace, path, options, progress)


@contextmanager
def _working_on(
    path: Path, exports: Path, name: str, older: Collection[str]
) -> Iterator[Workspace]:
    """The locked folders of a file; what is wrong with the file is noted there."""
    size_of(path)
    workspace = Workspace(exports, name_for(Path(name or path)))
    try:
        with workspace.locked():
            workspace.recover()
            _no_other_file(workspace, path, older)
            try:
                yield workspace
            except BadFile as error:
                workspace.fail(FileFailure(source=str(path), code=error.code, message=str(error)))
                raise
    except OSError as error:
        raise of_the_machine(error, workspace) from error


def workers_for_this_machine() -> int:
    """As many as there are processors, and memory for, and as one reader can feed."""
    room = psutil.virtual_memory().available // MEMORY_OF_A_WORKER
    return max(1, min(os.cpu_count() or 1, int(room), _FED))


def plan(path: Path, options: Options, watch: Watcher | None = None) -> Index:
    """What is in a file; nothing is written."""
    size_of(path)
    return index_file(path, options.index, watch)


def _room_for(path: Path, exports: Path) -> None:
    """Parquet takes about as much as the compressed file; an old version stays until the end."""
    exports.mkdir(parents=True, exist_ok=True)
    needed, free = 2 * size_of(path), shutil.disk_usage(exports).free
    if free < needed:
        raise PermanentError(
            f"{exports} has {free:,} bytes free, and {path} may need {needed:,}: make room there,"
            " or set LSATS_HOME to a larger disk"
        )


def _no_other_file(workspace: Workspace, path: Path, older: Collection[str]) -> None:
    published = workspace.published
    if (
        published
        and published.source.path not in (str(path.absolute()), *older)
        and Path(published.source.path).exists()
    ):
        if Identity.of(path).size == published.source.size and published.source.is_still(
            published.sha256
        ):
            return
        raise ConfigurationError(
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


def _begun(workspace: Workspace, path: Path) -> Work | None:
    """Begin with a file, or go on with it; the index of an unfinished run if it is still that."""
    _room_for(path, workspace.final.parent)
    work = workspace.work
    if work and not (
        work.source.path == str(path.absolute()) and work.source.is_still(work.index.sha256)
    ):
        work = None
    workspace.begin(work.source if work else Identity.of(path))
    return work


def _indexed(
    workspace: Workspace,
    path: Path,
    options: Options,
    progress: Progress | None,
    take: Taker | None = None,
) -> Work:
    """A new index. `take` is given its spans on the way: the file is read once for both."""
    source = Identity.of(path)
    watch = partial(progress, "index") if progress else None
    index = index_file(path, options.index, watch, take)
    work = Work(layout=LAYOUT, source=source, index=index)
    workspace.keep(work)
    return work


class _Taking:
    """Has every span of a file taken in once, by this run or one before."""

    def __init__(self, workspace: Workspace, workers: SpanWorkers) -> None:
        self._workspace = workspace
        self._workers = workers
        self._given: set[int] = set()
        self._before = finished(workspace)

    def found(self, span: Span, pieces: list[Piece]) -> None:
        """Take in a new span. One of a large element waits for what may follow in that."""
        if span.of is None and not self._is_done(span):
            self._give(span, None, [piece.document for piece in pieces])

    def rest(self, work: Work, progress: Progress | None) -> int:
        """Take in what is not done yet; returns how many spans runs before have done."""
        index, spans = work.index, {span.number: span for span in work.index.spans}
        for number in self._before.keys() - self._given:
            if number not in spans or not self._is_done(spans[number]):
                self._workspace.forget(number)
        waiting = [s for s in index.spans if s.number not in self._given and not self._is_done(s)]
        resumed = len(spans) - len(self._given) - len(waiting)
        large = {(element.section, element.number): element for element in index.large}
        report = _Reported(self._workspace, index.spans, progress)
        if waiting:
            text = Indexed.of(work, self._workspace.folder).original.opened()
            for span, documents in texts_of(text, waiting):
                of = large[span.section, span.of] if span.of is not None else None
                self._give(span, of, documents)
                report()
        self._workers.finish()
        report()
        return resumed

    def _is_done(self, span: Span) -> bool:
        note = self._before.get(span.number)
        return note is not None and note.is_of(span)

    def _give(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        if span.number in self._before:
            self._workspace.forget(span.number)
        self._given.add(span.number)
        self._workers.give(span, large, documents)


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
