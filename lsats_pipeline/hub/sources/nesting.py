"""How deep the values of a record may be nested: one limit, whatever interpreter decodes them.

Without it the limit is Python's: about 1,000 levels in 3.11, ten times that in 3.13, where
PostgreSQL then refuses the whole load. No source nests deeper than ten levels.
"""

from __future__ import annotations

import re

DEEPEST = 500

_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)


def too_deep(record: bytes) -> bool:
    """Whether a JSON text has more levels of arrays and objects than DEEPEST."""
    # Counting is a hundred times as fast as following the brackets, and decides nearly always.
    if record.count(b"[") + record.count(b"{") <= DEEPEST:
        return False
    return flattened(record) != record


def flattened(document: bytes) -> bytes:
    """The text, as long as it was, with a number for each value that is nested too deep."""
    shallow, depth, begin = bytearray(document), 0, 0
    for bracket in _BRACKET.finditer(document):
        if bracket[0] in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                begin = bracket.start()
        elif bracket[0] in b"]}":
            if depth == DEEPEST + 1:
                shallow[begin : bracket.end()] = b"0".ljust(bracket.end() - begin)
            depth -= 1
    if depth > DEEPEST:  # cut off inside
        shallow[begin:] = b"0".ljust(len(document) - begin)
    return bytes(shallow)
