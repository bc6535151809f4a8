"""Random sampling of whole columns, repeatable from a seed and names alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

K = TypeVar("K")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_ROUNDS = 4
_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)


def key_of(seed: int, *names: str) -> int:
    """128 bits that depend on the seed and every name, the same on every machine."""
    text = "\x1f".join((str(seed), *names)).encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "little")


def generator(seed: int, *names: str) -> np.random.Generator:
    """A numpy generator for one purpose."""
    return np.random.Generator(np.random.PCG64DXSM(key_of(seed, *names)))


def shuffled(numbers: Ints, size: int, seed: int, *names: str) -> Ints:
    """Each number below `size` gets another below `size`, none twice.

    Gives drawing without replacement, unique codes and exact shares to blocks that know nothing
    of each other: a Feistel network over the next power of four, walked until it is in range.
    """
    half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = generator(seed, "shuffled", *names).integers(0, 2**63, _ROUNDS, dtype=np.uint64)
    out = _feistel(numbers.astype(np.uint64), half, keys)
    while (outside := out >= size).any():
        out[outside] = _feistel(out[outside], half, keys)
    return out.astype(np.int64)


def _feistel(
    numbers: NDArray[np.uint64], half: int, keys: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = numbers >> bits, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right + key) & mask)
    return (left << bits) | right


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hashed(numbers: Ints, seed: int, *names: str) -> Floats:
    """For each number a draw from [0, 1) that depends on it alone, whatever block asks."""
    return (_bits(numbers, seed, *names) >> np.uint64(11)) / float(2**53)


def _bits(numbers: Ints, seed: int, *names: str) -> NDArray[np.uint64]:
    key = np.uint64(key_of(seed, *names) & (2**64 - 1))
    return _mixed(_mixed(numbers.astype(np.uint64) + key) ^ key)


def chosen(rng: np.random.Generator, weights: Sequence[float] | Floats, size: int) -> Ints:
    """Positions drawn with these weights."""
    return positions(rng.random(size), weights)


def positions(uniform: Floats, weights: Sequence[float] | Floats) -> Ints:
    """The position in `weights` that each number of [0, 1) falls on."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right").astype(np.int64)


def apportioned(total: int, weights: Sequence[float] | Floats) -> Ints:
    """Whole numbers in these proportions that add up to `total`, by largest remainder."""
    shares = np.asarray(weights, dtype=np.float64)
    exact = total * shares / shares.sum()
    whole: Ints = np.floor(exact).astype(np.int64)
    # Stable, so that equal remainders go to the first.
    largest = np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]
    whole[largest] += 1
    return whole


def apportion(total: int, shares: Mapping[K, float]) -> dict[K, int]:
    """The same with names."""
    counts = apportioned(total, list(shares.values()))
    return {name: int(count) for name, count in zip(shares, counts, strict=True)}


def in_base36(numbers: Ints, width: int) -> NDArray[np.str_]:
    """Numbers in base 36, zero-padded to `width` characters."""
    columns = [numbers // 36**power % 36 for power in range(width - 1, -1, -1)]
    text = _DIGITS[np.stack(columns, axis=1)]
    return np.ascontiguousarray(text).view(f"S{width}").ravel().astype(f"U{width}")


def padded(numbers: ArrayLike, width: int) -> NDArray[np.str_]:
    """Numbers in base 10, zero-padded to at least `width` characters."""
    return np.char.zfill(np.asarray(numbers).astype(str), width)


def uuids(seed: int, numbers: Ints, *names: str) -> list[str]:
    """A version 4 uuid for each number, the same whatever block asks."""
    low = _bits(numbers, seed, "uuid low", *names)
    high = _bits(numbers, seed, "uuid high", *names)
    return [_uuid(f"{a:016x}{b:016x}") for a, b in zip(high.tolist(), low.tolist(), strict=True)]


def _uuid(text: str) -> str:
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def picked(items: Sequence[Any], at: Ints) -> NDArray[Any]:
    """The items at these positions."""
    return np.asarray(items)[at]
