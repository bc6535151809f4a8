"""Where things are: a pure function of the options, worked out once in every process.

weights of the dictionary ─▶ DCs in the heaviest places ─▶ stores in the states of DCs
                          └▶ customers everywhere
(domain/world_retail.md 4 and 10, R9 and R11)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints, apportioned, generator, shuffled
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.vocabulary import places


@dataclass(frozen=True)
class Placement:
    """Positions of geographies count from 0; the id is one more.

    `place`: each geography's position in the dictionary. `customers`: geographies up to, and with,
    which so many customers live.
    """

    place: Ints
    weight: Floats
    dc_geography: Ints
    store_geography: Ints
    customers: Ints


@lru_cache(maxsize=8)
def placement(options: RetailOptions) -> Placement:
    """Where the things of a world with these options are."""
    known = places(options.dictionaries, options.geographies)
    place = shuffled(np.arange(options.geographies), len(known), options.seed, "retail", "places")
    weight = known.weight[place]
    heaviest = np.argsort(-weight, kind="stable")
    # More DCs than places share them in turn, so that as many are made as were asked for.
    centers = heaviest[np.arange(options.distribution_centers) % len(heaviest)]
    state = np.asarray(known.state.take(place))
    served = heaviest[np.isin(state[heaviest], state[centers])]
    return Placement(
        place,
        weight,
        centers,
        _of_stores(options, served, weight),
        np.cumsum(apportioned(options.customers, weight)),
    )


def customer_geography(options: RetailOptions, rows: Ints) -> Ints:
    """Where these customers live: each place has exactly its share, in no order."""
    mixed = shuffled(rows, options.customers, options.seed, "retail", "customers", "geography")
    at: Ints = np.searchsorted(placement(options).customers, mixed, side="right")
    return at


def _of_stores(options: RetailOptions, served: Ints, weight: Floats) -> Ints:
    """One in each of the heaviest places, the rest by weight."""
    first = served[: options.stores]
    more = apportioned(options.stores - len(first), weight[served])
    mix = generator(options.seed, "retail", "stores", "geography")
    at: Ints = np.concatenate([first, mix.permutation(np.repeat(served, more))])
    return at
