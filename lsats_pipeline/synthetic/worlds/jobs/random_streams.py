"""Draws that this world makes often: spread evenly over the table, or by group."""

from __future__ import annotations

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints, hashed, shuffled
from lsats_pipeline.synthetic.spec import Block


def even(block: Block, purpose: str) -> Floats:
    """A number of [0, 1) for each row, one in each n-th of it over the n rows of the table.

    What is drawn with it has its share exactly, in whole rows.
    """
    total, seed = block.options.jobs, block.options.seed
    place = shuffled(block.rows, total, seed, block.world, block.table, purpose)
    inside = hashed(block.rows, seed, block.world, block.table, purpose)
    return np.asarray((place + inside) / total)


class ByGroup:
    """Labels drawn with weights that depend on a group: one line of weights for each group."""

    def __init__(self, weights: Floats) -> None:
        summed = np.cumsum(weights, axis=1)
        groups, self._labels = weights.shape
        edges = summed / summed[:, -1:] + np.arange(groups)[:, np.newaxis]
        self._edges = edges.ravel()

    def __call__(self, groups: Ints, uniform: Floats) -> Ints:
        """A label for each group and number of [0, 1)."""
        # Next to a whole number a sum may reach it, and with it the next group.
        at = np.minimum(groups + uniform, np.nextafter(groups + 1.0, 0.0))
        found = np.searchsorted(self._edges, at, side="right").astype(np.int64)
        return np.asarray(found - groups * self._labels)
