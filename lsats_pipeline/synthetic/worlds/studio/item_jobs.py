"""Which job made which item: the link is known before anything is stored.

N items (both tables) ─▶ N completed jobs, one each
                      └▶ floor(N / 0.98) - N more: pending, error, canceled (world_studio.md 3, 4)

all of them in one random order, so that ids carry no information.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lsats_pipeline.synthetic.sampling import Ints, apportion, hashed, shuffled
from lsats_pipeline.synthetic.worlds.studio import content, people
from lsats_pipeline.synthetic.worlds.studio.moments import between, window
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions
from lsats_pipeline.synthetic.worlds.studio.prompts import prompts_of

TABLE = "generation_jobs"
COMPLETED, PENDING, ERROR, CANCELED = "completed", "pending", "error", "canceled"
SHARES = {COMPLETED: 0.98, PENDING: 0.009, ERROR: 0.01, CANCELED: 0.001}
# Our own: how long a job waits for its turn, and how long an image takes, in seconds.
LONGEST_WAIT, SHORTEST_RENDERING, LONGEST_RENDERING = 120, 5, 90


class Jobs(NamedTuple):
    """Some jobs: the `number` of each among those of its kind, and who, what, when."""

    number: Ints
    users: Ints
    prompts: list[str]
    ready: Ints


def items(options: StudioOptions) -> int:
    """How many items there are, and so completed jobs."""
    return options.content_items + options.content_items_auto


def volume(options: StudioOptions) -> int:
    """How many jobs there are: floor(items / 0.98), in whole numbers."""
    return items(options) * 100 // 98


@lru_cache(maxsize=4)
def kinds(options: StudioOptions) -> dict[str, int]:
    """How many jobs of each kind: those of an item by its table, the others by their status."""
    rest = {status: share for status, share in SHARES.items() if status != COMPLETED}
    return {
        content.ITEMS: options.content_items,
        content.AUTO: options.content_items_auto,
        **apportion(volume(options) - items(options), rest),
    }


def by_kind(options: StudioOptions, rows: Ints) -> Iterator[tuple[str, Ints, Ints]]:
    """For each kind: where in `rows` jobs of it are, and which of its kind they are."""
    slots = shuffled(rows, volume(options), options.seed, TABLE, "order")
    first = 0
    for kind, count in kinds(options).items():
        where = np.flatnonzero((slots >= first) & (slots < first + count))
        if len(where):
            yield kind, where, slots[where] - first
        first += count


def made(options: StudioOptions, kind: str, number: Ints) -> Jobs:
    """Jobs of one kind: those of an item repeat it, the others are of any user."""
    if kind in (content.ITEMS, content.AUTO):
        users = content.creators(options, kind, number)
        prompts = content.item_prompts(options, kind, number)
        return Jobs(number, users, prompts, content.made_at(options, kind, number, users))
    users = (hashed(number, options.seed, TABLE, kind, "user") * options.users).astype(np.int64)
    prompts = prompts_of(options, f"{TABLE} {kind}", number, kinds(options)[kind])
    moment = hashed(number, options.seed, TABLE, kind, "created_at")
    came = people.sign_ups(options)[users]
    return Jobs(number, users, prompts, between(came, window(options).last, moment))


def earlier(options: StudioOptions, rows: Ints, moments: Ints, users: Ints, purpose: str) -> Ints:
    """A while before these moments, but not before the user came."""
    shortest, longest = {
        "rendering": (SHORTEST_RENDERING, LONGEST_RENDERING),
        "waiting": (0, LONGEST_WAIT),
    }[purpose]
    took = between(shortest, longest, hashed(rows, options.seed, TABLE, purpose))
    before: Ints = np.maximum(people.sign_ups(options)[users], moments - took)
    return before
