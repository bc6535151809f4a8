"""Rules of single jobs (domain/world_jobs.md 5).

V1, V7, V9 and V19 follow from the table: `not_null`, `foreign_key_...`, `unique_...`, `row_count`.
The document gives V4 two weights, 3 and 2; 3 is taken. J: columns of section 3, tags of 2.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import Matches, RowRule, Rows, WorldRule
from lsats_pipeline.synthetic.worlds.jobs import days, features, texts
from lsats_pipeline.synthetic.worlds.jobs.digits import bad_external_codes
from lsats_pipeline.synthetic.worlds.jobs.facts import prefectures, salaries, tags
from lsats_pipeline.synthetic.worlds.jobs.names import known
from lsats_pipeline.synthetic.worlds.jobs.pay import FEE_LIMIT, FEE_STEP, FORBIDDEN, high_pay
from lsats_pipeline.synthetic.worlds.jobs.places import pref_codes

_NEAR_MINUTES, _MOST_MINUTES = 10, 30


def _bad_fee(rows: Rows) -> Any:
    fee = rows["fee"]
    return (fee <= 0) | (fee > FEE_LIMIT) | (fee % FEE_STEP > 0)


def _bad_salary(rows: Rows) -> Any:
    return (rows["salary_min"] > rows["salary_max"]) | (rows["salary_min"] <= 0)


def _least_allowed(rows: Rows) -> tuple[Any, Any]:
    """The minimum wage of each job's prefecture, and the hours of its type of salary."""
    wage = _looked_up(
        rows.arrow("pref_code"), pref_codes(), [p.min_wage_jpy for p in prefectures()]
    )
    return wage, _by_salary(rows, [s.hours_equiv for s in salaries()])


def _under_minimum_wage(rows: Rows) -> Any:
    wage, hours = _least_allowed(rows)
    return rows["salary_min"] < wage * hours


def _off_step(rows: Rows) -> Any:
    step = np.maximum(_by_salary(rows, [s.round_to_jpy for s in salaries()]), 1)
    return (rows["salary_min"] % step > 0) | (rows["salary_max"] % step > 0)


def _elsewhere(rows: Rows) -> Any:
    head = pc.utf8_slice_codeunits(rows.arrow("city_code"), 0, 2)
    return pc.not_equal(head, rows.arrow("pref_code"))


def _bad_dates(rows: Rows) -> Any:
    posted, expires = rows.arrow("posted_at"), rows.arrow("expires_at")
    now = pa.scalar(days.midnight(rows.options.as_of), posted.type)
    active = pc.not_equal(rows.arrow("is_active"), pc.greater(expires, now))
    late = pc.or_kleene(pc.less_equal(expires, posted), pc.greater(posted, now))
    return pc.or_kleene(late, active)


def _bad_features(rows: Rows) -> Any:
    """Unsorted or twice, unknown, excluding each other, too few or too many."""
    lists = rows.arrow("feature_codes")
    job, code = flat(lists)
    sizes = np.bincount(job, minlength=len(rows))
    broken = (sizes < features.FEWEST) | (sizes > features.MOST)
    falling = (np.diff(code) <= 0) & (np.diff(job) == 0)
    broken[job[1:][falling]] = True
    broken[job[~np.isin(code, features.tag_codes())]] = True
    has = _Tagged(rows)
    for one, other in _excluding():
        broken |= has[one] & has[other]
    return broken & pc.is_valid(lists).to_numpy(zero_copy_only=False)


def _forbidden_pair(rows: Rows) -> Any:
    employment, salary = rows["employment_code"], rows["salary_code"]
    masks = [(employment == one) & (salary == other) for one, other in FORBIDDEN]
    return np.logical_or.reduce(masks)


def _outside_japan(rows: Rows) -> Any:
    lat, lng = rows["lat"], rows["lng"]
    return (lat < 20) | (lat > 46) | (lng < 122) | (lng > 154)


def _bad_walk(rows: Rows) -> Any:
    minutes = rows["walk_minutes"]
    return (minutes < 1) | (minutes > _MOST_MINUTES)


def _bad_station(rows: Rows) -> Any:
    """Minutes without a station or the reverse; 駅近 without one within ten minutes."""
    station, walk = rows.arrow("nearest_station"), rows.arrow("walk_minutes")
    halves = pc.xor(pc.is_null(station), pc.is_null(walk)).to_numpy(zero_copy_only=False)
    close = pc.less_equal(walk, _NEAR_MINUTES).fill_null(False).to_numpy(zero_copy_only=False)
    return halves | (_Tagged(rows)[features.NEAR] & ~close)


def _bad_text(rows: Rows) -> Any:
    title, text = (pc.utf8_length(rows.arrow(name)) for name in ("title", "description"))
    short = pc.or_(pc.less(title, texts.SHORTEST_TITLE), pc.less(text, texts.SHORTEST_TEXT))
    long = pc.or_(pc.greater(title, texts.LONGEST_TITLE), pc.greater(text, texts.LONGEST_TEXT))
    return pc.or_(short, long)


def _bad_days(rows: Rows) -> Any:
    least, most = rows["min_days_week"], rows["max_days_week"]
    return (least < 1) | (least > most) | (most > 7)


def _bad_shift(rows: Rows) -> Any:
    past_midnight = pc.less_equal(rows.arrow("shift_end"), rows.arrow("shift_start"))
    return pc.not_equal(past_midnight, rows.arrow("is_night"))


def _tags_unfit(rows: Rows) -> Any:
    """Tags against occupation, pay and hours (domain/world_jobs.md 2.5, conditions)."""
    has, major = _Tagged(rows), rows["major_code"]
    wage, hours = _least_allowed(rows)
    night = rows.arrow("is_night").fill_null(False).to_numpy(zero_copy_only=False)
    return (
        (has[features.MEALS] & ~np.isin(major, list(features.FOOD)))
        | (has[features.AT_HOME] & ~np.isin(major, list(features.HOME_OFFICE)))
        | (has[features.PUPILS] & np.isin(major, list(features.NOT_FOR_PUPILS)))
        | (has[features.HIGH_PAY] != high_pay(rows["salary_min"], wage, hours))
        | (has[features.NIGHT] != night)
    )


def _bad_hour(rows: Rows) -> Any:
    """Posted outside 9-20 h, or over 90 days ago."""
    hour = (local(rows) % days.DAY) / days.HOUR
    now = days.instant(days.midnight(rows.options.as_of))
    old = now - instants(rows, "posted_at") > days.OLDEST * days.DAY
    return (hour < days.FIRST_HOUR) | (hour > days.LAST_HOUR) | old


def _looked_up(column: Any, keys: Sequence[Any], values: Sequence[int]) -> Any:
    """The value of each row's key; 0 for an unknown one, which breaks a foreign key."""
    at = pc.index_in(column, value_set=pa.array(keys, column.type)).fill_null(-1)
    return np.append(values, 0)[at.to_numpy(zero_copy_only=False)]


def _by_salary(rows: Rows, values: Sequence[int]) -> Any:
    return _looked_up(rows.arrow("salary_code"), [s.salary_code for s in salaries()], values)


def flat(lists: Any) -> tuple[Any, Any]:
    """Row and code of every tag."""
    job = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    return job, pc.list_flatten(lists).to_numpy(zero_copy_only=False)


class _Tagged(dict[int, Any]):
    """A mask of the rows with a tag, for each tag asked for."""

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self._size = len(rows)
        self._job, self._code = flat(rows.arrow("feature_codes"))

    def __missing__(self, code: int) -> Any:
        mask = np.zeros(self._size, dtype=bool)
        mask[self._job[self._code == code]] = True
        self[code] = mask
        return mask


def _excluding() -> set[tuple[int, int]]:
    pairs = {(tag.feature_code, other) for tag in tags() for other in tag.excluded}
    return {(one, other) for one, other in pairs if one < other}


def instants(rows: Rows, column: str) -> Any:
    """A column of times in microseconds since 1970."""
    return rows[column].astype("datetime64[us]").astype(np.int64)


def local(rows: Rows) -> Any:
    """When each job was posted by the clocks of Japan, in microseconds since 1970."""
    return instants(rows, "posted_at") + 9 * days.HOUR


ROW_RULES: tuple[WorldRule, ...] = (
    RowRule("V2_fee", _bad_fee, about="a fee above 0, up to 20,000, in hundreds", weight=3),
    RowRule("V4_salary", _bad_salary, about="0 < minimum <= maximum of the salary", weight=3),
    RowRule(
        "V5_minimum_wage",
        _under_minimum_wage,
        about="no hour is paid under the prefecture's minimum wage",
        weight=3,
    ),
    RowRule(
        "V6_range",
        lambda rows: rows["salary_max"] > 2 * rows["salary_min"],
        about="the maximum is at most twice the minimum",
    ),
    RowRule("V8_city", _elsewhere, about="the city is in the prefecture", weight=2),
    Matches(
        "V8_major",
        "minor_code",
        {"major_code": "major_code"},
        about="the major is the minor's",
        weight=2,
    ),
    RowRule(
        "V10_dates",
        _bad_dates,
        about="posted before now, expires later; active exactly while not expired",
        weight=2,
    ),
    RowRule(
        "V11_features",
        _bad_features,
        about="3-25 known tags, sorted, none twice, none excluding another",
        weight=2,
    ),
    RowRule("V12_pay_type", _forbidden_pair, about="employment and salary go together", weight=2),
    RowRule("V13_coordinates", _outside_japan, about="coordinates are inside Japan's box"),
    RowRule("V13_walk_minutes", _bad_walk, about="1 to 30 minutes to the station"),
    RowRule(
        "B16_known_station",
        lambda rows: known(rows.arrow("nearest_station")),
        about="no name of a known station or brand",
        weight=2,
    ),
    RowRule(
        "J1_external_code",
        lambda rows: bad_external_codes(rows.arrow("endcl_code")),
        about="J, nine digits, check digit",
        weight=2,
    ),
    RowRule("J2_texts", _bad_text, about="titles of 10-120, descriptions of 80-400 characters"),
    RowRule("J3_days", _bad_days, about="1 <= fewest <= most <= 7 days a week"),
    RowRule("J4_shift", _bad_shift, about="at night exactly when it ends past midnight"),
    RowRule("J5_station", _bad_station, about="minutes exactly with a station; 駅近: within ten"),
    RowRule("J6_tags", _tags_unfit, about="tags fit occupation, pay and hours", weight=2),
    RowRule("J7_posted", _bad_hour, about="posted from 9 to 20 h, at most 90 days ago"),
    RowRule("J8_steps", _off_step, about="salaries are rounded as their type says"),
)
