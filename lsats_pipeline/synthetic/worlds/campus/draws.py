"""Chance without state: every draw is a hash of the seed, a purpose and a counter.

Nothing here remembers anything, so any person on any day can be drawn alone, in any order.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b, shake_128
from typing import TypeVar

T = TypeVar("T")
WHOLE = 65536  # a lane is a whole number from 0 up to this
LANES = 32

_KEY = struct.Struct("<qqq")
_LANES = struct.Struct(f"<{LANES}H")
# Below 2^63; keeps a seed of any size inside the key.
_SEED_MASK = (1 << 62) - 1


def raw(purpose: bytes, seed: int, number: int, day: int = 0) -> bytes:
    """64 bytes that depend on all four arguments; `purpose` has at most 16 bytes."""
    key = _KEY.pack(seed & _SEED_MASK, number, day)
    return blake2b(key, person=purpose).digest()


def lanes(purpose: bytes, seed: int, number: int, day: int = 0) -> tuple[int, ...]:
    """32 independent lanes."""
    return _LANES.unpack(raw(purpose, seed, number, day))


def many_lanes(count: int, purpose: bytes, seed: int, number: int) -> tuple[int, ...]:
    """`count` independent lanes, for draws that need more than 32."""
    stream = shake_128(purpose + _KEY.pack(seed & _SEED_MASK, number, 0)).digest(2 * count)
    return struct.unpack(f"<{count}H", stream)


def below(limit: int, lane: int) -> int:
    """A whole number from 0 up to, without, `limit`."""
    return lane * limit >> 16


def pick(items: Sequence[T], lane: int) -> T:
    """One of the items."""
    return items[lane * len(items) >> 16]


def chance(percent: float, lane: int) -> bool:
    """True in so many percent of all lanes."""
    return lane * 100 < percent * WHOLE


def uuid_text(digest: bytes, part: int) -> str:
    """One of the four uuids (`part` 0 to 3) in 64 drawn bytes, lower case, no braces."""
    text = digest[16 * part : 16 * part + 16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def shuffled(number: int, seed: int, modulus: int, multiplier: int) -> int:
    """A number under `modulus` that no other number under `modulus` gets.

    `multiplier` must share no factor with `modulus`; then the mapping is one to one, which makes
    identifiers unique without looking any up.
    """
    return (number * multiplier + (seed & _SEED_MASK) * 7919 + multiplier // 3) % modulus
