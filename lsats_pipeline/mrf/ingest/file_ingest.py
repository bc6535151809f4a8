"""Ingest of one file to Parquet: index it, ingest its spans by workers, publish the whole.

A run can be stopped at any point: what is done stays done, the next run does the rest.
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
from lsats_pipeline.mrf.text.index import (
    Index,
    IndexOptions,
    LargeElement,
    Span,
    SpanCallback,
    index_file,
)
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
_MARGIN = 1 << 20
# The most memory of a worker, whatever the file (512 MB; measured less).
MEMORY_OF_A_WORKER = 512 << 20
# As many as one reader can feed, and whose slots fit below the same limit.
_MAX_WORKERS = 8


@dataclass(frozen=True)
class IngestOptions:
    """How files are ingested."""

    workers: int = 2
    index: IndexOptions = field(default_factory=IndexOptions)

    @property
    def room(self) -> int:
        """Bytes for the text of a span, with something around each piece."""
        return max(self.index.span, self.index.limits.largest) + _MARGIN


@dataclass(frozen=True)
class IngestOutcome:
    """The result of one ingest. `spans_resumed` were done by an earlier run."""

    file: str
    state: Literal["published", "unchanged"]
    published: Published
    seconds: float
    spans_resumed: int = 0


def ingest(
    path: Path,
    exports: Path,
    options: IngestOptions,
    name: str = "",
    progress: Progress | None = None,
    *,
    older: Collection[str] = (),
) -> IngestOutcome:
    """Ingest a file, or resume it; BadFile when it cannot be ingested, and the reason is kept.

    `older`: where its older versions were, if they were elsewhere; only those are replaced.
    """
    begun = time.monotonic()
    with _locked_workspace(path, exports, name, older) as workspace:
        if published := _published_if_unchanged(workspace, path):
            return IngestOutcome(workspace.file, "unchanged", published, time.monotonic() - begun)
        work = _begin_or_resume(workspace, path)
        with span_workers(workspace, options.workers, options.room) as workers:
            dispatcher = _SpanDispatcher(workspace, workers)
            work = work or _build_index(workspace, path, options, progress, dispatcher.on_span)
            resumed = dispatcher.finish(work, progress)
        published = publish(workspace, work)
    seconds = time.monotonic() - begun
    return IngestOutcome(workspace.file, "published", published, seconds, resumed)


def prepare(
    path: Path,
    exports: Path,
    options: IngestOptions,
    name: str = "",
    progress: Progress | None = None,
    *,
    older: Collection[str] = (),
) -> Work:
    """The index alone, kept for `ingest`; that of a file which is published already as it is."""
    with _locked_workspace(path, exports, name, older) as workspace:
        if _published_if_unchanged(workspace, path) and (work := workspace.published_work):
            return work
        return _begin_or_resume(workspace, path) or _build_index(workspace, path, options, progress)


@contextmanager
def _locked_workspace(
    path: Path, exports: Path, name: str, older: Collection[str]
) -> Iterator[Workspace]:
    """The locked folders of a file; what is wrong with the file is noted there."""
    size_of(path)
    workspace = Workspace(exports, name_for(Path(name or path)))
    try:
        with workspace.locked():
            workspace.recover()
            _require_same_file(workspace, path, older)
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
    return max(1, min(os.cpu_count() or 1, int(room), _MAX_WORKERS))


def plan(path: Path, options: IngestOptions, watch: Watcher | None = None) -> Index:
    """What is in a file; nothing is written."""
    size_of(path)
    return index_file(path, options.index, watch)


def _require_disk_space(path: Path, exports: Path) -> None:
    """Parquet takes about as much as the compressed file; an old version stays until the end."""
    exports.mkdir(parents=True, exist_ok=True)
    needed, free = 2 * size_of(path), shutil.disk_usage(exports).free
    if free < needed:
        raise PermanentError(
            f"{exports} has {free:,} bytes free, and {path} may need {needed:,}: make room there,"
            " or set LSATS_HOME to a larger disk"
        )


def _require_same_file(workspace: Workspace, path: Path, older: Collection[str]) -> None:
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


def _published_if_unchanged(workspace: Workspace, path: Path) -> Published | None:
    published = workspace.published
    if published is None:
        return None
    now = Identity.of(path)
    if now == published.source:
        return published
    if now.size != published.source.size:
        return None
    return published if sha256_of(path) == published.sha256 else None


def _begin_or_resume(workspace: Workspace, path: Path) -> Work | None:
    """Begin with a file, or go on with it; the index of an unfinished run if it is still that."""
    _require_disk_space(path, workspace.final.parent)
    work = workspace.work
    if work and not (
        work.source.path == str(path.absolute()) and work.source.is_still(work.index.sha256)
    ):
        work = None
    workspace.begin(work.source if work else Identity.of(path))
    return work


def _build_index(
    workspace: Workspace,
    path: Path,
    options: IngestOptions,
    progress: Progress | None,
    on_span: SpanCallback | None = None,
) -> Work:
    """A new index. `on_span` gets its spans on the way: the file is read once for both."""
    source = Identity.of(path)
    watch = partial(progress, "index") if progress else None
    index = index_file(path, options.index, watch, on_span)
    work = Work(layout=LAYOUT, source=source, index=index)
    workspace.keep(work)
    return work


class _SpanDispatcher:
    """Gives every span of a file to the workers once, unless an earlier run has done it."""

    def __init__(self, workspace: Workspace, workers: SpanWorkers) -> None:
        self._workspace = workspace
        self._workers = workers
        self._dispatched: set[int] = set()
        self._done = finished(workspace)

    def on_span(self, span: Span, pieces: list[Piece]) -> None:
        """Ingest a new span. One of a large element waits for the whole index."""
        if span.of is None and not self._is_done(span):
            self._dispatch(span, None, [piece.document for piece in pieces])

    def finish(self, work: Work, progress: Progress | None) -> int:
        """Ingest what is not done yet; returns how many spans earlier runs have done."""
        index, spans = work.index, {span.number: span for span in work.index.spans}
        for number in self._done.keys() - self._dispatched:
            if number not in spans or not self._is_done(spans[number]):
                self._workspace.forget(number)
        waiting = [
            s for s in index.spans if s.number not in self._dispatched and not self._is_done(s)
        ]
        resumed = len(spans) - len(self._dispatched) - len(waiting)
        large = {(element.section, element.number): element for element in index.large}
        report = _ProgressReport(self._workspace, index.spans, progress)
        if waiting:
            text = Indexed.of(work, self._workspace.folder).original.opened()
            for span, documents in texts_of(text, waiting):
                of = large[span.section, span.of] if span.of is not None else None
                self._dispatch(span, of, documents)
                report()
        self._workers.finish()
        report()
        return resumed

    def _is_done(self, span: Span) -> bool:
        note = self._done.get(span.number)
        return note is not None and note.is_of(span)

    def _dispatch(self, span: Span, large: LargeElement | None, documents: list[bytes]) -> None:
        if span.number in self._done:
            self._workspace.forget(span.number)
        self._dispatched.add(span.number)
        self._workers.give(span, large, documents)


class _ProgressReport:
    """Reports how much of the text is done."""

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
