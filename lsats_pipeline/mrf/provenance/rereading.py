"""A file that has been indexed, read again: the same bytes, verified by the CRC of each span.

Whatever reads a published file again (profile, split, `show-source`, replay) reads it through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from isal.isal_zlib import crc32

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.text.access import OpenedText, Original, changed
from lsats_pipeline.mrf.text.index import Index, Span
from lsats_pipeline.mrf.text.reading import Watcher
from lsats_pipeline.mrf.text.scanning import document_of, sequence_of
from lsats_pipeline.mrf.workspace import Published, Work, Workspace

_BETWEEN = re.compile(rb"[ \t\r\n,]*")
# The sum of a part of a span, which is not known; what is made of it is proved otherwise.
UNCHECKED = -1


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
        return list(values_with_offsets(self.data, self.begin, found))


def values_with_offsets(
    data: bytes, begin: int, values: Sequence[msgspec.Raw]
) -> Iterator[tuple[int, bytes]]:
    """Where each value of `a,b,c` stands, and its text."""
    at = 0
    for value in values:
        space = _BETWEEN.match(data, at)
        at = space.end() if space else at
        text = bytes(value)
        yield begin + at, text
        at += len(text)


def stretches(text: OpenedText, spans: Sequence[Span]) -> Iterator[Stretch]:
    """The pieces of these spans, in order; BadFile if one is not what it was."""
    for span in spans:
        first, check = span.first, 0
        for begin, end, count in span.pieces:
            data = text.read(begin, end)
            check = crc32(data, check)
            yield Stretch(span, begin, first, count, data)
            first += count
        if span.crc32 not in (check, UNCHECKED):
            raise changed(text.path, span.begin, span.end)


def single_piece(span: Span, number: int) -> Span:
    """One of the pieces of a span, as a span; its sum is not known."""
    first = span.first + sum(count for *_, count in span.pieces[:number])
    begin, end, count = piece = span.pieces[number]
    return msgspec.structs.replace(
        span, begin=begin, end=end, first=first, values=count, crc32=UNCHECKED, pieces=[piece]
    )


def texts_of(text: OpenedText, spans: Sequence[Span]) -> Iterator[tuple[Span, list[bytes]]]:
    """Each of these spans, in order, and its pieces as documents; BadFile if it changed."""
    for span in spans:
        yield span, [document_of(stretch.data) for stretch in stretches(text, [span])]


@dataclass(frozen=True)
class Indexed:
    """An ingested file: what is in it, and how to read it."""

    index: Index
    original: Original

    @classmethod
    def of(cls, work: Work, folder: Path) -> Indexed:
        """What is known of it in a folder; its seek index is there too, if it has one."""
        path = Path(work.source.path)
        return cls(work.index, Original(path, work.index.sha256, folder))

    @classmethod
    def here(cls, path: Path, index: Index) -> Indexed:
        """A file without a folder of its own."""
        return cls(index, Original(path, index.sha256))


def indexed(workspace: Workspace) -> Indexed:
    """The index of a published file, whose source is still what it was."""
    published, work = workspace.published, workspace.published_work
    if published is None or work is None:
        raise ConfigurationError(
            f"no price file {workspace.file} is published (`lsats mrf status` lists them):"
            " `lsats mrf run FILE` ingests one"
        )
    _assert_there(published, work.index)
    return Indexed.of(work, workspace.final)


def _assert_there(published: Published, index: Index) -> None:
    path = Path(published.source.path)
    if not path.is_file():
        raise ConfigurationError(
            f"{path}, of which {published.file} was made, is gone: put it back there"
        )
    if not published.source.is_still(index.sha256):
        raise ConfigurationError(
            f"{path} is not the file of which {published.file} was made: put that back, or ingest"
            " this one with `lsats mrf run`"
        )


def stage_watcher(progress: Callable[[str, int, int], None] | None, stage: str) -> Watcher | None:
    """A watcher of bytes that reports them as progress of a stage."""
    if progress is None:
        return None
    notify = progress
    return lambda done, total: notify(stage, done, total)
