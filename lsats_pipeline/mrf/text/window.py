"""The part of a stream that is in memory: what was used is dropped, what is needed is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text.scanning import (
    CUT,
    SPACE,
    Outline,
    State,
    ValueEnd,
    scalar_end,
    surrogate_in,
    value_at,
)

# How much of something too large is kept to show what it was.
HEAD = 64 << 10
_UNSURE = 64
_FINE = re.compile(rb"[ \t\r\n]+$")


class Window:
    """Bytes of a document from the cursor on; `at` counts from the beginning of the document."""

    def __init__(self, chunks: Iterator[bytes], at: int = 0) -> None:
        self.data = bytearray()
        self.cursor = 0
        self.ended = False
        self._chunks = chunks
        self._begins = at

    @property
    def at(self) -> int:
        """Where the cursor is in the document."""
        return self._begins + self.cursor

    @property
    def waiting(self) -> int:
        """Bytes in memory from the cursor on."""
        return len(self.data) - self.cursor

    def fill(self, size: int) -> None:
        """Fetch until so many bytes wait, or the document ends."""
        if self.waiting >= size or self.ended:
            return
        del self.data[: self.cursor]
        self._begins += self.cursor
        self.cursor = 0
        while len(self.data) < size and not self.ended:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
            else:
                self.data += chunk

    def take(self, size: int) -> bytes:
        """The next bytes, which must be in memory; the cursor moves behind them."""
        taken = bytes(memoryview(self.data)[self.cursor : self.cursor + size])
        self.cursor += size
        return taken

    def next_byte(self) -> int | None:
        """The next byte that is no space, under the cursor then; None at the end."""
        while True:
            space = SPACE.match(self.data, self.cursor)
            self.cursor = space.end() if space else self.cursor
            if self.waiting:
                return self.data[self.cursor]
            if self.ended:
                return None
            self.fill(1)

    def expect(self, allowed: bytes) -> int:
        """The next byte, which has to be one of these and is left behind."""
        byte = self.next_byte()
        if byte is None:
            raise self.ends_early()
        if byte not in allowed:
            wanted = " or ".join(map(chr, allowed))
            raise self.malformed(f"expected {wanted}, not {self.shown()}")
        self.cursor += 1
        return byte

    def shown(self) -> str:
        """What stands at the cursor, for messages."""
        self.fill(20)
        return repr(bytes(self.data[self.cursor : self.cursor + 20]).decode(errors="replace"))

    def malformed(self, what: str) -> BadFile:
        """The error that the document is no JSON here."""
        return BadFile("malformed", f"no JSON at byte {self.at:,} of the document: {what}", self.at)

    def ends_early(self) -> BadFile:
        """The error that the document is not finished."""
        return BadFile(
            "incomplete", f"the document ends at byte {self.at:,}, before it is closed", self.at
        )

    def look(self) -> ValueEnd:
        """Where the value at the cursor ends.

        A fault in the last bytes may be none: `-` and `1e` go on, but read as bad numbers.
        """
        found = value_at(self.data, self.cursor)
        if found == CUT:
            return self._half_a_pair() or found
        unsure = found.state is State.bad and found.at + _UNSURE > len(self.data)
        return CUT if unsure and not self.ended else found

    def _half_a_pair(self) -> ValueEnd | None:
        """The fault of a value that looks cut off, and is not."""
        at = surrogate_in(self.data, self.cursor, len(self.data))
        if at < 0 or self.data[self.cursor] not in b'{["':
            return None
        try:
            ends = Outline().feed(bytes(self.data[self.cursor :]))
        except ValueError:
            return None
        return ValueEnd(State.bad, at) if ends else None

    def value(self, largest: int) -> bytes | None:
        """The value at the cursor, left behind; None when it is larger, and then nothing moves."""
        size = 4096
        while True:
            self.fill(size)
            found = self.look()
            if found.state is State.whole:
                if found.at - self.cursor > largest:
                    return None
                return _FINE.sub(b"", self.take(found.at - self.cursor))
            if found.state is State.bad:
                raise self.malformed(f"no value, at {self.shown()}")
            if self.ended:
                raise self.ends_early()
            if self.waiting > largest:
                return None
            size = 2 * self.waiting + _UNSURE

    def outlined(self, largest: int) -> int | None:
        """The size of the value at the cursor by its outline alone; None when it is larger."""
        if self._scalar_follows():
            return self._scalar(largest)
        outline, fed = Outline(), 0
        while True:
            end = self._fed(outline, bytes(self.data[self.cursor + fed :]))
            if end is not None:
                return fed + end if fed + end <= largest else None
            fed = self.waiting
            if self.ended:
                raise self.ends_early()
            if fed > largest:
                return None
            self.fill(fed + 1)

    def skip(self) -> tuple[int, bytes]:
        """Leave the value at the cursor behind, however large; its size, and how it begins."""
        if self._scalar_follows():
            size = self._scalar(HEAD)
            return size, self.take(size)
        outline, size, head = Outline(), 0, b""
        while True:
            if self.ended and not self.waiting:
                raise self.ends_early()
            data = bytes(self.data[self.cursor :])
            end = self._fed(outline, data)
            used = len(data) if end is None else end
            head += data[: min(used, HEAD - len(head))]
            size += used
            self.cursor += used
            if end is not None:
                return size, head
            self.fill(1)

    def _scalar_follows(self) -> bool:
        byte = self.next_byte()
        if byte is None:
            raise self.ends_early()
        return byte not in b'{["'

    def _fed(self, outline: Outline, data: bytes) -> int | None:
        try:
            return outline.feed(data)
        except ValueError as error:
            raise self.malformed(f"brackets do not match in the value there ({error})") from None

    def _scalar(self, largest: int) -> int:
        end = scalar_end(self.data, self.cursor)
        while end is None and not self.ended and self.waiting <= largest:
            self.fill(self.waiting + 1)
            end = scalar_end(self.data, self.cursor)
        if end is None or end == self.cursor:
            raise self.malformed(f"expected a value, not {self.shown()}")
        return end - self.cursor


def members(window: Window) -> Iterator[tuple[str, int]]:
    """Each key of the object at the cursor, and where it stands; the cursor is at its value then.

    Who iterates leaves the value behind before asking for the next key.
    """
    window.expect(b"{")
    if window.next_byte() == ord("}"):
        window.cursor += 1
        return
    while True:
        if window.next_byte() != ord('"'):
            raise window.malformed(f"expected a key, not {window.shown()}")
        at = window.at
        key = window.value(HEAD)
        if key is None:
            raise window.malformed(f"a key of more than {HEAD:,} bytes")
        window.expect(b":")
        window.next_byte()
        yield _text(window, key), at
        if window.expect(b",}") == ord("}"):
            return


def _text(window: Window, key: bytes) -> str:
    try:
        return msgspec.json.decode(key, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise window.malformed(f"a key that is no text ({error})") from None
