"""The dictionaries of this world as records.

Prefectures: JIS X 0401, census of 2020, minimum wages of fiscal 2024 (domain/world_jobs.md 2.1).
Cities: JIS X 0402; the 47 capitals, the 20 designated cities and the 23 wards of Tokyo are 74
places, since 15 designated cities and one ward are capitals. With the 16 largest other cities of
the census of 2020 they are the 90 of domain/world_jobs.md 2. Centres are good to about 1 km.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_type_hints

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.dictionaries import read

T = TypeVar("T")


class Prefecture(NamedTuple):
    """One of the 47."""

    pref_code: str
    iso_3166_2: str
    lg_code6: str
    name_ja: str
    name_kana: str
    name_en: str
    region: str
    population: int
    min_wage_jpy: int
    min_wage_from: dt.date


class City(NamedTuple):
    """A city, or a ward of Tokyo. `capital`: 1 for the seat of its prefecture."""

    city_code: str
    lg_code6: str
    name_ja: str
    name_kana: str
    kind: str
    capital: int
    lat: float
    lng: float

    @property
    def pref_code(self) -> str:
        """Its prefecture."""
        return self.city_code[:2]


class Major(NamedTuple):
    """A group of occupations; `share_target` in percent, `pay_factor` on the minimum wage."""

    major_code: int
    name_ja: str
    name_en: str
    share_target: Decimal
    pay_factor: Decimal


class Minor(NamedTuple):
    """An occupation. `night_share`: how many of its jobs are at night."""

    minor_code: int
    name_ja: str
    name_en: str
    night_share: float
    role: str
    task: str

    @property
    def major_code(self) -> int:
        """Its group."""
        return self.minor_code // 100 * 100


class Employment(NamedTuple):
    """A type of employment; `share_target` in percent."""

    employment_code: int
    name_ja: str
    name_en: str
    share_target: Decimal
    pay_factor: Decimal


class Salary(NamedTuple):
    """A type of salary; `share_target` in percent, before forbidden pairs become hourly."""

    salary_code: int
    name_ja: str
    name_en: str
    unit: str
    share_target: Decimal
    hours_equiv: int
    round_to_jpy: int


class FeatureGroup(NamedTuple):
    """A group of tags."""

    group_code: str
    name_ja: str
    name_en: str


class Tag(NamedTuple):
    """A feature of a job; `label` stands in titles, `sentence` in descriptions."""

    feature_code: int
    group_code: str
    name_ja: str
    name_en: str
    base_prob: Decimal
    excludes: str
    label: str
    sentence: str

    @property
    def excluded(self) -> list[int]:
        """Tags that it excludes."""
        return numbers(self.excludes)


class Need(NamedTuple):
    """What somebody looks for; a job with any of these features, salaries, ... answers it."""

    need_code: str
    name_ja: str
    name_en: str
    features: str
    salaries: str
    majors: str
    minors: str


def exactly(text: str) -> Decimal:
    """A decimal number; ValueError otherwise."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a decimal number is wanted") from None


def numbers(text: str) -> list[int]:
    """Numbers separated by blanks."""
    return [int(number) for number in text.split()]


@cache
def prefectures() -> tuple[Prefecture, ...]:
    """All 47 by code."""
    return _records(Prefecture, "prefectures", 47)


@cache
def cities() -> tuple[City, ...]:
    """All 90 by code, so that those of a prefecture stand together."""
    return tuple(sorted(_records(City, "cities", 90)))


@cache
def majors() -> tuple[Major, ...]:
    """All 14 by code."""
    return _records(Major, "occupation_majors", 14)


@cache
def minors() -> tuple[Minor, ...]:
    """All 96 by code."""
    return _records(Minor, "occupation_minors", 96)


@cache
def employments() -> tuple[Employment, ...]:
    """All 7 by code."""
    return _records(Employment, "employment_types", 7)


@cache
def salaries() -> tuple[Salary, ...]:
    """All 5 by code."""
    return _records(Salary, "salary_types", 5)


@cache
def groups() -> tuple[FeatureGroup, ...]:
    """All 5 groups of tags."""
    return _records(FeatureGroup, "feature_groups", 5)


@cache
def tags() -> tuple[Tag, ...]:
    """All 44 by code."""
    return _records(Tag, "feature_tags", 44)


@cache
def needs() -> tuple[Need, ...]:
    """All 14."""
    return _records(Need, "needs", 14)


@cache
def words(name: str, least: int) -> tuple[str, ...]:
    """The words of a dictionary of one column, each once."""
    column = {"known_names": "name", "openings": "sentence", "closings": "sentence"}.get(name)
    kind = column or ("kana" if name.startswith("company") else "name_ja")
    found = tuple(row[0] for row in read(__package__, name, {kind: str}, least))
    if len(set(found)) < len(found):
        raise BadDeclaration(f"{name}.csv of the jobs world: a word stands there twice")
    return found


@cache
def company_kinds() -> tuple[tuple[str, str], ...]:
    """What may follow in a company's name, and how it is read."""
    return tuple(read(__package__, "company_kinds", {"name_ja": str, "kana": str}, 10))


_READ_AS: dict[Any, Callable[[str], Any]] = {dt.date: dt.date.fromisoformat, Decimal: exactly}


def _records(kind: Callable[..., T], name: str, least: int) -> tuple[T, ...]:
    columns = {n: _READ_AS.get(t, t) for n, t in get_type_hints(kind).items()}
    return tuple(kind(*row) for row in read(__package__, name, columns, least))
