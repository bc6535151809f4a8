"""Fetched pages on disk until they land.

A spool belongs to one stream. Each frame is length, checksum and a MessagePack body, written before
the next page is asked for; a frame that a crash cut short is dropped when the file is read.
The header says which read the pages belong to: only the same read may go on with them.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import msgspec

from lsats_pipeline.hub.bronze.records import RejectedRecord

_FRAME = struct.Struct("<II")
_SYNC_BYTES = 16 * 2**20
_END = "\x00end"


class Frame(msgspec.Struct, array_like=True):
    """Rows of one page, and the position after it."""

    rows: list[Any]
    position: str | None = None


class SpooledRecord(NamedTuple):
    """A row of a stream's page: a record, or what stands for one that was not read.

    `origin`: JSON of where it stood. `rejected`: why it cannot be used; without an identity it is a
    part of the stream that was missed. `kept`: the identity of a record that is not listed, and
    about which nothing is known.
    """

    payload: bytes | None = None
    origin: str | None = None
    rejected: RejectedRecord | None = None
    kept: str | None = None

    @property
    def identity(self) -> str | None:
        """Of a record that was not read."""
        return self.kept or (RejectedRecord(*self.rejected).external_id if self.rejected else None)


class Spool:
    """Append frames, then read them back. Use as a context manager; `discard` when landed.

    `header` identifies the read. A file with another header, or with frames of another shape, is
    started over.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.position: str | None = None
        self.finished = False
        self._header = header
        self._file: BinaryIO | None = None
        self._unsynced = 0

    def __enter__(self) -> Spool:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        end = self._recover()
        self._file.truncate(end)
        self._file.seek(end)
        if end == 0:
            self._write(msgspec.msgpack.encode(self._header))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, rows: list[Any], position: str | None) -> None:
        """Keep a page."""
        self._write(msgspec.msgpack.encode(Frame(rows, position)))
        self.position = position

    def finish(self) -> None:
        """State that the read is over; what follows is landing."""
        self.append([], _END)
        self.finished = True

    def restart(self) -> None:
        """Forget everything: the read begins again."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._write(msgspec.msgpack.encode(self._header))
        self.position, self.finished = None, False

    def read(self) -> Iterator[Frame]:
        """All pages in the order they came."""
        assert self._file is not None
        self._file.flush()
        decode = msgspec.msgpack.Decoder(Frame).decode
        with self.path.open("rb") as file:
            bodies = _bodies(file)
            next(bodies, None)
            for body in bodies:
                yield decode(body)

    def discard(self) -> None:
        """Remove the file; its pages have landed."""
        self.path.unlink(missing_ok=True)

    def _write(self, body: bytes) -> None:
        assert self._file is not None
        self._file.write(_FRAME.pack(len(body), zlib.crc32(body)))
        self._file.write(body)
        self._file.flush()
        # A killed process loses nothing that it wrote; a power cut may cost the last megabytes,
        # which the checksums notice.
        self._unsynced += len(body)
        if self._unsynced >= _SYNC_BYTES:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def _recover(self) -> int:
        """Length of the part that is whole and belongs to this read; 0 starts over."""
        assert self._file is not None
        bodies = _bodies(self._file)
        if not _same(next(bodies, None), self._header):
            return 0
        end = self._file.tell()
        for body in bodies:
            try:
                self.position = msgspec.msgpack.decode(body, type=Frame).position
            except msgspec.DecodeError:
                self.position = None
                return 0
            end = self._file.tell()
        self.finished = self.position == _END
        return end


def _bodies(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(_FRAME.size)) == _FRAME.size:
        length, checksum = _FRAME.unpack(head)
        body = file.read(length)
        if len(body) < length or zlib.crc32(body) != checksum:
            return
        yield body


def _same(body: bytes | None, header: dict[str, Any]) -> bool:
    if body is None:
        return False
    try:
        return bool(msgspec.msgpack.decode(body) == header)
    except msgspec.DecodeError:
        return False
