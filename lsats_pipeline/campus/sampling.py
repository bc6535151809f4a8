"""Sampling without state: every random value is a hash of the seed, a purpose and a counter.

No generator is advanced, so any person on any day can be drawn alone, in any order. Each purpose is
a random stream of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from hashlib import blake2b, shake_128
from typing import TypeVar

T = TypeVar("T")
WHOLE = 65536  # a uniform is a whole number from 0 up to, without, this
UNIFORMS = 32

_KEY = struct.Struct("<qqq")
_UNIFORMS = struct.Struct(f"<{UNIFORMS}H")
# Below 2^63; keeps a seed of any size inside the key.
_SEED_MASK = (1 << 62) - 1
_CODE_LETTERS = "0123456789BCDFGHJKLMNPQRSTVWXZ"
_CODE_PAIRS = [a + b for a in _CODE_LETTERS for b in _CODE_LETTERS]
_CODE_STEP = 7_654_321  # shares no factor with 30 = 2 * 3 * 5 or its powers


def raw(purpose: bytes, seed: int, number: int, day: int = 0) -> bytes:
    """64 bytes that depend on all four arguments; `purpose` has at most 16 bytes."""
    key = _KEY.pack(seed & _SEED_MASK, number, day)
    return blake2b(key, person=purpose).digest()


def uniforms(purpose: bytes, seed: int, number: int, day: int = 0) -> tuple[int, ...]:
    """32 independent uniforms."""
    return _UNIFORMS.unpack(raw(purpose, seed, number, day))


def many_uniforms(count: int, purpose: bytes, seed: int, number: int) -> tuple[int, ...]:
    """`count` independent uniforms, for choices that need more than 32."""
    stream = shake_128(purpose + _KEY.pack(seed & _SEED_MASK, number, 0)).digest(2 * count)
    return struct.unpack(f"<{count}H", stream)


def below(limit: int, uniform: int) -> int:
    """A whole number from 0 up to, without, `limit`."""
    return uniform * limit >> 16


def pick(items: Sequence[T], uniform: int) -> T:
    """One of the items."""
    return items[uniform * len(items) >> 16]


def bernoulli(percent: float, uniform: int) -> bool:
    """True in so many percent of all cases."""
    return uniform * 100 < percent * WHOLE


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


def event_days(
    purpose: bytes, seed: int, number: int, rate: int, first: int, last: int
) -> Iterator[int]:
    """The days from `first` to `last` with an event, `rate` of 65,536 days on average."""
    for block in range(first // UNIFORMS, last // UNIFORMS + 1):
        for spot, uniform in enumerate(uniforms(purpose, seed, number, block)):
            day = block * UNIFORMS + spot
            if uniform < rate and first <= day <= last:
                yield day


def uuid_of(purpose: bytes, seed: int, text: str) -> str:
    """The uuid that belongs to a text."""
    key = _KEY.pack(seed & _SEED_MASK, 0, 0) + text.encode()
    return uuid_text(blake2b(key, person=purpose).digest(), 0)


def coded(number: int, seed: int, length: int) -> str:
    """A code of `length` characters that no other number gets; spells no word, having no vowels."""
    number = shuffled(number, seed, 30**length, _CODE_STEP)
    text = ""
    for _ in range(length // 2):
        number, low = divmod(number, 900)
        text += _CODE_PAIRS[low]
    return text + _CODE_LETTERS[number] if length % 2 else text
