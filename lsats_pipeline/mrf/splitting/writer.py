"""One part while it grows: header, references, elements, one gzip member.

References come before the elements, as readers expect, and are known only after them. So the
elements are compressed to a file aside; in the end the references are compressed before them, and
the checksum of both is put together (a CRC is linear: it needs only so many zeros).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from lsats_pipeline.mrf.splitting.references import Mask, ReferenceLists
from lsats_pipeline.mrf.splitting.units import Digest, Unit

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time: same bytes again
_COPIED = 1 << 20
_ZEROS = bytes(_COPIED)


class Deflated:
    """Text on its way into a file, without the frame of gzip around it."""

    def __init__(self, file: BinaryIO, level: int) -> None:
        self.text = 0
        self.crc = 0
        self._file = file
        self._deflate = isal_zlib.compressobj(level, wbits=-15)

    def write(self, text: Unit) -> None:
        """More text."""
        self.crc = isal_zlib.crc32(text, self.crc)
        self.text += len(text)
        self._file.write(self._deflate.compress(text))

    def end(self, *, last: bool) -> None:
        """No more; unless `last`, another stream can follow."""
        mode = isal_zlib.Z_FINISH if last else isal_zlib.Z_SYNC_FLUSH
        self._file.write(self._deflate.flush(mode))


def joined_crc(first: int, second: int, size: int) -> int:
    """The CRC of two texts one after the other; `size` is that of the second."""
    shifted, nothing = first, 0
    for begin in range(0, size, _COPIED):
        zeros = memoryview(_ZEROS)[: min(_COPIED, size - begin)]
        shifted = isal_zlib.crc32(zeros, shifted)
        nothing = isal_zlib.crc32(zeros, nothing)
    return shifted ^ nothing ^ second


@dataclass(frozen=True)
class WrittenPart:
    """A part on disk, under its temporary name."""

    group: str
    sequence: int
    section: str
    path: Path
    text: int
    compressed: int
    sha256: str
    elements: int
    references: int
    digest: str
    units: int
    mask: Path

    def used(self, references: ReferenceLists) -> Mask:
        """Which references it has."""
        found = np.frombuffer(self.mask.read_bytes(), np.bool_)
        return found if len(found) else references.none()


class PartWriter:
    """Elements of one group and array, until the part is full."""

    def __init__(
        self, folder: Path, group: str, sequence: int, section: str, used: Mask, level: int
    ) -> None:
        self.group, self.sequence, self.section = group, sequence, section
        self.used = used
        self.elements = 0
        self.digest = Digest()
        self._level = level
        digest = hashlib.blake2b(f"{section} {group}".encode(), digest_size=8).hexdigest()
        self._name = folder / f"{digest}-{sequence:05}"
        self._file = self._name.with_suffix(".body").open("wb")
        self._body = Deflated(self._file, level)
        self._body.write(f'"{section}":['.encode())

    @property
    def text(self) -> int:
        """Bytes so far."""
        return self._body.text

    def element(self, chunks: Iterable[Unit]) -> None:
        """One more element, in pieces of any size."""
        if self.elements:
            self._body.write(b",")
        for chunk in chunks:
            self._body.write(chunk)
        self.elements += 1

    def elements_of(self, values: Sequence[Unit]) -> None:
        """Some more."""
        self.element((b",".join(values),))
        self.elements += len(values) - 1

    def write(self, text: bytes) -> None:
        """Text of an element that is written by and by; `element(())` began it."""
        self._body.write(text)

    def finish(self, header: bytes, references: ReferenceLists) -> WrittenPart:
        """Put the part together; `header` are the members before the arrays."""
        self._body.write(b"]}")
        self._body.end(last=True)
        self._file.close()
        path, hashed = self._name.with_suffix(".json.gz"), hashlib.sha256()
        with path.open("w+b") as file:
            file.write(_GZIP_HEADER)
            front = Deflated(file, self._level)
            for text in _front(header, self.section, self.used, references):
                front.write(text)
            front.end(last=False)
            _append(file, self._name.with_suffix(".body"))
            crc = joined_crc(front.crc, self._body.crc, self._body.text)
            text_size = front.text + self._body.text
            file.write(struct.pack("<II", crc, text_size % (1 << 32)))
            file.flush()
            file.seek(0)
            while data := file.read(_COPIED):
                hashed.update(data)
        mask = self._name.with_suffix(".mask")
        mask.write_bytes(self.used.tobytes())
        return WrittenPart(
            self.group, self.sequence, self.section, path, text_size, path.stat().st_size,
            hashed.hexdigest(), self.elements, int(self.used.sum()), str(self.digest),
            self.digest.count, mask,
        )  # fmt: skip


@dataclass
class Counter:
    """A part of which only the size is of interest."""

    group: str
    sequence: int
    section: str
    used: Mask
    elements: int = 0
    text: int = 0
    digest: Digest = field(default_factory=Digest)

    def element(self, chunks: Iterable[Unit]) -> None:
        """One more element."""
        self.elements += 1
        self.text += 1 + sum(len(memoryview(chunk)) for chunk in chunks)

    def elements_of(self, values: Sequence[Unit]) -> None:
        """Some more."""
        self.element(values)
        self.elements += len(values) - 1
        self.text += len(values) - 1

    def write(self, text: bytes) -> None:
        """More of it."""
        self.text += len(text)


@dataclass(frozen=True)
class Counted:
    """How large a part would be."""

    group: str
    sequence: int
    section: str
    elements: int
    text: int


def _front(header: bytes, section: str, used: Mask, references: ReferenceLists) -> Iterator[bytes]:
    yield b"{" + header
    if section != "in_network" or not used.any():
        return
    yield b'"provider_references":['
    first, waiting, size = True, [], 0
    for text in references.texts(used):
        waiting.append(text)
        size += len(text)
        if size > _COPIED:
            yield (b"" if first else b",") + b",".join(waiting)
            first, waiting, size = False, [], 0
    if waiting:
        yield (b"" if first else b",") + b",".join(waiting)
    yield b"],"


def _append(file: BinaryIO, body: Path) -> None:
    with body.open("rb") as source:
        while data := source.read(_COPIED):
            file.write(data)
    body.unlink()
