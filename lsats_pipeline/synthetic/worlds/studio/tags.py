"""Tags as JSON text in the form in which PostgreSQL writes jsonb, so that both read alike."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lsats_pipeline.synthetic import dictionaries
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.worlds.studio.permutations import PermutationPools, spread

# domain/world_studio.md 4: sizes up to 200 are real only with as many different tags.
LEAST = 200


@lru_cache
def all_tags() -> tuple[str, ...]:
    """The pool."""
    rows = dictionaries.read(__package__, "tags", {"tag": dictionaries.text}, LEAST)
    return dictionaries.different("tags.csv", [tag for (tag,) in rows])


def elements(seed: int, table: str, rows: Ints, total: int, most: int) -> list[str]:
    """For each row 0 to `most` different tags, quoted, in random order: `"sky", "owl"`.

    Every size equally often over the `total` rows.
    """
    sizes = spread(rows, total, most + 1, seed, table, "number of tags")
    return _tag_pools(seed).choices(np.zeros_like(rows), sizes, rows, seed, table, "tags")


@lru_cache(maxsize=4)
def _tag_pools(seed: int) -> PermutationPools:
    return PermutationPools([[f'"{tag}"' for tag in all_tags()]], ", ", seed, "tags")
