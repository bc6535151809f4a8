"""How far a run is: a bar on a terminal; elsewhere the log lines say it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
