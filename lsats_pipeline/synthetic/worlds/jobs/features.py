"""Tags of jobs: a matrix of jobs by the 44 tags (domain/world_jobs.md 2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from lsats_pipeline.synthetic.sampling import Floats, Ints
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.jobs.facts import majors, minors, tags
from lsats_pipeline.synthetic.worlds.jobs.occupations import major_of_minor, minor_shares
from lsats_pipeline.synthetic.worlds.jobs.places import (
    KANAGAWA,
    OSAKA,
    TOKYO,
    outside_large_areas,
    pref_codes,
    prefecture_shares,
)

FEWEST, MOST = 3, 25
ONE_DAY, TWO_DAYS, SHORT, WEEKENDS, WEEKDAYS, NIGHT, EARLY = 101, 102, 103, 105, 106, 107, 108
SINGLE, LONG, HIGH_PAY, PUPILS, NEAR, CAR, AT_HOME, MEALS = 109, 111, 203, 303, 401, 402, 404, 409
FOOD = {100}
HOME_OFFICE, _HOME_OFFICE_SHARE = {400, 700, 1300}, 0.20
NOT_FOR_PUPILS = {600, 900, 1400}
_CAR_IN_CITIES, _CAR_OUTSIDE = 0.4, 1.6


@dataclass(frozen=True)
class Tags:
    """Which job has which tag: jobs by tags, in the order of their codes."""

    has: Any

    def __getitem__(self, code: int) -> Any:
        return self.has[:, tag_at(code)]

    @property
    def codes(self) -> Any:
        """The sorted codes of each job, as an Arrow list."""
        jobs, found = np.nonzero(self.has)
        ends = np.searchsorted(jobs, np.arange(len(self.has) + 1))
        values = tag_codes()[found].astype(np.int16)
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values))


@cache
def tag_codes() -> Ints:
    """Codes of all tags, sorted."""
    return np.array([tag.feature_code for tag in tags()])


def tag_at(code: int) -> int:
    """The position of a tag."""
    return int(np.searchsorted(tag_codes(), code))


def tagged(block: Block, prefecture: Ints, major: Ints, night: Any, high_pay: Any) -> Tags:
    """Tags of jobs, whose prefectures and majors are positions; none has under 3 or over 25."""
    rng = block.rng("features")
    probability = _probabilities()[major]
    probability[:, tag_at(CAR)] *= _car_factors()[prefecture].astype(np.float32)
    has = np.empty(probability.shape, dtype=bool)
    left = np.arange(len(block))
    while len(left):
        drawn = rng.random((len(left), probability.shape[1]), dtype=np.float32) < probability[left]
        has[left] = _settled(drawn, night[left], high_pay[left])
        sizes = has[left].sum(axis=1)
        left = left[(sizes < FEWEST) | (sizes > MOST)]
    return Tags(has)


def expected_tags() -> dict[int, float]:
    """The share of jobs with each tag; without high pay, which follows from the wages."""
    share = {tag.feature_code: float(tag.base_prob) for tag in tags()}
    by_minor = prefecture_shares() @ minor_shares()
    night = np.array([minor.night_share for minor in minors()])
    code = np.array([majors()[at].major_code for at in major_of_minor()])
    share[NIGHT] = float(by_minor @ night)
    share[PUPILS] *= float(by_minor @ (~np.isin(code, list(NOT_FOR_PUPILS)) * (1 - night)))
    share[MEALS] *= float(by_minor @ np.isin(code, list(FOOD)))
    share[AT_HOME] = _HOME_OFFICE_SHARE * float(by_minor @ np.isin(code, list(HOME_OFFICE)))
    share[CAR] *= float(prefecture_shares() @ _car_factors())
    share[LONG] *= 1 - share[SINGLE]
    share[WEEKDAYS] *= 1 - share[WEEKENDS]
    del share[HIGH_PAY]
    return share


def _settled(has: Any, night: Any, high_pay: Any) -> Any:
    """Drawn tags, with what follows from the job and without what excludes each other."""
    has[:, tag_at(NIGHT)] = night
    has[:, tag_at(HIGH_PAY)] = high_pay
    has[:, tag_at(PUPILS)] &= ~night
    has[:, tag_at(LONG)] &= ~has[:, tag_at(SINGLE)]
    has[:, tag_at(WEEKDAYS)] &= ~has[:, tag_at(WEEKENDS)]
    return has


@cache
def _probabilities() -> Any:
    """The probability of each tag for each major."""
    probability = np.tile([float(tag.base_prob) for tag in tags()], (len(majors()), 1))
    codes = [major.major_code for major in majors()]
    probability[:, tag_at(MEALS)] *= np.isin(codes, list(FOOD))
    probability[:, tag_at(PUPILS)] *= ~np.isin(codes, list(NOT_FOR_PUPILS))
    probability[:, tag_at(AT_HOME)] = np.isin(codes, list(HOME_OFFICE)) * _HOME_OFFICE_SHARE
    return probability.astype(np.float32)


@cache
def _car_factors() -> Floats:
    in_cities = np.isin(pref_codes(), [TOKYO, OSAKA, KANAGAWA])
    elsewhere = np.where(outside_large_areas(), _CAR_OUTSIDE, 1.0)
    return np.asarray(np.where(in_cities, _CAR_IN_CITIES, elsewhere))
