"""Ingest of one span: its pieces to columns, a part for each table, and a note that it is done.

A span is done when its note is written, and not before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.mrf.rows import columns
from lsats_pipeline.mrf.rows.arrow_reader import columns_of
from lsats_pipeline.mrf.rows.columns import Lineage, Positions
from lsats_pipeline.mrf.rows.decoding import Decoded, DecodedText, Decoder, PieceSource, RowReject
from lsats_pipeline.mrf.rows.parts import write_part
from lsats_pipeline.mrf.rows.tables import FOLDER_OF
from lsats_pipeline.mrf.text.index import SECTIONS, LargeElement, Span
from lsats_pipeline.mrf.workspace import Sums, Workspace, write


class SpanNote(msgspec.Struct, kw_only=True):
    """The note of a span: what it gave, and of which bytes."""

    span: int
    begin: int
    end: int
    crc32: int
    sums: Sums
    pid: int
    seconds: float

    def is_of(self, span: Span) -> bool:
        """Whether it is about the same bytes."""
        return (self.begin, self.end, self.crc32) == (span.begin, span.end, span.crc32)


class SpanIngester:
    """Ingests spans of one file, one after the other."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._decoder = Decoder()

    def decode(
        self, span: Span, large: LargeElement | None, documents: Sequence[bytes | memoryview]
    ) -> SpanResult:
        """Decode the pieces of a span, given as documents; they are not needed any more then."""
        source = PieceSource(span, large)
        gathered = SpanResult(Lineage(self._workspace.file, span.number), source)
        first, loose = span.first, set(span.loose)
        for number, (document, (begin, _, values)) in enumerate(
            zip(documents, span.pieces, strict=True)
        ):
            piece = DecodedText(document, begin, first, strict=number not in loose)
            gathered.add(self._decoder.decode(piece, source))
            first += values
        return gathered


class SpanResult:
    """What the pieces of one span gave, until it is written."""

    def __init__(self, lineage: Lineage, source: PieceSource) -> None:
        self._lineage = lineage
        self._source = source
        self._begun = time.monotonic()
        self._sums = Sums()
        self._values: list[pa.StructArray] = []
        self._numbers: list[Positions] = []
        self._rejects: list[RowReject] = []

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

    def write(self, workspace: Workspace) -> None:
        """Write a part for each table, and then the note."""
        self._assert_nothing_is_lost()
        span = self._source.span
        for folder, table in self._tables():
            if table.num_rows:
                self._sum(folder, table)
                write_part(table, workspace.part(folder, span.number))
        note = SpanNote(
            span=span.number,
            begin=span.begin,
            end=span.end,
            crc32=span.crc32,
            sums=self._sums,
            pid=os.getpid(),
            seconds=time.monotonic() - self._begun,
        )
        write(workspace.note(span.number), note)

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
            raise PermanentError(
                f"span {span.number} ({span.section}) has {span.values:,} values, and gave"
                f" {sums.taken:,} ingested and {sums.rejected:,} rejected: please report this"
            )
