"""The state of each price file, read from its folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lsats_pipeline.mrf.workspace import Published, Workspace


@dataclass(frozen=True)
class FileStatus:
    """One file. A file can be published and have a newer version unfinished or left out.

    `spans` is 0 while a file is read for the first time and nobody knows how many there are.
    Of a folder: `published`, `unfinished`, `left out`; else the state of the catalogue.
    """

    file: str
    state: str
    spans: int = 0
    spans_done: int = 0
    published: Published | None = None
    reason: str = ""


def statuses(exports: Path) -> Iterator[FileStatus]:
    """Every file there is, by name."""
    folders = {
        path.name for path in (*exports.glob("*"), *exports.glob(".work/*")) if path.is_dir()
    }
    for file in sorted(folders - {".work"}):
        yield from _status(Workspace(exports, file))


def published_files(exports: Path) -> list[str]:
    """The names of what is published."""
    return [one.file for one in statuses(exports) if one.state == "published"]


def _status(workspace: Workspace) -> Iterator[FileStatus]:
    file = workspace.file
    if published := workspace.published:
        yield FileStatus(file, "published", published.spans, published.spans, published)
    if failure := workspace.failure:
        yield FileStatus(file, "left out", reason=failure.message)
    elif workspace.begun:
        work, done = workspace.work, len(list(workspace.done.glob("*.json")))
        yield FileStatus(file, "unfinished", len(work.index.spans) if work else 0, done)
