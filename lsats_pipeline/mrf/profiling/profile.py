"""One file's profile: the kept one if its content was profiled before, else made and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lsats_pipeline.core.errors import PermanentError, TransientError
from lsats_pipeline.mrf.profiling.ledger import ledger_of
from lsats_pipeline.mrf.profiling.metrics import Metrics, compute_metrics
from lsats_pipeline.mrf.profiling.scan import scan_schema
from lsats_pipeline.mrf.profiling.statistics import LAYOUT, FileProfile
from lsats_pipeline.mrf.provenance.rereading import Indexed, indexed, stage_watcher
from lsats_pipeline.mrf.workspace import Workspace, lock, read, write

Progress = Callable[[str, int, int], None]
"""Called with the stage, bytes of the file done, and in all."""


@dataclass(frozen=True)
class ProfileOptions:
    """How a profile is made: parallel processes, megabytes for the queries."""

    workers: int = 1
    memory_mb: int = 300


def profile(
    file: str,
    exports: Path,
    options: ProfileOptions | None = None,
    progress: Progress | None = None,
) -> FileProfile:
    """The profile of a published file (by its name there).

    A second call for the same content reads none of it. ConfigurationError when the file is not
    published, or its source is gone; Busy while another process makes the same profile.
    """
    workspace, chosen = Workspace(exports, file), options or ProfileOptions()
    if known := kept(workspace):
        return known
    work = indexed(workspace)
    with lock(workspace.folder / "profile", f"the profile of {file}"):
        try:
            made = _made(workspace, work, chosen, progress)
        except OSError as error:
            raise PermanentError(
                f"{workspace.folder}: {error.strerror or error}: fix that and run it again"
            ) from error
        _keep(workspace, made)
    return made


def kept(workspace: Workspace) -> FileProfile | None:
    """The profile of what is published now, if there is one."""
    found, published = read(workspace.final / "profile.json", FileProfile), workspace.published
    if found is None or published is None:
        return None
    same = found.layout == LAYOUT and found.sha256 == published.sha256
    return found if same and found.ledger.get("rows") == _rows(workspace) else None


def _rows(workspace: Workspace) -> int:
    published = workspace.published
    return sum(published.sums.rows.values()) if published else -1


def _made(
    workspace: Workspace, work: Indexed, options: ProfileOptions, progress: Progress | None
) -> FileProfile:
    begun = time.monotonic()
    schema = scan_schema(work, options.workers, stage_watcher(progress, "schema"))
    metrics: Metrics = compute_metrics(workspace, work, options.memory_mb, max(1, options.workers))
    return FileProfile(
        layout=LAYOUT,
        file=workspace.file,
        sha256=work.index.sha256,
        text=work.index.text,
        seconds=time.monotonic() - begun,
        schema=schema,
        counts=metrics.counts,
        categories=metrics.categories,
        systems=metrics.systems,
        prices=metrics.prices,
        findings=metrics.findings,
        ledger={**ledger_of(workspace, work), "rows": _rows(workspace)},
    )


def _keep(workspace: Workspace, made: FileProfile) -> None:
    published = workspace.published
    if published is None or published.sha256 != made.sha256:
        raise TransientError(f"{made.file} was ingested again while it was profiled: run it again")
    write(workspace.final / "profile.json", made)
