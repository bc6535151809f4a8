"""How far a run is: a bar on a terminal; elsewhere the log lines say it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from lsats_pipeline.mrf.database.loading import LoadPace

Watcher = Callable[[str, str], None]


@contextmanager
def _bars(*columns: str, quiet: bool = False) -> Iterator[Progress | None]:
    """Bars followed by these columns, on a terminal; they are gone afterwards."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    drawn = (TextColumn("{task.description}"), BarColumn(bar_width=24), *map(_column, columns))
    with Progress(*drawn, console=Console(stderr=True), transient=True) as bars:
        yield bars


def _column(column: str) -> ProgressColumn:
    """One of those of rich by its name, or a text with fields."""
    from rich import progress

    if "{" in column:
        return progress.TextColumn(column)
    made: ProgressColumn = getattr(progress, column)()
    return made


@contextmanager
def progress(title: str, assets: int) -> Iterator[Watcher | None]:
    """Gives what is to be called with each asset and event of the run."""
    with _bars("MofNCompleteColumn", "TimeElapsedColumn", "{task.fields[asset]}") as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task(title, total=assets, asset="starting")

        def watch(asset: str, event: str) -> None:
            if event in ("started", "again"):
                bar.update(task, asset=asset if event == "started" else f"{asset} (tried again)")
            else:
                bar.advance(task)

        yield watch


@contextmanager
def bar_of_rows(quiet: bool) -> Iterator[Callable[[LoadPace], None] | None]:
    """A bar of the rows that are loaded, on a terminal, with the speed in text of the source."""
    rows = "{task.completed:,.0f} of {task.total:,.0f} rows"
    speed = "{task.fields[speed]:,.0f} MB/s"
    begun = time.monotonic()
    with _bars(rows, speed, "TimeRemainingColumn", quiet=quiet) as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("load", total=None, visible=False, speed=0.0)

        def watch(pace: LoadPace) -> None:
            speed = pace.text / 1e6 / max(time.monotonic() - begun, 1e-3)
            bar.update(task, completed=pace.rows, total=pace.of_rows, speed=speed, visible=True)

        yield watch


@contextmanager
def bars_of_bytes(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar of bytes for each stage, on a terminal; called with stage, done and total."""
    with _bars("DownloadColumn", "TimeRemainingColumn", quiet=quiet) as bars:
        if bars is None:
            yield None
            return
        tasks: dict[str, TaskID] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)

        yield watch
