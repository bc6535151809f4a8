"""The part of BER that LDAP needs (RFC 4511 5.1): definite lengths, one-byte tags.

Written out because the codec decides how fast a directory can answer: a search entry is built from
joined bytes, without an object per element.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import BinaryIO

INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x02, 0x04, 0x0A, 0x30, 0x31
LARGEST_MESSAGE = 10_000_000


class BadMessage(Exception):
    """Bytes that are no LDAP message."""


@lru_cache(maxsize=8192)
def head(tag: int, length: int) -> bytes:
    """Tag and length of an element."""
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


def element(tag: int, *content: bytes) -> bytes:
    """An element with this content."""
    body = b"".join(content)
    return head(tag, len(body)) + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A whole number (or an enumerated one)."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets_set(values: Iterable[bytes]) -> bytes:
    """A SET OF OCTET STRING: the values of an attribute."""
    return element(SET, *[head(OCTETS, len(value)) + value for value in values])


def parts(content: bytes) -> list[tuple[int, bytes]]:
    """The elements inside a constructed one, as (tag, content)."""
    found, at = [], 0
    while at < len(content):
        tag, start, end = _bounds(content, at)
        found.append((tag, content[start:end]))
        at = end
    return found


def number(content: bytes) -> int:
    """The value of an INTEGER or ENUMERATED."""
    return int.from_bytes(content, "big", signed=True)


def read_message(stream: BinaryIO) -> bytes | None:
    """The content of the next LDAPMessage, however the network cut it up; None at the end."""
    start = stream.read(2)
    if len(start) < 2:
        return None
    size = stream.read(start[1] & 0x7F) if start[1] & 0x80 else start[1:]
    length = int.from_bytes(size, "big")
    if start[0] != SEQUENCE or length > LARGEST_MESSAGE:
        raise BadMessage(f"tag {start[0]:#x}, length {length}")
    content = stream.read(length)
    return content if len(content) == length else None


def _bounds(data: bytes, at: int) -> tuple[int, int, int]:
    try:
        tag, length, start = data[at], data[at + 1], at + 2
    except IndexError:
        raise BadMessage("an element ends early") from None
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[at + 2 : start], "big")
    if start + length > len(data):
        raise BadMessage("an element is longer than what holds it")
    return tag, start, start + length
