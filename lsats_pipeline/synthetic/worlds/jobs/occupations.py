"""What jobs are: shares of occupations, tilted by prefecture (domain/world_jobs.md 2.3, 4)."""

from __future__ import annotations

from functools import cache

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints
from lsats_pipeline.synthetic.worlds.jobs.facts import majors, minors
from lsats_pipeline.synthetic.worlds.jobs.places import (
    TOKYO,
    outside_large_areas,
    pref_codes,
    prefecture_shares,
)
from lsats_pipeline.synthetic.worlds.jobs.random_streams import ByGroup

_ZIPF = 0.7
_LOGISTICS, _MANUFACTURING, _IT = 300, 1000, 1300
_OUTSIDE, _IN_TOKYO = 1.3, 2.5


@cache
def shares_in_major() -> Floats:
    """The share of each minor in its major: 1/rank^0.7."""
    return np.concatenate([_zipf(major.major_code) for major in majors()])


@cache
def major_shares() -> Floats:
    """For each prefecture the shares of majors: a line of 14 for each of 47."""
    base = np.array([float(major.share_target) for major in majors()])
    tilted = np.tile(base, (len(pref_codes()), 1))
    codes = [major.major_code for major in majors()]
    outside = outside_large_areas()
    for code in (_LOGISTICS, _MANUFACTURING):
        tilted[outside, codes.index(code)] *= _OUTSIDE
    tilted[pref_codes().index(TOKYO), codes.index(_IT)] *= _IN_TOKYO
    return np.asarray(tilted / tilted.sum(axis=1, keepdims=True))


@cache
def expected_majors() -> dict[int, float]:
    """The share of each major over all prefectures, after the tilts."""
    shares = prefecture_shares() @ major_shares()
    return {m.major_code: float(s) for m, s in zip(majors(), shares, strict=True)}


@cache
def minor_shares() -> Floats:
    """For each prefecture the shares of minors: a line of 96 for each of 47."""
    return np.asarray(major_shares()[:, major_of_minor()] * shares_in_major())


@cache
def major_of_minor() -> Ints:
    """The position of each minor's major."""
    codes = [major.major_code for major in majors()]
    return np.array([codes.index(minor.major_code) for minor in minors()])


@cache
def _drawn() -> ByGroup:
    return ByGroup(minor_shares())


def minor_of(prefecture: Ints, uniform: Floats) -> Ints:
    """A minor for each prefecture, all as positions."""
    return _drawn()(prefecture, uniform)


def _zipf(major: int) -> Floats:
    ranks = np.arange(1, sum(minor.major_code == major for minor in minors()) + 1)
    weights = 1.0 / ranks**_ZIPF
    return np.asarray(weights / weights.sum())
