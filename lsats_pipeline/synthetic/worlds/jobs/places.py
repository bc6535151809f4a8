"""Where jobs are: shares of prefectures, weights of cities (domain/world_jobs.md 4)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints, generator
from lsats_pipeline.synthetic.worlds.jobs.facts import cities, prefectures
from lsats_pipeline.synthetic.worlds.jobs.random_streams import ByGroup

TOKYO, OSAKA, KANAGAWA = "13", "27", "14"
FACTORS = {TOKYO: 1.6, OSAKA: 1.25, "23": 1.15, KANAGAWA: 1.1, "40": 1.1}
# The three metropolitan areas, as internal-migration statistics draw them: Tokyo with Saitama,
# Chiba and Kanagawa; Nagoya with Gifu and Mie; Osaka with Kyoto, Hyogo and Nara.
LARGE_AREAS = frozenset(
    {"11", "12", TOKYO, KANAGAWA} | {"21", "23", "24"} | {"26", OSAKA, "28", "29"}
)
KIND_WEIGHTS = {"ward": 3.0, "city": 1.5, "town": 0.35, "village": 0.1}
_CAPITAL, _SPREAD = 3.0, 0.6


@cache
def pref_codes() -> tuple[str, ...]:
    """Codes of the prefectures; their positions are what this world computes with."""
    return tuple(p.pref_code for p in prefectures())


@cache
def prefecture_shares() -> Floats:
    """The share of jobs in each prefecture: population times a factor."""
    weights = np.array([p.population * FACTORS.get(p.pref_code, 1.0) for p in prefectures()])
    return np.asarray(weights / weights.sum())


@cache
def outside_large_areas() -> Any:
    """A mask of the prefectures outside the large areas."""
    return np.array([code not in LARGE_AREAS for code in pref_codes()])


@lru_cache
def city_weights(seed: int) -> Floats:
    """Weights of cities: kind, capital, and a random factor of their own."""
    own = generator(seed, "jobs", "cities", "weight").lognormal(0.0, _SPREAD, len(cities()))
    kinds = [KIND_WEIGHTS[c.kind] * (_CAPITAL if c.capital else 1.0) for c in cities()]
    # A `real` of PostgreSQL has six digits for certain.
    return np.round(kinds * own, 4)


@lru_cache
def city_shares(seed: int) -> Floats:
    """For each prefecture the shares of all cities; 0 for those elsewhere."""
    inside = np.array([[c.pref_code == code for c in cities()] for code in pref_codes()])
    weights = inside * city_weights(seed)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@lru_cache
def _drawn(seed: int) -> ByGroup:
    return ByGroup(city_shares(seed))


def city_of(prefecture: Ints, uniform: Floats, seed: int) -> Ints:
    """A city for each prefecture, all as positions."""
    return _drawn(seed)(prefecture, uniform)
