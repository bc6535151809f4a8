"""The text of a file that was indexed, opened by whoever wants some of it.

With a seek index (`seeking`) reading begins at any place, and each block of text is proved. Without
one it begins at the beginning, and the sum of each span proves it (`rereading`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text import seeking
from lsats_pipeline.mrf.text.reading import MAX_RATIO, Reading, Watcher

log = logging.getLogger(__name__)


class OpenedText(Protocol):
    """The text of a file, for one reader. What is asked for goes forward, mostly."""

    path: Path
    proved: bool
    """Whether all that is given is proved already."""

    def parts(self, begin: int, end: int) -> Iterator[memoryview]:
        """The bytes from one offset to another as they come; fewer when the text ends before."""

    def read(self, begin: int, end: int) -> bytes:
        """The same in one piece."""

    def close(self) -> None:
        """Let go of the file."""


@dataclass(frozen=True)
class Original:
    """An ingested file, and the folder in which its seek index is, if it has one."""

    path: Path
    sha256: str
    folder: Path | None = None

    def opened(self, watch: Watcher | None = None) -> OpenedText:
        """Its text; from any place on if there is a seek index that fits."""
        try:
            places = seeking.load(self.path, self.sha256, self.folder) if self.folder else None
        except seeking.Unfit as why:
            log.warning("⚠️ %s: the seek index is of no use: %s", self.path, why)
            places = None
        return Anywhere(self.path, places, watch) if places else Forward(self.path, watch)


class Forward:
    """Goes forward through the text of a file; to skip is to inflate, to go back to begin anew."""

    def __init__(self, path: Path, watch: Watcher | None = None) -> None:
        self.path = path
        self.proved = False
        self._watch = watch
        self._start()

    def _start(self) -> None:
        # The index has checked the ratio; what it accepted is accepted here.
        self._chunks = Reading(self.path, max(MAX_RATIO, 1100), self._watch).chunks()
        self._chunk = memoryview(b"")
        self._begin = 0

    def parts(self, begin: int, end: int) -> Iterator[memoryview]:
        """Meant for offsets that grow."""
        if begin < self._begin:
            self.close()
            self._start()
        while begin < end:
            at = begin - self._begin
            if 0 <= at < len(self._chunk):
                part = self._chunk[at : end - self._begin]
                begin += len(part)
                yield part
                continue
            self._begin += len(self._chunk)
            self._chunk = memoryview(next(self._chunks, b""))
            if not self._chunk:
                return  # shorter than it was: a checksum says so

    def read(self, begin: int, end: int) -> bytes:
        """The same in one piece."""
        return b"".join(self.parts(begin, end))

    def close(self) -> None:
        """Let go of the file before its end."""
        self._chunks.close()  # type: ignore[attr-defined]  # a generator


class Anywhere:
    """Begins where it is asked to. A wrong index is logged, and used no more."""

    def __init__(
        self, path: Path, places: seeking.SeekPoints, watch: Watcher | None = None
    ) -> None:
        self.path = path
        self.proved = True
        self._places = places
        self._watch = watch
        self._size = places.index.block
        self._number = -1
        self._block = memoryview(b"")
        self._blocks: Iterator[bytes] = iter(())
        self._next = -1
        self._forward: Forward | None = None

    def parts(self, begin: int, end: int) -> Iterator[memoryview]:
        """Offsets smaller than those before are as good as any."""
        while begin < min(end, self._places.index.text):
            number = begin // self._size
            if number != self._number:
                self._block, self._number = memoryview(self._proved(number)), number
            part = self._block[begin - number * self._size : end - number * self._size]
            begin += len(part)
            yield part

    def read(self, begin: int, end: int) -> bytes:
        """The same in one piece."""
        return b"".join(self.parts(begin, end))

    def close(self) -> None:
        """Let go of the file before its end."""
        self._blocks, self._next = iter(()), -1
        if self._forward:
            self._forward.close()

    def _proved(self, number: int) -> bytes:
        if self._forward is None:
            try:
                return self._sought(number)
            except seeking.Unfit as why:
                log.warning("⚠️ %s: the seek index is of no use: %s", self.path, why)
        return self._inflated(number)

    def _sought(self, number: int) -> bytes:
        if not self._places.is_near(self._next, number):
            self._blocks, self._next = self._places.blocks(number), number
        while True:
            block = next(self._blocks, None)
            if block is None:
                raise seeking.Unfit(f"there is no block {number}")
            self._next += 1
            if self._watch:
                index = self._places.index
                self._watch(index.size * self._next // len(index.crcs), index.size)
            if self._next > number:
                return block

    def _inflated(self, number: int) -> bytes:
        """The same block by a reading from the beginning."""
        self._forward = self._forward or Forward(self.path, self._watch)
        block = self._forward.read(number * self._size, (number + 1) * self._size)
        if not self._places.proves(number, block):
            raise changed(self.path, number * self._size, (number + 1) * self._size)
        return block


def changed(path: Path, begin: int, end: int) -> BadFile:
    """The error that a file is not the one that was indexed."""
    return BadFile(
        "changed",
        f"{path}: bytes {begin:,} to {end:,} of the document are not what they were when the file"
        " was indexed: ingest it again with `lsats mrf run`",
        begin,
    )
