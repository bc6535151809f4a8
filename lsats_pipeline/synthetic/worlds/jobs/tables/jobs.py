"""Job advertisements (domain/world_jobs.md 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from lsats_pipeline.synthetic.sampling import Floats, Ints, padded, positions, shuffled
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.jobs import days, facts
from lsats_pipeline.synthetic.worlds.jobs.digits import luhn_digit
from lsats_pipeline.synthetic.worlds.jobs.employers import employer_of
from lsats_pipeline.synthetic.worlds.jobs.features import NEAR, tagged
from lsats_pipeline.synthetic.worlds.jobs.job_rules import ROW_RULES
from lsats_pipeline.synthetic.worlds.jobs.job_shares import SHARES
from lsats_pipeline.synthetic.worlds.jobs.names import station_of
from lsats_pipeline.synthetic.worlds.jobs.occupations import major_of_minor, minor_of
from lsats_pipeline.synthetic.worlds.jobs.pay import Pay, fees, paid
from lsats_pipeline.synthetic.worlds.jobs.places import city_of, pref_codes
from lsats_pipeline.synthetic.worlds.jobs.random_streams import even
from lsats_pipeline.synthetic.worlds.jobs.schema import METADATA, stamped, stamps
from lsats_pipeline.synthetic.worlds.jobs.shifts import Shifts, at_night, worked
from lsats_pipeline.synthetic.worlds.jobs.texts import take_texts, texts_of

_WITH_STATION = 0.6
_NEAR_MINUTES, _MOST_MINUTES = 10, 30
_AROUND = 0.02  # degrees of a job from the centre of its city, one standard deviation
_MINUTE = 60_000_000  # microseconds


def _refers(column: str, kind: Any, target: str, *, index: bool = False) -> sa.Column[Any]:
    """A reference; an index pays where a value picks few of the rows."""
    return sa.Column(column, kind, sa.ForeignKey(target), nullable=False, index=index)


JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("endcl_code", sa.String(12), nullable=False, unique=True),
    _refers("company_id", sa.Integer, "companies.company_id", index=True),
    sa.Column("title", sa.String(120), nullable=False),
    _refers("minor_code", sa.SmallInteger, "occupation_minors.minor_code", index=True),
    _refers("major_code", sa.SmallInteger, "occupation_majors.major_code"),
    _refers("employment_code", sa.SmallInteger, "employment_types.employment_code"),
    _refers("salary_code", sa.SmallInteger, "salary_types.salary_code"),
    sa.Column("salary_min", sa.Integer, nullable=False, comment="yen for the unit of the type"),
    sa.Column("salary_max", sa.Integer, nullable=False),
    sa.Column("fee", sa.Integer, nullable=False, comment="yen for an application"),
    _refers("pref_code", sa.CHAR(2), "prefectures.pref_code"),
    _refers("city_code", sa.CHAR(5), "cities.city_code", index=True),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lng", sa.Double, nullable=False),
    sa.Column("nearest_station", sa.String(40)),
    sa.Column("walk_minutes", sa.SmallInteger),
    sa.Column("feature_codes", ARRAY(sa.SmallInteger), nullable=False, comment="sorted"),
    sa.Column("min_days_week", sa.SmallInteger, nullable=False),
    sa.Column("max_days_week", sa.SmallInteger, nullable=False),
    sa.Column("shift_start", sa.Time, nullable=False),
    sa.Column("shift_end", sa.Time, nullable=False),
    sa.Column("is_night", sa.Boolean, nullable=False, comment="ends past midnight"),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    *stamps(),
    sa.CheckConstraint("0 < salary_min AND salary_min <= salary_max", name="salary"),
    sa.CheckConstraint("fee > 0 AND fee <= 20000 AND fee % 100 = 0", name="fee"),
    sa.CheckConstraint("left(city_code, 2) = pref_code", name="prefecture"),
    sa.CheckConstraint("lat BETWEEN 20 AND 46 AND lng BETWEEN 122 AND 154", name="coordinates"),
    sa.CheckConstraint(
        "walk_minutes BETWEEN 1 AND 30 AND nearest_station IS NOT NULL"
        " OR walk_minutes IS NULL AND nearest_station IS NULL",
        name="station",
    ),
    sa.CheckConstraint(
        "1 <= min_days_week AND min_days_week <= max_days_week AND max_days_week <= 7", name="days"
    ),
    sa.CheckConstraint("char_length(title) >= 10", name="title"),
    sa.CheckConstraint("char_length(description) BETWEEN 80 AND 400", name="description"),
    sa.CheckConstraint("expires_at > posted_at", name="expires_at"),
)


def generate(block: Block) -> Columns:
    """Jobs of a block: who and where, then what, its pay, tags, shifts and texts."""
    company, prefecture = employer_of(block)
    city = city_of(prefecture, even(block, "city"), block.options.seed)
    minor = minor_of(prefecture, even(block, "minor"))
    major = major_of_minor()[minor]
    pay, night = paid(block, prefecture, major), at_night(block, minor)
    tags = tagged(block, prefecture, major, night, pay.high)
    return {
        "job_id": block.rows + 1,
        "endcl_code": external_codes(block.rows),
        "company_id": company + 1,
        "minor_code": np.array([m.minor_code for m in facts.minors()])[minor],
        "major_code": np.array([m.major_code for m in facts.majors()])[major],
        "fee": fees(block),
        "pref_code": take_texts(pref_codes(), prefecture),
        "city_code": take_texts([c.city_code for c in facts.cities()], city),
        "feature_codes": tags.codes,
        "is_night": night,
        **_paid(pay),
        **_location(block, city, tags[NEAR]),
        **_worked(worked(block, tags, night)),
        **texts_of(block, company, city, minor, tags)._asdict(),
        **{**stamped(block.options), **_posted(block)},
    }


def external_codes(rows: Ints) -> list[str]:
    """J, nine digits and a check digit: the same for a row whatever the seed and the volume.

    So a second run finds its rows, and with another seed changes them.
    """
    numbers = shuffled(rows, 10**9, 0, "jobs", "endcl_code")
    codes = padded(numbers * 10 + luhn_digit(numbers), 10)
    return [f"J{code}" for code in codes.tolist()]


def _paid(pay: Pay) -> Columns:
    return {
        "employment_code": np.array([e.employment_code for e in facts.employments()])[
            pay.employment
        ],
        "salary_code": np.array([s.salary_code for s in facts.salaries()])[pay.salary],
        "salary_min": pay.least,
        "salary_max": pay.most,
    }


def _location(block: Block, city: Ints, near: Any) -> Columns:
    """A place around the city's centre; a station when it is near, else for 60 %."""
    rng = block.rng("place")
    centres = np.array([(c.lat, c.lng) for c in facts.cities()])[city]
    lat, lng = np.round(centres + rng.normal(0.0, _AROUND, centres.shape), 6).T
    none = ~near & (rng.random(len(block)) >= _WITH_STATION)
    minutes = np.where(
        near,
        rng.integers(1, _NEAR_MINUTES + 1, len(block)),
        rng.integers(1, _MOST_MINUTES + 1, len(block)),
    )
    stations = station_of(city, rng.random(len(block)))
    return {
        "lat": lat,
        "lng": lng,
        "nearest_station": _unless(none, stations),
        "walk_minutes": pa.array(minutes, pa.int16(), mask=none),
    }


def _worked(shifts: Shifts) -> Columns:
    return {
        "min_days_week": shifts.least_days,
        "max_days_week": shifts.most_days,
        "shift_start": _time(shifts.start),
        "shift_end": _time(shifts.end),
    }


def _posted(block: Block) -> Columns:
    """When it was posted, and until when it runs."""
    as_of = block.options.as_of
    now = days.instant(days.midnight(as_of))
    age = positions(even(block, "posted"), days.age_shares(as_of)) + 1
    duration = np.array(list(days.DURATIONS))[
        positions(even(block, "duration"), list(days.DURATIONS.values()))
    ]
    posted = now - age * days.DAY + _hour_of_day(block.rng("hour").random(len(block)))
    expires = posted + duration * days.DAY
    return {
        "posted_at": days.in_utc(posted),
        "expires_at": days.in_utc(expires),
        "is_active": expires > now,
    }


def _hour_of_day(uniform: Floats) -> Ints:
    """Microseconds from midnight of a second between 9 and 20 hours."""
    hours = days.FIRST_HOUR + uniform * (days.LAST_HOUR - days.FIRST_HOUR)
    return (hours * 3600).astype(np.int64) * 1_000_000


def _time(minutes: Ints) -> Any:
    return pa.array(minutes * _MINUTE).cast(pa.time64("us"))


def _unless(none: Any, texts: Any) -> Any:
    return texts.take(pa.array(np.arange(len(none)), mask=none))


TABLE = WorldTable(
    JOBS,
    rows=lambda options: int(options.jobs),
    generate=generate,
    about="job advertisements",
    key=("endcl_code",),
    block=10_000,
    rules=(*ROW_RULES, *SHARES),
)
