"""Companies: how many jobs each has, and in which prefectures (domain/world_jobs.md 4).

Ranks have weights 1/(rank + 2)^1.05 and their jobs by largest remainder. A rank has its home where
there is room for it, so that homes alone are spread as jobs have to be; 70 % of its jobs are there,
exactly, and the others elsewhere, drawn so that prefectures keep their shares.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints, apportioned, generator, shuffled
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.jobs.places import prefecture_shares
from lsats_pipeline.synthetic.worlds.jobs.random_streams import ByGroup

COMPANIES = 8_000
AT_HOME = 0.7
_EXPONENT, _SHIFT = 1.05, 2
_PREFECTURES = 47
_ROUNDS = 200  # of balancing; far below a job after 100
_LEAST = 1e-9
# The first hundred leave every prefecture room for smaller companies.
_LARGE, _FOR_THE_OTHERS = 100, 0.35


class Hiring(NamedTuple):
    """Jobs by rank: the first of each (and the end), those of each before it that are at home."""

    first: Ints
    home_before: Ints
    elsewhere: ByGroup


@cache
def company_shares() -> Floats:
    """The share of jobs of each rank: 5.0 % for the largest, 51 % for the first hundred."""
    weights = 1.0 / (np.arange(1, COMPANIES + 1) + _SHIFT) ** _EXPONENT
    return np.asarray(weights / weights.sum())


@lru_cache
def ranks(seed: int) -> Ints:
    """The rank of each company, from 0."""
    return shuffled(np.arange(COMPANIES), COMPANIES, seed, "jobs", "companies", "rank")


@lru_cache
def company_of_rank(seed: int) -> Ints:
    """The position of the company that has a rank."""
    return np.argsort(ranks(seed))


@lru_cache
def homes(seed: int) -> Ints:
    """The prefecture of each rank, as a position."""
    room, kept = prefecture_shares().copy(), _FOR_THE_OTHERS * prefecture_shares()
    uniform = generator(seed, "jobs", "companies", "home").random(COMPANIES)
    found = np.empty(COMPANIES, dtype=np.int64)
    for rank, share in enumerate(company_shares()):
        least = kept if rank < _LARGE else 0.0
        fitting = np.where(room - share >= least, room, 0.0).cumsum()
        if fitting[-1] == 0.0:
            fitting = np.maximum(room, 0.0).cumsum()
        found[rank] = np.searchsorted(fitting, uniform[rank] * fitting[-1], side="right")
        room[found[rank]] -= share
    return found


@lru_cache
def hiring(seed: int, jobs: int) -> Hiring:
    """How the jobs are dealt out."""
    counts = apportioned(jobs, company_shares())
    first = np.concatenate(([0], counts.cumsum()))
    home_before = np.floor(AT_HOME * first).astype(np.int64)
    at_home = np.diff(home_before)
    home = homes(seed)
    wanted = np.maximum(jobs * prefecture_shares() - _by_home(home, at_home), 0.0)
    return Hiring(first, home_before, ByGroup(_elsewhere(_by_home(home, counts - at_home), wanted)))


def employer_of(block: Block) -> tuple[Ints, Ints]:
    """The company and the prefecture of each job, as positions."""
    seed, jobs = block.options.seed, block.options.jobs
    plan = hiring(seed, jobs)
    place = shuffled(block.rows, jobs, seed, block.world, block.table, "employer")
    rank = np.searchsorted(plan.first, place, side="right") - 1
    at_home = plan.home_before[rank + 1] - plan.home_before[rank]
    home = homes(seed)[rank]
    elsewhere = plan.elsewhere(home, block.rng("elsewhere").random(len(block)))
    prefecture = np.where(place - plan.first[rank] < at_home, home, elsewhere)
    return company_of_rank(seed)[rank], prefecture


def _by_home(home: Ints, jobs: Ints) -> Any:
    return np.bincount(home, weights=jobs, minlength=_PREFECTURES)


def _elsewhere(leaving: Floats, wanted: Floats) -> Floats:
    """For each home the shares of other prefectures, balanced to give each what it wants.

    Iterative proportional fitting of a table whose diagonal is empty.
    """
    # With few jobs no balance need exist: nothing is left without a share, or without bounds.
    leaving = leaving + _LEAST
    wanted = wanted + _LEAST * prefecture_shares()
    wanted = wanted / wanted.sum() * leaving.sum()
    scale = wanted / wanted.sum()
    away = 1.0 - np.eye(_PREFECTURES)
    for _ in range(_ROUNDS):
        table = away * scale
        table /= table.sum(axis=1, keepdims=True)
        scale *= wanted / (leaving @ table)
        scale = np.maximum(scale / scale.sum(), _LEAST)
    return np.asarray(table)
