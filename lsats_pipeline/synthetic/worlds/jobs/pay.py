"""What jobs pay, and what an application costs (domain/world_jobs.md 2.4, 4)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lsats_pipeline.synthetic.sampling import Floats, Ints, positions
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.jobs.facts import (
    employments,
    majors,
    prefectures,
    salaries,
)
from lsats_pipeline.synthetic.worlds.jobs.random_streams import even

HOURLY, MONTHLY, YEARLY = 1, 3, 5
ARUBAITO, PAATO, INTERN = 1, 2, 7
FORBIDDEN = {(ARUBAITO, YEARLY), (PAATO, YEARLY), (INTERN, MONTHLY), (INTERN, YEARLY)}
EQUAL_PAY = 0.45
HIGH_PAY = 1.25
FEE_LIMIT, FEE_STEP = 20_000, 100
_SPREAD, _LEAST_RAISE, _MOST_RAISE = 0.06, 1.05, 1.40
_MEDIAN_FEE, _FEE_SPREAD = 2_800, 0.7


class Pay(NamedTuple):
    """Types as positions, yen, and whether the pay is high for the prefecture."""

    employment: Ints
    salary: Ints
    least: Ints
    most: Ints
    high: Any


@cache
def forbidden() -> Any:
    """A mask of types of employment by types of salary that do not go together."""
    return np.array(
        [
            [(e.employment_code, s.salary_code) in FORBIDDEN for s in salaries()]
            for e in employments()
        ]
    )


@cache
def employment_shares() -> dict[int, float]:
    """The share of each type of employment."""
    return {e.employment_code: float(e.share_target) / 100 for e in employments()}


@cache
def salary_shares() -> dict[int, float]:
    """The share of each type of salary, when forbidden pairs have become hourly."""
    pairs = np.outer(
        [float(e.share_target) for e in employments()], [float(s.share_target) for s in salaries()]
    )
    allowed = np.where(forbidden(), 0.0, pairs)
    allowed[:, HOURLY - 1] += (pairs - allowed).sum(axis=1)
    shares = allowed.sum(axis=0) / pairs.sum()
    return {s.salary_code: float(share) for s, share in zip(salaries(), shares, strict=True)}


def paid(block: Block, prefecture: Ints, major: Ints) -> Pay:
    """Employment and pay of jobs, whose prefectures and majors are positions."""
    employment = positions(even(block, "employment"), list(employment_shares().values()))
    shares = [float(s.share_target) for s in salaries()]
    salary = positions(even(block, "salary"), shares)
    salary = np.where(forbidden()[employment, salary], HOURLY - 1, salary)
    wage = np.array([p.min_wage_jpy for p in prefectures()])[prefecture]
    hours = np.array([s.hours_equiv for s in salaries()])[salary]
    step = np.array([s.round_to_jpy for s in salaries()])[salary]
    least = rounded_up(_hourly(block, wage, major, employment) * hours, step)
    return Pay(employment, salary, least, _most(block, least, step), high_pay(least, wage, hours))


def high_pay(least: Ints, wage: Ints, hours: Ints) -> Any:
    """Whether the minimum is at least 1.25 times the minimum wage of as many hours."""
    return least * 100 >= wage * hours * round(HIGH_PAY * 100)


def rounded_up(yen: Ints, step: Ints | int) -> Ints:
    """The next multiple of a step."""
    return -(-yen // step) * step


def fees(block: Block) -> Ints:
    """Yen for an application: a few low ones, the others lognormal, in steps of 100."""
    options, rng = block.options, block.rng("fee")
    low = rng.integers(1, options.mail_fee_over // FEE_STEP + 1, len(block)) * FEE_STEP
    mailed = even(block, "mailed") < options.mail_share
    return np.where(mailed, _high_fees(rng, options.mail_fee_over + FEE_STEP, len(block)), low)


def _high_fees(rng: np.random.Generator, least: int, size: int) -> Ints:
    fees = _lognormal(rng, size)
    while (outside := (fees < least) | (fees > FEE_LIMIT)).any():
        fees[outside] = _lognormal(rng, int(outside.sum()))
    return np.round(fees / FEE_STEP).astype(np.int64) * FEE_STEP


def _lognormal(rng: np.random.Generator, size: int) -> Floats:
    return rng.lognormal(np.log(_MEDIAN_FEE), _FEE_SPREAD, size)


def _hourly(block: Block, wage: Ints, major: Ints, employment: Ints) -> Ints:
    occupation = np.array([float(m.pay_factor) for m in majors()])[major]
    kind = np.array([float(e.pay_factor) for e in employments()])[employment]
    factor = np.exp(block.rng("pay").normal(0.0, _SPREAD, len(block)))
    yen = np.maximum(wage, wage * occupation * kind * factor)
    return rounded_up(np.ceil(yen).astype(np.int64), 10)


def _most(block: Block, least: Ints, step: Ints) -> Ints:
    factor = block.rng("raise").uniform(_LEAST_RAISE, _MOST_RAISE, len(block))
    raised = rounded_up(np.ceil(least * factor).astype(np.int64), step)
    return np.where(even(block, "equal pay") < EQUAL_PAY, least, raised)
