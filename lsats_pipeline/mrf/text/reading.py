"""The bytes of a price file, read once from beginning to end, and proved whole on the way.

Only this pass proves a file: readers with an index, and lenient ones, end without an error on
truncated or altered files (domain/mrf.md 6.1).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import BinaryIO

from isal import igzip_lib

from lsats_pipeline.core.errors import BadFile, ConfigurationError

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
_READ, _CHUNK = 256 << 10, 1 << 20
# Chunks that wait to be used, and seconds to look whether a thread has ended.
_AHEAD, _PAUSE = 4, 0.01
# Below this much text no ratio is suspicious: small files of one repeated line compress very well.
_RATIO_FROM = 32 << 20
# Deflate cannot do better than 1,032; real price files have 7 to 30.
MAX_RATIO = 400

Watcher = Callable[[int, int], None]
"""Called with bytes of the file done and their total."""


@dataclass
class Reading:
    """One pass over a file; the counts are final when `chunks` is exhausted."""

    path: Path
    max_ratio: int = MAX_RATIO
    watch: Watcher | None = None
    compressed: int = 0
    text: int = 0
    members: int = 0
    zeros_after: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def chunks(self) -> Iterator[bytes]:
        """The text in pieces of at most a megabyte; BadFile names what is wrong and where."""
        total = size_of(self.path)
        if total == 0:
            raise BadFile("empty", f"{self.path}: the file is empty", 0)
        with self.path.open("rb") as file:
            for chunk in self._text(file, total):
                self.text += len(chunk)
                self._watch_ratio()
                yield chunk
        if self.compressed != total:
            raise BadFile("changed", f"{self.path}: the file changed its length while it was read")
        if self.text == 0:
            raise BadFile("empty", f"{self.path}: there is nothing inside the gzip", 0)

    @property
    def sha256(self) -> str:
        """Of the file as it is written, as far as it has been read."""
        return self._hash.hexdigest()

    def _text(self, file: BinaryIO, total: int) -> Iterator[bytes]:
        first = self._read(file, total)
        if first.startswith(ZIP):
            raise BadFile("zip", f"{self.path} is a zip archive: `lsats mrf fetch` unpacks it")
        if not first.startswith(GZIP):
            yield from self._plain(file, first, total)
            return
        rest = first
        while rest.startswith(GZIP):
            rest = yield from self._member(file, rest, total)
            if len(rest) < len(GZIP):
                rest += self._read(file, total)
        self._nothing_after(file, rest, total)

    def _plain(self, file: BinaryIO, first: bytes, total: int) -> Iterator[bytes]:
        while first:
            yield first
            first = self._read(file, total)

    def _member(self, file: BinaryIO, waiting: bytes, total: int) -> Generator[bytes, None, bytes]:
        """The text of one gzip member, its CRC and length checked; returns the bytes after it."""
        inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        begins = self.compressed - len(waiting)
        while not inflate.eof:
            if inflate.needs_input and not waiting:
                waiting = self._read(file, total)
                if not waiting:
                    raise self._truncated(begins)
            yield self._inflated(inflate, waiting, begins)
            waiting = b""
        self.members += 1
        unused: bytes = inflate.unused_data
        return unused

    def _inflated(self, inflate: igzip_lib.IgzipDecompressor, data: bytes, begins: int) -> bytes:
        try:
            return inflate.decompress(data, _CHUNK)
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # typed as a plain class
            raise BadFile(
                "corrupt",
                f"{self.path}: the gzip member that begins at byte {begins:,} is damaged before"
                f" byte {self.compressed:,} ({error}): fetch the file again",
                self.compressed,
            ) from None

    def _truncated(self, begins: int) -> BadFile:
        return BadFile(
            "truncated",
            f"{self.path}: the file ends at byte {self.compressed:,}, inside the gzip member that"
            f" begins at byte {begins:,}: fetch it again",
            self.compressed,
        )

    def _nothing_after(self, file: BinaryIO, rest: bytes, total: int) -> None:
        """Zeros may pad a file (tape blocks); anything else after the last member may not."""
        begins = self.compressed - len(rest)
        while rest:
            if rest.strip(b"\0"):
                raise BadFile(
                    "trailing_garbage",
                    f"{self.path}: {total - begins:,} bytes after the end of the gzip, from byte"
                    f" {begins:,}, are no gzip: fetch the file again, or cut it there",
                    begins,
                )
            self.zeros_after += len(rest)
            rest = self._read(file, total)

    def _read(self, file: BinaryIO, total: int) -> bytes:
        data = file.read(_READ)
        self.compressed += len(data)
        self._hash.update(data)
        if self.watch and data:
            self.watch(min(self.compressed, total), total)
        return data

    def _watch_ratio(self) -> None:
        if self.text > max(_RATIO_FROM, self.compressed * self.max_ratio):
            raise BadFile(
                "bomb",
                f"{self.path}: {self.compressed:,} bytes have grown to more than {self.text:,};"
                f" over {self.max_ratio} times is no price file (--max-ratio allows more)",
                self.compressed,
            )


def ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, inflated by a thread while those before are used; its errors are raised."""
    waiting: Queue[bytes | BaseException | None] = Queue(_AHEAD)
    stopped = threading.Event()

    def inflate() -> None:
        last: BaseException | None = None
        try:
            for chunk in chunks:
                waiting.put(chunk)
                if stopped.is_set():
                    return
        except BaseException as error:  # whatever it is, it is raised where chunks are used
            last = error
        waiting.put(last)

    thread = threading.Thread(target=inflate, daemon=True)
    thread.start()
    try:
        while isinstance(chunk := waiting.get(), bytes):
            yield chunk
    finally:
        stopped.set()
        while thread.is_alive():
            with suppress(Empty):  # room for the last one that it puts
                waiting.get(timeout=_PAUSE)
    if chunk is not None:
        raise chunk


def size_of(path: Path) -> int:
    """Bytes of a file that can be read; ConfigurationError when there is none."""
    if str(path).partition(":")[0] in ("http", "https", "ftp", "sftp"):
        raise ConfigurationError(f"{path} is an address: `lsats mrf fetch` brings a file here")
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}")
    try:
        with path.open("rb"):
            return path.stat().st_size
    except PermissionError:
        raise ConfigurationError(
            f"the file {path} may not be read: change its permissions"
        ) from None


def sha256_of(path: Path) -> str:
    """The hash of a file as it is written."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
