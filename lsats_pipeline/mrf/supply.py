"""The text of spans that an index lists, read again from the beginning of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from isal.isal_zlib import crc32

from lsats_pipeline.errors import BadFile
from lsats_pipeline.mrf.index import Span
from lsats_pipeline.mrf.reading import Reading
from lsats_pipeline.mrf.scanning import document_of


def texts_of(
    path: Path, spans: Sequence[Span], max_ratio: int
) -> Iterator[tuple[Span, list[bytes]]]:
    """Each span, in order of the file, and its pieces as documents; BadFile if they changed."""
    cursor = _Cursor(Reading(path, max_ratio).chunks())
    for span in spans:
        check, documents = 0, []
        for begin, end, _ in span.pieces:
            data = cursor.read(begin, end)
            check = crc32(data, check)
            documents.append(document_of(data))
        if check != span.crc32:
            raise BadFile(
                "changed",
                f"{path}: bytes {span.begin:,} to {span.end:,} of the document are not what they"
                " were when the file was indexed: run it again from the beginning",
                span.begin,
            )
        yield span, documents


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
