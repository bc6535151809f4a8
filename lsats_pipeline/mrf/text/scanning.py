"""Where a JSON value ends, in bytes that may be cut off anywhere.

The strict way asks msgspec, which reads a gigabyte in a second and says where it stopped. The
tolerant way follows strings and brackets alone, so that one bad value does not spoil its
neighbours; it is thirty times slower, and only such values see it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import msgspec

Bytes: TypeAlias = bytes | bytearray | memoryview

_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_SEQUENCE = msgspec.json.Decoder(list[msgspec.Raw])
# Columns are read of a sequence as the one member of a document.
BEFORE, BEHIND = b'{"v":[', b"]}"
_STOPPED = re.compile(r"(trailing characters )?\(byte (\d+)\)$")
SPACE = re.compile(rb"[ \t\r\n]*")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(rb'[\[{]|[\]}]|"')
_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR_END = re.compile(rb"[ \t\r\n,\]}]")
_CLOSES = {ord("{"): ord("}"), ord("["): ord("]")}
# Nobody nests so deep on purpose; it keeps the memory of the tolerant scan small.
_DEEPEST = 100_000


class State(Enum):
    """What was found where a value should be."""

    whole = "whole"  # `at` is just behind it (and the space after it)
    cut = "cut"  # more bytes are needed
    bad = "bad"  # no JSON; the first fault is near `at`


@dataclass(frozen=True, slots=True)
class ValueEnd:
    """Where the reading of a value stopped, and why."""

    state: State
    at: int = 0


def value_at(data: Bytes, begin: int = 0) -> ValueEnd:
    """The end of the value that begins there. One that reaches the end of the data is `cut`.

    A number may go on in the next bytes, so one that looks whole is `cut` too, `at` that end.
    """
    with memoryview(data) as view, view[begin:] as rest:
        try:
            _ANYTHING.decode(rest)
        except (msgspec.DecodeError, RecursionError) as error:
            return _stopped(error, begin)
    return ValueEnd(State.cut, len(data))


def document_of(data: Bytes) -> bytes:
    """`a,b,c` as a document."""
    with memoryview(data) as view:
        return b"".join((BEFORE, view, BEHIND))


def sequence_of(data: Bytes) -> list[msgspec.Raw] | ValueEnd:
    """The values of `a,b,c`, or why it is no such thing."""
    return sequence_in(document_of(data))


def sequence_in(document: bytes) -> list[msgspec.Raw] | ValueEnd:
    """The values of `a,b,c`, given as a document; or, where it is no such thing, why.

    `whole` says that a `]` closed the sequence, and where the next thing stands after it.
    """
    try:
        return _SEQUENCE.decode(memoryview(document)[len(BEFORE) - 1 : -len(BEHIND) + 1])
    except (msgspec.DecodeError, RecursionError) as error:
        return _stopped(error, -1)


def _stopped(error: Exception, begin: int) -> ValueEnd:
    message = str(error)
    if message == "Input data was truncated":
        return CUT
    stopped = _STOPPED.search(message)
    if stopped is None:  # nested deeper than msgspec goes
        return ValueEnd(State.bad, max(begin, 0))
    if stopped[1]:
        return ValueEnd(State.whole, begin + int(stopped[2]) - 1)
    return ValueEnd(State.bad, begin + int(stopped[2]))


CUT = ValueEnd(State.cut)


def surrogate_in(data: Bytes, begin: int, end: int) -> int:
    """Where the first escaped surrogate stands; -1 when there is none.

    Of half a pair msgspec says that the data was truncated (0.22).
    """
    with memoryview(data) as view, view[begin:end] as part:
        found = _SURROGATE.search(part)
        return begin + found.start() if found else -1


class Outline:
    """Follows the strings and brackets of one value through bytes that come in pieces.

    `feed` returns where the value ends in the piece, or None when it goes on; ValueError when
    brackets do not match, for then nobody can say where the value ends.
    """

    def __init__(self) -> None:
        self._open: list[int] = []
        self._in_string = False
        self._escaped = False
        self._begun = False

    def feed(self, data: Bytes) -> int | None:
        """Go on with the next bytes."""
        at = 0
        if not self._begun:
            self._begun = True
            if data[:1] not in (b"{", b"[", b'"'):
                raise ValueError("no object, array or string")
        while at < len(data):
            at = self._through_string(data, at) if self._in_string else self._to_token(data, at)
            if not self._in_string and not self._open and at:
                return at
        return None

    def _to_token(self, data: Bytes, at: int) -> int:
        found = _TOKEN.search(data, at)
        if found is None:
            return len(data)
        byte = data[found.start()]
        if byte == ord('"'):
            self._in_string = True
        elif byte in _CLOSES:
            self._open.append(_CLOSES[byte])
            if len(self._open) > _DEEPEST:
                raise ValueError(f"nested deeper than {_DEEPEST:,} levels")
        elif not self._open or self._open.pop() != byte:
            raise ValueError(f"a {chr(byte)} that closes nothing")
        return found.end()

    def _through_string(self, data: Bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            at += 1
        found = _STRING_END.match(data, at)
        if found:
            self._in_string = False
            return found.end()
        tail = bytes(data[at:])
        self._escaped = (len(tail) - len(tail.rstrip(b"\\"))) % 2 == 1
        return len(data)


def scalar_end(data: Bytes, begin: int) -> int | None:
    """Where something that is no string, object or array ends; None when it goes on."""
    found = _SCALAR_END.search(data, begin)
    return found.start() if found else None
