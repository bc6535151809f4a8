"""Network addresses as people and programs write them.

The twin of `silver.written_macs` and `silver.mac` (hub/silver/functions.sql), which have the rules
in words: bronze makes an identity of them as it reads. A test holds the two together.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

# None at all, everybody, and those that software or a chip has in every machine.
OF_MANY = frozenset(
    "000000000000 FFFFFFFFFFFF 02004C4F4F50 204153594EFF 505054503030 33506F453030 00059A3C7800"
    " 00059A3C7A00 005056C00001 005056C00008 0A0027000000 001C42000008 001C42000009"
    " ACDE48001122".upper().split()
)
_CAPITALS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyz\u00a0\u200b\ufeff\u2010\u2011\u2012\u2013\u2014\u2212",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ   ------",
)
_BETWEEN = re.compile(r"[,;|/&+\n\r]|(?<![0-9A-Z])AND(?![0-9A-Z])")
_BLANKS = re.compile(r"[-:.\s]", re.ASCII)
# What is too long for an address comes first, and is no group.
_ADDRESS = re.compile(
    r"(?<![0-9A-Z])(?:"
    r"[0-9A-F]{1,4}(?::[0-9A-F]{0,4}){6,}|[0-9A-F]{2}(?:-[0-9A-F]{2}){6,}"
    r"|[0-9A-F]{2}(?: [0-9A-F]{2}){6,}|[0-9A-F]{4}(?:[.:-][0-9A-F]{4}){3,}"
    r"|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    r"|((?:0X)?[0-9A-F]{12}|[0-9A-F]{6}[.:-][0-9A-F]{6}"
    r"|[0-9A-F]{4}(?:(?:[.][0-9A-F]{4}){2}|(?::[0-9A-F]{4}){2}|(?:-[0-9A-F]{4}){2})"
    r"|[0-9A-F]{2}(?:(?:-[0-9A-F]{2}){5}|(?:[.][0-9A-F]{2}){5}|(?: [0-9A-F]{2}){5})"
    r"|[0-9A-F]{1,2}(?::[0-9A-F]{1,2}){5})"
    r")(?![0-9A-Z])"
)
_SHORT = re.compile(r"(^|:)([0-9A-F])(?=:|$)")
_WHOLE = re.compile(r"(?:[0-9A-F]{12})+")
_NUMBER = re.compile(r"\s*([0-9]{10,11})(?:[.]0+)?\s*", re.ASCII)


def written_macs(listed: Any) -> list[str]:
    """Every network address in a text, as 12 capital digits, in their order."""
    pieces = _BETWEEN.split("" if listed is None else str(listed).translate(_CAPITALS))
    return list(chain.from_iterable(map(_in_piece, pieces)))


def canonical_mac(written: Any) -> str | None:
    """The address of a card, be it one that many have; None for anything else."""
    found = written_macs(written)
    return next((mac for mac in found if mac not in OF_MANY), next(iter(found), None))


def _in_piece(piece: str) -> list[str]:
    strict = [match[1] for match in _ADDRESS.finditer(piece) if match[1]]
    if strict:
        padded = (_SHORT.sub(r"\g<1>0\2", address) for address in strict)
        return [re.sub("[^0-9A-F]", "", address)[-12:] for address in padded]
    if number := _NUMBER.fullmatch(piece):
        return [number[1].zfill(12)]
    digits = _BLANKS.sub("", piece)
    if _WHOLE.fullmatch(digits) and (len(digits) == 12 or re.search(r"\s", piece, re.ASCII)):
        return [digits[n : n + 12] for n in range(0, len(digits), 12)]
    return []
