"""Choices without repeats at the price of two cuts: orders of a pool, written out as texts.

pool ─▶ 32 ways to halve it ─▶ 16 orders of either half, each twice in a row, joined
a choice of k: one halving ─▶ k / 2 neighbours in an order of one half + the rest in the other

Every element is chosen equally often and none twice; even of four elements there are millions of
choices. Which cut it is depends on the row alone, so that another table can repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsats_pipeline.synthetic.sampling import Ints, generator, hashed, shuffled

_HALVINGS, _ORDERS = 32, 16
_VARIANTS = _HALVINGS * _ORDERS


class PermutationPools:
    """Pools of texts, to choose from; `separator` comes between the chosen.

    At most twice the smaller half of a pool can be chosen.
    """

    def __init__(
        self, pools: Sequence[Sequence[str]], separator: str, seed: int, *names: str
    ) -> None:
        self._separator = len(separator)
        self._texts: list[str] = []
        # By half, number 2 p and 2 p + 1 of pool p: its size, and where each element begins.
        self._sizes = np.array([n for p in pools for n in (len(p) // 2, len(p) - len(p) // 2)])
        width = 2 * int(self._sizes.max()) + 1
        self._begins = np.zeros((len(self._sizes) * _VARIANTS, width), np.int32)
        rng = generator(seed, "decks", *names)  # a purpose: another name, other rows
        for number, pool in enumerate(pools):
            elements = [element + separator for element in pool]
            every = np.tile(np.arange(len(pool)), (_HALVINGS, 1))
            halvings = rng.permuted(every, axis=1)
            for half, part in enumerate(np.split(halvings, [len(pool) // 2], axis=1)):
                orders = rng.permuted(np.repeat(part, _ORDERS, axis=0), axis=1)
                self._write_out(2 * number + half, elements, orders)

    def _write_out(self, half: int, elements: list[str], orders: Ints) -> None:
        twice = np.concatenate([orders, orders], axis=1)
        self._texts += ["".join([elements[i] for i in order]) for order in twice.tolist()]
        lengths = np.array([len(element) for element in elements])[twice]
        variants = slice(half * _VARIANTS, (half + 1) * _VARIANTS)
        self._begins[variants, 1 : lengths.shape[1] + 1] = np.cumsum(lengths, axis=1)

    def choices(
        self,
        pools: Ints,
        counts: Ints,
        rows: Ints,
        seed: int,
        *names: str,
        trailing: bool = False,
    ) -> list[str]:
        """For each row so many elements of that pool; `trailing`: a separator after the last."""
        halving = _below(_HALVINGS, rows, seed, "halving", *names)
        few = counts // 2
        front = self._cut(2 * pools, halving, few, rows, seed, "front", *names)
        back = self._cut(2 * pools + 1, halving, counts - few, rows, seed, "back", *names)
        trimmed = 0 if trailing else self._separator
        texts = self._texts
        # The back is never the smaller part: without it there is no front.
        return [
            texts[i][a:b] + texts[j][c : max(c, d - trimmed)]
            for i, a, b, j, c, d in zip(*front, *back, strict=True)
        ]

    def _cut(
        self, halves: Ints, halving: Ints, counts: Ints, rows: Ints, seed: int, *names: str
    ) -> tuple[list[int], list[int], list[int]]:
        """For each row: number of a text, begin and end of its cut."""
        order = _below(_ORDERS, rows, seed, "order", *names)
        first = _below(self._sizes[halves], rows, seed, "first", *names)
        text = halves * _VARIANTS + halving * _ORDERS + order
        begin, end = self._begins[text, first], self._begins[text, first + counts]
        return text.tolist(), begin.tolist(), end.tolist()


def spread(rows: Ints, total: int, kinds: int, seed: int, *names: str) -> Ints:
    """A kind below `kinds` for each of `total` rows, every kind equally often, in random order."""
    return shuffled(rows, total, seed, *names) % kinds


def _below(limit: Ints | int, rows: Ints, seed: int, *names: str) -> Ints:
    return (hashed(rows, seed, *names) * limit).astype(np.int64)
