"""How far a run is: a bar on a terminal; elsewhere the log lines say it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsats_pipeline.mrf.database.loading import Pace

Watcher = Callable[[str, str], None]


@contextmanager
def progress(title: str, assets: int) -> Iterator[Watcher | None]:
    """Gives what is to be called with each asset and event of the run."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[asset]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=assets, asset="starting")

        def watch(asset: str, event: str) -> None:
            if event in ("started", "again"):
                bar.update(task, asset=asset if event == "started" else f"{asset} (tried again)")
            else:
                bar.advance(task)

        yield watch


@contextmanager
def bar_of_rows(quiet: bool) -> Iterator[Callable[[Pace], None] | None]:
    """A bar of the rows that are loaded, on a terminal, with the speed in text of the source."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        TextColumn("{task.fields[speed]:,.0f} MB/s"),
        TimeRemainingColumn(),
    )
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("load", total=None, visible=False, speed=0.0)

        def watch(pace: Pace) -> None:
            speed = pace.text / 1e6 / max(time.monotonic() - begun, 1e-3)
            bar.update(task, completed=pace.rows, total=pace.of_rows, speed=speed, visible=True)

        yield watch


@contextmanager
def bars_of_bytes(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar of bytes for each stage, on a terminal; called with stage, done and total."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)

        yield watch
