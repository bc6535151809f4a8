"""Documents that have newly arrived, by two looks at their folder: what a sensor keeps between.

folder ─▶ files by name ─▶ the same as at the last look? ─▶ not noticed before? ─▶ due
                                   no: still being written
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from lsats_pipeline.hub.sources.document_names import recognized

# Of a file: its size and its time of change. Another content has another state.
Files = dict[str, str]


class Arrivals(msgspec.Struct, frozen=True):
    """What was in the folder at the last look, and what was noticed by then, each in its state."""

    seen: Files = {}
    noticed: Files = {}

    @classmethod
    def read(cls, text: str | None) -> Arrivals:
        """As `text` remembers it; from nothing when that is empty or of another version."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    @property
    def text(self) -> str:
        """What remembers it."""
        return msgspec.json.encode(self).decode()

    def due(self, files: Files) -> Files:
        """Files that are complete, as they have not changed since the last look, and are new."""
        return {
            name: state
            for name, state in files.items()
            if self.seen.get(name) == state != self.noticed.get(name)
        }

    def after(self, files: Files) -> Arrivals:
        """What to remember once the due ones are noticed; of files that are gone nothing."""
        noticed = {**self.noticed, **self.due(files)}
        return Arrivals(files, {name: noticed[name] for name in files if name in noticed})


def documents_in(folder: Path) -> Files:
    """The documents of a folder in their states; none when it does not exist.

    OSError when it cannot be read.
    """
    found: Files = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return found
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            info = entry.stat(follow_symlinks=False)
        except OSError:  # gone in this moment
            continue
        if stat.S_ISREG(info.st_mode) and recognized(entry.name):
            found[entry.name] = f"{info.st_size} {info.st_mtime_ns}"
    return found
