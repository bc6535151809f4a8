"""A file that has been indexed, read again: the same bytes, proved by the CRC of each span.

What only looks at a file (profile, split, `show-source`, replay) reads it through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from isal.isal_zlib import crc32

from lsats_pipeline.errors import BadFile, FixConfiguration
from lsats_pipeline.mrf.text.index import Index, Span
from lsats_pipeline.mrf.text.reading import MAX_RATIO, Reading, Watcher
from lsats_pipeline.mrf.text.scanning import document_of, sequence_of
from lsats_pipeline.mrf.workspace import Published, Work, Workspace

_BETWEEN = re.compile(rb"[ \t\r\n,]*")
# The sum of a part of a span, which is not known; what is made of it is proved otherwise.
UNCHECKED = -1


class Forward:
    """Goes forward through the text of a file; what is skipped costs inflating it."""

    def __init__(self, path: Path, watch: Watcher | None = None) -> None:
        # The index has judged the ratio; what it let pass is let pass here.
        self._chunks = Reading(path, max(MAX_RATIO, 1100), watch).chunks()
        self._chunk = memoryview(b"")
        self._begin = 0

    def parts(self, begin: int, end: int) -> Iterator[memoryview]:
        """The bytes from one offset to another, no smaller than any before, as they come."""
        assert begin >= self._begin, "the text goes forward only"
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a span again; `first` is the number of its first value in the array."""

    span: Span
    begin: int
    first: int
    count: int
    data: bytes

    def values(self) -> list[tuple[int, bytes]]:
        """Each value: its offset, its text. One that is no JSON stands alone in its piece."""
        found = sequence_of(self.data)
        if not isinstance(found, list) or len(found) != self.count:
            return [(self.begin, self.data)]
        return list(placed(self.data, self.begin, found))


def placed(data: bytes, begin: int, values: Sequence[msgspec.Raw]) -> Iterator[tuple[int, bytes]]:
    """Where each value of `a,b,c` stands, and its text."""
    at = 0
    for value in values:
        space = _BETWEEN.match(data, at)
        at = space.end() if space else at
        text = bytes(value)
        yield begin + at, text
        at += len(text)


def stretches(text: Forward, spans: Sequence[Span], path: Path) -> Iterator[Stretch]:
    """The pieces of these spans, in order; BadFile if one is not what it was."""
    for span in spans:
        first, check = span.first, 0
        for begin, end, count in span.pieces:
            data = text.read(begin, end)
            check = crc32(data, check)
            yield Stretch(span, begin, first, count, data)
            first += count
        if span.crc32 not in (check, UNCHECKED):
            raise changed(path, span.begin, span.end)


def texts_of(path: Path, spans: Sequence[Span]) -> Iterator[tuple[Span, list[bytes]]]:
    """Each of these spans, in order, and its pieces as documents; BadFile if it changed."""
    text = Forward(path)
    for span in spans:
        yield span, [document_of(stretch.data) for stretch in stretches(text, [span], path)]


def changed(path: Path, begin: int, end: int) -> BadFile:
    """The error that a file is not the one that was indexed."""
    return BadFile(
        "changed",
        f"{path}: bytes {begin:,} to {end:,} of the document are not what they were when the file"
        " was indexed: take it in again with `lsats mrf run`",
        begin,
    )


def indexed(workspace: Workspace) -> Work:
    """The index of a published file, whose source is still what it was."""
    published, work = workspace.published, workspace.published_work
    if published is None or work is None:
        raise FixConfiguration(
            f"no price file {workspace.file} is published (`lsats mrf status` lists them):"
            " `lsats mrf run FILE` takes one in"
        )
    _assert_there(published, work.index)
    return work


def _assert_there(published: Published, index: Index) -> None:
    path = Path(published.source.path)
    if not path.is_file():
        raise FixConfiguration(
            f"{path}, of which {published.file} was made, is gone: put it back there"
        )
    if not published.source.is_still(index.sha256):
        raise FixConfiguration(
            f"{path} is not the file of which {published.file} was made: put that back, or take"
            " this one in with `lsats mrf run`"
        )


def told(progress: Callable[[str, int, int], None] | None, stage: str) -> Watcher | None:
    """A watcher of bytes that names what is being done."""
    if progress is None:
        return None
    tell = progress
    return lambda done, total: tell(stage, done, total)
