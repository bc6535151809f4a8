"""When products are launched, by their place in the row of ids (domain/world_retail.md 4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lsats_pipeline.synthetic.rules import RowRule, Rows
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.spec import Block

# Up to which percent of the ids; days from the start, both included.
_WAVES = ((60, -730, -180), (90, 0, 180), (100, 180, 365))


def launch_days(block: Block) -> Any:
    """Days on which the products of a block are launched."""
    least, most = _ends(block.rows, block.options.products)
    days = least + (block.rng("launch_date").random(len(block)) * (most - least + 1)).astype(int)
    return np.datetime64(block.options.start_date) + days


def launch_rule() -> RowRule:
    """Launch dates lie where the id says."""
    return RowRule(
        "launch_of_wave",
        _out_of_wave,
        about="60 % are launched 180 to 730 days before the start, 30 % within 180 days after it, "
        "the last 10 % 180 to 365 days after it",
        weight=2,
    )


def _out_of_wave(rows: Rows) -> Any:
    least, most = _ends(rows["id"].astype(np.int64) - 1, rows.options.products)
    days = (rows["launch_date"] - np.datetime64(rows.options.start_date)).astype(int)
    return (days < least) | (days > most)


def _ends(rows: Ints, total: int) -> tuple[Ints, Ints]:
    """First and last day of the wave of each row; half a row counts as one."""
    edges = [(percent * total + 50) // 100 for percent, _, _ in _WAVES[:-1]]
    wave = np.searchsorted(edges, rows, side="right")
    days = np.array([(least, most) for _, least, most in _WAVES], dtype=np.int64)[wave]
    return days[:, 0], days[:, 1]
