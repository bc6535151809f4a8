"""Where in a file reading can begin, so that its text can be had from any place on.

seek.gzi   places in a gzip file and the 32 kB of text before each (the format of indexed_gzip)
seek.json  of which file they are, and the CRC32 of every block of its text

Readers with an index end without an error on damaged files (domain/mrf.md 6.1). So one is made
only of a file that was proved whole, by a pass that proves it again; it is of use only for the file
with that hash and size; and no block of text is given that has not the CRC of that pass.

indexed_gzip finds the places. Inflating is done by ISA-L from there, at twice the speed, and
with only one window in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
from isal import igzip_lib
from isal.isal_zlib import crc32

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text.reading import GZIP, Reading

POINTS, BINDING = "seek.gzi", "seek.json"
LAYOUT = 1
BLOCK = 1 << 20
# Text between two places: little enough to skip in a few milliseconds, and never so many places
# that their windows (32 kB each, all in memory while they are sought) take more than 256 MB.
SPACING, _MOST_POINTS = 8 << 20, 8192
_READ, _WINDOW = 256 << 10, 32 << 10
_HEAD = np.dtype({
    "names": ["magic", "version", "flags", "file", "text", "spacing", "window", "points"],
    "formats": ["S5", "u1", "u1", "<u8", "<u8", "<u4", "<u4", "<u4"],
})  # fmt: skip
_POINT = np.dtype([("file", "<u8"), ("text", "<u8"), ("bits", "u1"), ("window", "u1")])

SeekProgress = Callable[[str, int, int], None]


class Unfit(Exception):
    """An index that does not lead to the text of its file."""


class SeekIndex(msgspec.Struct, kw_only=True):
    """What is in `seek.json`; `check` is the CRC32 of all the rest."""

    layout: int
    sha256: str
    size: int
    text: int
    block: int
    crcs: list[int]
    check: int = 0

    def sum(self) -> int:
        """What `check` has to be."""
        rest = msgspec.structs.replace(self, check=0)
        return crc32(msgspec.json.encode(rest))


def build(
    path: Path,
    sha256: str,
    folder: Path,
    progress: SeekProgress | None = None,
    *,
    spacing: int = SPACING,
    block: int = BLOCK,
) -> SeekIndex:
    """Make the seek index of a file with this hash, in a folder.

    One at a time in a folder. BadFile when the file is damaged or has become another one.
    `progress` is called with the stage, and bytes done and in all.
    """
    index = _proved(path, sha256, block, progress)
    binding, points = folder / BINDING, folder / POINTS
    for left in (binding, *folder.glob("seek.*.tmp")):  # of a run that died
        left.unlink(missing_ok=True)
    if _is_gzip(path):
        temporary = _temporary(points)
        _seek_points(path, index.text, spacing, temporary, progress)
        temporary.rename(points)
    temporary = _temporary(binding)
    temporary.write_bytes(msgspec.json.encode(index))
    temporary.rename(binding)
    return index


def move(folder: Path, to: Path) -> None:
    """Take the seek index of a folder along, if there is one."""
    for name in (POINTS, BINDING):
        with suppress(FileNotFoundError):
            (folder / name).rename(to / name)


def load(path: Path, sha256: str, folder: Path) -> SeekPoints | None:
    """The places of a file with this hash; None when there is no index. Unfit: one of no use."""
    try:
        index = msgspec.json.decode((folder / BINDING).read_bytes(), type=SeekIndex)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise Unfit(f"{BINDING} cannot be read ({error})") from None
    if index.layout != LAYOUT or index.check != index.sum():
        raise Unfit(f"{BINDING} is not as it was written")
    if (index.sha256, index.size) != (sha256, path.stat().st_size):
        raise Unfit("it is that of another file")
    return SeekPoints(path, index, folder / POINTS if _is_gzip(path) else None)


class SeekPoints:
    """Gives the text of a file from any block on."""

    def __init__(self, path: Path, index: SeekIndex, points: Path | None) -> None:
        self.index = index
        self._path = path
        self._gzip = _Points(points, index) if points else None

    def blocks(self, first: int) -> Iterator[bytes]:
        """The blocks of text from one on, each proved; Unfit when one is not what it was."""
        size, rest = self.index.block, b""
        chunks = self._chunks(first * size)
        for number in range(first, len(self.index.crcs)):
            wanted, parts, length = min(size, self.index.text - number * size), [rest], len(rest)
            while length < wanted and (chunk := next(chunks, b"")):
                parts.append(chunk)
                length += len(chunk)
            rest = parts[-1][len(parts[-1]) - max(0, length - wanted) :]
            block = b"".join(parts)[:wanted]
            if len(block) < wanted or not self.proves(number, block):
                raise Unfit(f"what it leads to is not the text at byte {number * size:,}")
            yield block

    def proves(self, number: int, block: bytes) -> bool:
        """Whether a block is what it was."""
        return crc32(block) == self.index.crcs[number]

    def is_near(self, at: int, wanted: int) -> bool:
        """Whether going on from one block to another is as good as beginning anew."""
        size = self.index.block
        if not 0 <= at <= wanted:
            return False
        return at == wanted or (
            self._gzip is not None
            and self._gzip.before(at * size) == self._gzip.before(wanted * size)
        )

    def _chunks(self, begin: int) -> Iterator[bytes]:
        if self._gzip:
            return self._gzip.chunks(self._path, begin)
        return _plain(self._path, begin)


class _Points:
    """Places in a gzip file; of their windows one at a time is read."""

    def __init__(self, path: Path, index: SeekIndex) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                (head,) = np.fromfile(file, _HEAD, 1)
                self._points = np.fromfile(file, _POINT, int(head["points"]))
                self._windows = file.tell()
        except (OSError, ValueError) as error:
            raise Unfit(f"{POINTS} cannot be read ({error})") from None
        points = self._points
        self._before = np.cumsum(points["window"]) - points["window"]
        size = self._windows + int(points["window"].sum()) * _WINDOW
        header = head["magic"], int(head["file"]), int(head["text"]), int(head["window"])
        if (
            header != (b"GZIDX", index.size, index.text, _WINDOW)
            or len(points) != head["points"]
            or path.stat().st_size != size
            or not (points["text"][1:] >= points["text"][:-1]).all()
            or not (points["text"] <= index.text).all()
            or not ((points["file"] <= index.size) & (points["bits"] < 8)).all()
        ):
            raise Unfit(f"{POINTS} is not as it was written")

    def before(self, begin: int) -> int:
        """The last place that is not behind a byte of the text."""
        return max(0, int(np.searchsorted(self._points["text"], begin, "right")) - 1)

    def chunks(self, path: Path, begin: int) -> Iterator[bytes]:
        """The text from a byte on."""
        with path.open("rb") as file:
            for number in range(self.before(begin), len(self._points) - 1):
                skip = max(0, begin - int(self._points["text"][number]))
                for chunk in self._between(file.fileno(), number):
                    if skip < len(chunk):
                        yield chunk[skip:] if skip else chunk
                    skip = max(0, skip - len(chunk))

    def _between(self, file: int, number: int) -> Iterator[bytes]:
        """The text from one place to the next."""
        place, behind = self._points[number], self._points[number + 1]
        at, bits = int(place["file"]), int(place["bits"])
        left = int(behind["text"]) - int(place["text"])
        inflate = igzip_lib.IgzipDecompressor(
            flag=igzip_lib.DECOMP_DEFLATE, hist_bits=15, zdict=self._window(number)
        )
        waiting = _aligned(os.pread(file, 1, at - 1)[0], bits) if bits and left else b""
        while left:
            if inflate.needs_input:
                read = os.pread(file, _READ, at)
                at, waiting = at + len(read), waiting + read
            try:
                chunk: bytes = inflate.decompress(waiting, min(BLOCK, left))
            except igzip_lib.IsalError as error:  # type: ignore[misc]  # typed as a plain class
                raise Unfit(f"place {number} leads to no deflate stream ({error})") from None
            if not chunk and (inflate.eof or not waiting):
                raise Unfit(f"the text after place {number} is too short")
            waiting, left = b"", left - len(chunk)
            yield chunk

    def _window(self, number: int) -> bytes:
        if not self._points["window"][number]:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._windows + int(self._before[number]) * _WINDOW)
            return file.read(_WINDOW)


def _aligned(byte: int, bits: int) -> bytes:
    """A deflate stream that gives no text and ends where the last `bits` of a byte begin.

    Blocks begin anywhere in a byte, and ISA-L begins with whole ones. What comes later keeps its
    place in the bytes, on which stored blocks depend. The rest of the byte is put behind it.
    """
    stream, length = 0, 0
    if bits % 2:
        stream, length = _ODD, _ODD_BITS
    while (length + bits) % 8:
        stream |= _EVEN << length
        length += _EVEN_BITS
    stream |= (byte >> (8 - bits)) << length
    return stream.to_bytes((length + bits) // 8, "little")


def _bits(*fields: tuple[int, int]) -> tuple[int, int]:
    """Numbers of so many bits each, one behind the other, the lowest first (RFC 1951, 3.1.1)."""
    stream = length = 0
    for value, bits in fields:
        stream |= value << length
        length += bits
    return stream, length


# A block with fixed codes and nothing but its end: 10 bits (RFC 1951, 3.2.6).
_EVEN, _EVEN_BITS = _bits((0, 1), (1, 2), (0, 7))
# One with codes of its own, for it has 91 bits: codes of one bit for the symbol 0, the end, and a
# distance. In it 18 repeats zeros, 1 is a length of one (3.2.7; these two have lengths themselves).
_ODD, _ODD_BITS = _bits(
    (0, 1), (2, 2), (0, 5), (0, 5), (14, 4),
    *((int(symbol in (1, 18)), 3)
      for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)),
    (0, 1), (1, 1), (138 - 11, 7), (1, 1), (117 - 11, 7), (0, 1), (0, 1), (1, 1),
)  # fmt: skip


def _plain(path: Path, begin: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        while data := file.read(_READ):
            yield data


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _proved(path: Path, sha256: str, block: int, progress: SeekProgress | None) -> SeekIndex:
    """The sums of all blocks, of a file that has this hash and is whole."""
    watch = (lambda done, total: progress("proof", done, total)) if progress else None
    reading = Reading(path, 1100, watch)
    crcs: list[int] = []
    crc = size = 0
    for chunk in reading.chunks():
        with memoryview(chunk) as view:
            at = 0
            while at < len(view):
                part = view[at : at + block - size]
                crc, size, at = crc32(part, crc), size + len(part), at + len(part)
                if size == block:
                    crcs.append(crc)
                    crc = size = 0
    if size:
        crcs.append(crc)
    if reading.sha256 != sha256:
        raise BadFile(
            "changed", f"{path} is not the file that was ingested: ingest it with `lsats mrf run`"
        )
    index = SeekIndex(
        layout=LAYOUT, sha256=sha256, size=reading.compressed, text=reading.text, block=block,
        crcs=crcs,
    )  # fmt: skip
    return msgspec.structs.replace(index, check=index.sum())


def _seek_points(
    path: Path, text: int, spacing: int, to: Path, progress: SeekProgress | None
) -> None:
    from indexed_gzip import IndexedGzipFile  # only here: to open a file needs it not

    spacing = max(spacing, text // _MOST_POINTS)
    with IndexedGzipFile(
        str(path), spacing=spacing, window_size=_WINDOW, readbuf_size=_READ
    ) as file:
        for at in range(0, text, 8 * spacing):
            file.seek(at)
            if progress:
                progress("seek index", at, text)
        file.build_full_index()
        file.export_index(str(to))


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")
