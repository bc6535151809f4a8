"""Where in a piece the invalid values may be: those that typed structures refuse, else anywhere."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from itertools import pairwise
from operator import itemgetter

import msgspec
from msgspec import Struct

# Whatever msgspec raises of a value that is not as it should be.
FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_COMMA = re.compile(rb"[ \t\r\n,]*")
# In how many parts a piece is cut of which nothing more is known.
_PARTS = 8
# Of a fault msgspec gives the number of the value, or the byte. Where there are more, all is cut.
_WHICH, _MANY = re.compile(r"`\$\[(\d+)\]|\(byte (\d+)\)$"), 64


def parted(data: bytes, kind: type[Struct]) -> list[tuple[int, int, int]]:
    """Values of a kind cut around those that are refused, else in parts of about equal numbers.

    Begin and end of each part, and how many values are before it. Nothing when there is one only.
    """
    places = _places(data)
    if len(places) < 2:
        return []
    refused = _refused(data, places, kind)
    size = -(-len(places) // _PARTS)
    firsts = sorted({0, *refused, *(n + 1 for n in refused)} if refused
                    else range(0, len(places), size))  # fmt: skip
    return [
        (places[first][0], places[behind - 1][1], first)
        for first, behind in pairwise((*firsts, len(places)))
        if first < behind
    ]


def _places(data: bytes) -> list[tuple[int, int]]:
    """Where each value of `a,b,c` begins and ends."""
    places, end = [], 0
    for value in msgspec.json.decode(b"".join((b"[", data, b"]")), type=list[msgspec.Raw]):
        begin = after_comma(data, end)
        end = begin + memoryview(value).nbytes
        places.append((begin, end))
    return places


def _refused(data: bytes, places: list[tuple[int, int]], kind: type[Struct]) -> list[int]:
    """The numbers of values that do not fit, as far as typed structures say where they are."""
    found: list[int] = []
    first = 0
    while first < len(places) and len(found) < _MANY:
        begin = places[first][0]
        try:
            decoder(kind).decode(b"".join((b"[", memoryview(data)[begin:], b"]")))
        except FAULTS as error:
            if not (place := _WHICH.search(str(error))):
                return found
            if place[1]:
                first += int(place[1])
            else:
                at = begin - 1 + int(place[2])
                first = max(first, bisect_right(places, at, key=itemgetter(0)) - 1)
            found.append(first)
            first += 1
        else:
            return found
    return found


def after_comma(data: bytes, at: int) -> int:
    """Where the next value of `a,b,c` begins."""
    space = _COMMA.match(data, at)
    return space.end() if space else at


@cache
def decoder(kind: type[Struct]) -> msgspec.json.Decoder[list[Struct]]:
    """Decodes `[a,b,c]` of one kind."""
    return msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
