"""A JSON array of any length, cut between its values into proved pieces, in bounded memory.

A cut is guessed and then proved. The guess: whatever stands between the first two values
(`},{"negotiation_arrangement"`) most likely stands between the others. The proof: `[piece]` is
strict JSON, which holds only if it begins and ends between values (domain/mrf.md 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from lsats_pipeline.mrf.text.scanning import (
    BEFORE,
    BEHIND,
    State,
    ValueEnd,
    document_of,
    sequence_in,
    surrogate_in,
)
from lsats_pipeline.mrf.text.window import Window

_BETWEEN = re.compile(rb'[ \t\r\n]*,[ \t\r\n]*\{[ \t\r\n]*"(?:[^"\\]|\\.)*"')
_GUESSES = 4


@dataclass(frozen=True)
class Limits:
    """Bytes: what is proved at once, and the largest value that is held in memory whole."""

    piece: int = 2 << 20
    largest: int = 24 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Values of an array, with what stands between them, as a document of their own.

    `begin` counts from the beginning of the file's document.
    """

    begin: int
    document: bytes
    values: list[msgspec.Raw]

    @property
    def data(self) -> bytes:
        """The values as written."""
        return self.document[len(BEFORE) : -len(BEHIND)]

    @property
    def end(self) -> int:
        """Behind the last byte."""
        return self.begin + len(self.document) - len(BEFORE) - len(BEHIND)

    @property
    def count(self) -> int:
        """Values; a single one that is no strict JSON has an outline only."""
        return len(self.values) or 1


@dataclass(frozen=True, slots=True)
class LargePiece:
    """A value over the limit is at the cursor; whoever gets this leaves it behind."""

    begin: int


def pieces(window: Window, limits: Limits) -> Iterator[Piece | LargePiece]:
    """Cut the array at the cursor; the cursor is behind it in the end."""
    window.expect(b"[")
    if window.next_byte() == ord("]"):
        window.cursor += 1
        return
    cutter = _Cutter(window, limits)
    while True:
        if window.next_byte() is None:
            raise window.ends_early()
        yield cutter.next()
        if window.expect(b",]") == ord("]"):
            return


class _Cutter:
    def __init__(self, window: Window, limits: Limits) -> None:
        self._window = window
        self._limits = limits
        self._separator = b""

    def next(self) -> Piece | LargePiece:
        self._window.fill(self._limits.piece)
        return (self._separator and self._many()) or self._one()

    def _many(self) -> Piece | None:
        """As many values as end before a separator; None when the guesses come to nothing."""
        data, begin = self._window.data, self._window.cursor
        stop = begin + min(self._window.waiting, 2 * self._limits.piece)
        for _ in range(_GUESSES):
            cut = data.rfind(self._separator, begin, stop)
            if cut < 0:
                return None
            # A separator of objects begins with the brace that closes the first.
            cut += len(self._separator) > 1
            document = self._document(cut - begin)
            found = sequence_in(document)
            if isinstance(found, list):
                return self._piece(cut - begin, document, found)
            if found.state is State.whole:
                return self._last(found)
            stop = begin + found.at if found.state is State.bad else self._before(cut)
        return None

    def _before(self, cut: int) -> int:
        """Where to end the next guess, when the last one was cut inside a value."""
        at = surrogate_in(self._window.data, self._window.cursor, cut)
        return cut if at < 0 else at

    def _last(self, found: ValueEnd) -> Piece | None:
        """The array ends before the guess: what is left of it."""
        begin = self._window.cursor
        size = self._window.data.rfind(b"]", begin, begin + found.at) - begin
        document = self._document(size)
        values = sequence_in(document)
        return self._piece(size, document, values) if isinstance(values, list) and values else None

    def _one(self) -> Piece | LargePiece:
        window = self._window
        while True:
            found = window.look()
            # Whether it happens to be in memory already must make no difference.
            if found.state is State.whole and found.at - window.cursor > self._limits.largest:
                return LargePiece(window.at)
            if found.state is State.whole:
                return self._single(found.at)
            if found.state is State.bad:
                return self._tolerated()
            if window.ended:
                raise window.ends_early()
            if window.waiting > self._limits.largest:
                return LargePiece(window.at)
            window.fill(2 * window.waiting + 1)

    def _single(self, behind: int) -> Piece:
        size = behind - self._window.cursor
        document = self._document(size)
        self._learn(self._window.cursor + len(document) - len(BEFORE) - len(BEHIND))
        return self._piece(size, document, [msgspec.Raw(document[len(BEFORE) : -len(BEHIND)])])

    def _learn(self, end: int) -> None:
        data = self._window.data
        if data[self._window.cursor] != ord("{"):
            self._separator = b","
        elif between := _BETWEEN.match(data, end):
            self._separator = bytes(data[end - 1 : between.end()])

    def _tolerated(self) -> Piece | LargePiece:
        """A value that is no strict JSON, by its outline; it is for the decoder to reject it."""
        size = self._window.outlined(self._limits.largest)
        if size is None:
            return LargePiece(self._window.at)
        return self._piece(size, self._document(size), [])

    def _document(self, size: int) -> bytes:
        """What stands at the cursor, without the space behind it."""
        data, begin = self._window.data, self._window.cursor
        end = begin + size
        while end > begin and data[end - 1] in b" \t\r\n":
            end -= 1
        with memoryview(data) as view, view[begin:end] as part:
            return document_of(part)

    def _piece(self, size: int, document: bytes, values: list[msgspec.Raw]) -> Piece:
        begin = self._window.at
        self._window.cursor += size
        return Piece(begin, document, values)
