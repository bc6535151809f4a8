"""A worker's part: reads the file from its beginning, and takes in the spans that are its own.

Each worker inflates the whole file for itself, which costs less than sending text from one process
to another (domain/mrf.md 5). A span is done when its note is written; until then it is nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from isal.isal_zlib import crc32

from lsats_pipeline.errors import BadFile, GiveUp
from lsats_pipeline.mrf import columns
from lsats_pipeline.mrf.columnar import columns_of
from lsats_pipeline.mrf.columns import Lineage, Positions
from lsats_pipeline.mrf.decoding import Decoded, Decoder, Reject, Source, Text
from lsats_pipeline.mrf.index import SECTIONS, LargeElement, Span
from lsats_pipeline.mrf.parts import write_part
from lsats_pipeline.mrf.reading import Reading
from lsats_pipeline.mrf.tables import FOLDER_OF
from lsats_pipeline.mrf.workspace import Sums, Workspace, write

_WATCH = 0.2


class Done(msgspec.Struct, kw_only=True):
    """The note of a span: what it gave."""

    span: int
    sums: Sums
    pid: int
    seconds: float


@dataclass(frozen=True)
class Job:
    """What a worker is given; it is sent to another process."""

    path: Path
    exports: Path
    file: str
    max_ratio: int
    spans: tuple[Span, ...]
    large: tuple[LargeElement, ...]

    @property
    def workspace(self) -> Workspace:
        """Where it works."""
        return Workspace(self.exports, self.file)


def take_in(job: Job) -> None:
    """Take in all spans of the job, in order."""
    workspace = job.workspace
    large = {(element.section, element.number): element for element in job.large}
    cursor = _Cursor(Reading(job.path, job.max_ratio).chunks())
    decoder = Decoder()
    for span in job.spans:
        begun = time.monotonic()
        source = Source(span, large[span.section, span.of] if span.of is not None else None)
        gathered = _Gathered(Lineage(job.file, span.number), source)
        for piece in _pieces(cursor, span, job.path):
            gathered.add(decoder.decode(piece, source))
        sums = gathered.write(workspace)
        done = Done(span=span.number, sums=sums, pid=os.getpid(), seconds=time.monotonic() - begun)
        write(workspace.done / f"{span.number:06}.json", done)


def take_in_as_a_child(job: Job, parent: int) -> None:
    """The same in a process of its own, which does not outlive the one that started it."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    take_in(job)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)


def _pieces(cursor: _Cursor, span: Span, path: Path) -> Iterator[Text]:
    """The pieces of a span; BadFile after the last if they changed."""
    first, check, loose = span.first, 0, set(span.loose)
    for number, (begin, end, values) in enumerate(span.pieces):
        data = cursor.read(begin, end)
        check = crc32(data, check)
        yield Text(data, begin, first, strict=number not in loose)
        first += values
    if check != span.crc32:
        raise BadFile(
            "changed",
            f"{path}: bytes {span.begin:,} to {span.end:,} of the document are not what they were"
            " when the file was indexed: run it again from the beginning",
            span.begin,
        )


class _Cursor:
    """Goes forward through a text that comes in chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._begin = 0

    def read(self, begin: int, end: int) -> bytes:
        """The bytes from one offset to another, which is no smaller than any before."""
        parts = []
        while True:
            at = begin - self._begin
            if at < len(self._chunk):
                part = self._chunk[at : end - self._begin]
                parts.append(part)
                begin += len(part)
            if begin >= end:
                return b"".join(parts)
            self._begin += len(self._chunk)
            self._chunk = memoryview(next(self._chunks, b""))
            if not self._chunk:
                return b"".join(parts)  # shorter than it was: the checksum says so


class _Gathered:
    """What the pieces of one span gave, until it is written."""

    def __init__(self, lineage: Lineage, source: Source) -> None:
        self._lineage = lineage
        self._source = source
        self._sums = Sums()
        self._values: list[pa.StructArray] = []
        self._numbers: list[Positions] = []
        self._rejects: list[Reject] = []

    def add(self, decoded: Decoded) -> None:
        """What a piece gave."""
        self._values += decoded.values
        self._numbers += decoded.numbers
        self._rejects += decoded.rejects
        self._sums.values += decoded.seen
        self._sums.taken += sum(map(len, decoded.values))
        self._sums.rejected += sum(
            "." not in r.path and self._is_whole(r.path) for r in decoded.rejects
        )

    def write(self, workspace: Workspace) -> Sums:
        """Write a part for each table; returns what is in them."""
        self._assert_nothing_is_lost()
        for folder, table in self._tables():
            if table.num_rows:
                self._sum(folder, table)
                root = workspace.inline if folder == "inline" else workspace.out / folder
                write_part(table, root / f"part-{self._source.span.number:06}.parquet")
        return self._sums

    def _tables(self) -> Iterator[tuple[str, pa.Table]]:
        section, lineage, rates = self._source.span.section, self._lineage, None
        if self._rejects:
            yield "rejects", columns.rejects(self._rejects, lineage)
        if not self._values:
            return
        values = pa.concat_arrays(self._values)
        numbers = np.concatenate(self._numbers)
        self._values.clear()
        if self._source.large:
            rates, (values, numbers) = numbers, self._in_its_element(values)
        if section == "in_network":
            inline = columns.inline_ids(values)
            if inline is not None:
                yield "inline", columns.written_out(values, numbers, lineage, inline)
            yield FOLDER_OF[section], columns.in_network(values, numbers, lineage, inline, rates)
        elif section == "provider_references":
            table = columns.provider_references(values, numbers, lineage, inline=False)
            yield FOLDER_OF[section], table
        else:
            yield FOLDER_OF[section], columns.allowed_amounts(values, numbers, lineage)

    def _in_its_element(self, values: pa.StructArray) -> tuple[pa.StructArray, Positions]:
        """What is inside of a large element, as one element."""
        element, large = self._source.element, self._source.large
        assert element is not None
        assert large is not None
        shell = columns_of([element], type(element))
        name = SECTIONS[large.section]
        return columns.around(values, name, shell), np.array([large.number])

    def _is_whole(self, path: str) -> bool:
        """Whether a reject is a value of this span, and not a part of one."""
        return bool(path) == (self._source.large is not None)

    def _sum(self, folder: str, table: pa.Table) -> None:
        sums = self._sums
        sums.rows[folder] = table.num_rows
        if folder == "in_network":
            sums.cents += columns.cents(table["negotiated_rate"])
        elif folder == "allowed_amounts":
            sums.allowed_cents += columns.cents(table["allowed_amount"])
        elif folder == "provider_references":
            sums.npis += len(table["npi"].combine_chunks().flatten())

    def _assert_nothing_is_lost(self) -> None:
        span, sums = self._source.span, self._sums
        if not span.values == sums.values == sums.taken + sums.rejected:
            raise GiveUp(
                f"span {span.number} ({span.section}) has {span.values:,} values, and gave"
                f" {sums.taken:,} taken and {sums.rejected:,} rejected: please report this"
            )
