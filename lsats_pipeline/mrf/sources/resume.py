"""What is here of a file that is on its way: `download.part`, and a note of what it is part of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from lsats_pipeline.mrf.sources.locations import Location
from lsats_pipeline.mrf.workspace import read

# Another try is another chance only as long as it gets further.
_PROGRESS = 1 << 20


class PartialDownload(msgspec.Struct, kw_only=True):
    """What `download.part` is part of."""

    address: str
    identity: str
    etag: str = ""
    modified: str = ""
    total: int = 0

    @property
    def validator(self) -> str:
        """What tells the server which file the rest is wanted of; weak tags do not."""
        return self.modified if not self.etag or self.etag.startswith("W/") else self.etag

    @property
    def mark(self) -> str:
        """What the file looks like on its server."""
        return mark_of(self.etag, self.modified, self.total)


def mark_of(etag: str, modified: str, total: int) -> str:
    """Tag, date and length as far as the server tells them; the same as long as the file is."""
    return msgspec.json.encode([etag, modified, total]).decode()


@dataclass
class PartFile:
    """What is there of a file, and how much there was when a try failed."""

    folder: Path
    furthest: int = 0

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self.part.stat().st_size if self.part.exists() else 0

    def progressed(self) -> bool:
        """Whether more came since it was asked than is worth to count failures anew."""
        before, size = self.furthest, self.size
        self.furthest = max(before, size)
        return size > before + _PROGRESS

    @property
    def part(self) -> Path:
        """What has come."""
        return self.folder / "download.part"

    @property
    def note(self) -> Path:
        """What it is part of."""
        return self.folder / "download.json"

    def drop(self) -> None:
        """Begin anew."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def resumable(self, location: Location) -> tuple[PartialDownload, int] | None:
        """What there is of this very file, if its server can be asked for the rest."""
        part = read(self.note, PartialDownload)
        same = part and (part.address, part.identity) == (location.address, location.identity)
        size = self.size
        if not (part and same and part.validator and size):
            return None
        # Of a whole one the last byte is asked for: that tells whether it still is the file.
        return part, min(size, part.total - 1) if part.total else size
