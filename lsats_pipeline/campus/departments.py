"""Departments: a hierarchy, a few oddities, and what changes about them from day to day.

campus -> VP area -> college -> department      ordinary; people work in the last two levels
oddities                                        nobody works there; each shows one defect

skeleton(campus) --events up to the day--> departments(campus, day) --> department_views.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.sampling import below, pick, shuffled, uniforms
from lsats_pipeline.campus.world import Campus


class Department(NamedTuple):
    """One department as it truly is, with the names that the two systems hold."""

    number: int
    level: str  # campus, vp_area, college, department
    code: str
    tdx_id: int
    founding_name: str
    parent: int | None
    college: int | None
    tdx_name: str
    umich_api_name: str
    phone: str
    notes: str
    modified: int  # the day of the last change TDX knows of; -1 = before the first day
    oddity: str = ""
    twin_tdx_id: int = 0  # the second TDX account with this code


class Oddity(NamedTuple):
    """A department with something wrong: which systems know it, and for how long."""

    name: str
    in_tdx: bool = True
    in_umich_api: bool = True
    leaves: bool = False


ODDITIES = (
    Oddity("tdx_no_code", in_umich_api=False),
    Oddity("tdx_only", in_umich_api=False),
    Oddity("umapi_only", in_tdx=False),
    Oddity("tdx_long_code", in_umich_api=False),
    Oddity("tdx_dashed_code", in_umich_api=False),
    Oddity("tdx_no_name", in_umich_api=False),
    Oddity("tdx_no_active"),
    Oddity("tdx_not_active"),
    Oddity("tdx_no_detail"),
    Oddity("tdx_time_travel"),
    Oddity("tdx_no_location"),
    Oddity("tdx_orphan"),
    Oddity("tdx_twins"),
    Oddity("names_differ"),
    Oddity("tdx_nul", in_umich_api=False),
    Oddity("tdx_bytes", in_umich_api=False),
    Oddity("tdx_leaves", in_umich_api=False, leaves=True),
    Oddity("umapi_no_name", in_tdx=False),
    Oddity("umapi_no_campus"),
    Oddity("umapi_no_college"),
    Oddity("umapi_no_vp_area"),
    Oddity("umapi_no_codes"),
    Oddity("umapi_nul", in_tdx=False),
    Oddity("umapi_bytes", in_tdx=False),
    Oddity("umapi_no_key", in_tdx=False),
)
ODDITY = {oddity.name: oddity for oddity in ODDITIES}

ROOTS = len(names.CAMPUSES) + len(names.VP_AREAS)
PEOPLE_PER_DEPARTMENT = 140
DAYS_PER_FOUNDING = 5
_CODES, _TDX_IDS = 899_981, 89_989  # primes: every number keeps its own code and id


def ordinary(campus: Campus) -> int:
    """How many departments the hierarchy has on the first day."""
    return max(24, campus.people // PEOPLE_PER_DEPARTMENT)


def homes(campus: Campus) -> range:
    """The departments people work in: colleges and what is below them."""
    return range(ROOTS, ordinary(campus))


@lru_cache(maxsize=4)
def skeleton(campus: Campus) -> tuple[Department, ...]:
    """Hierarchy and oddities as on the first day; the position is the number."""
    count = ordinary(campus)
    rounds = 1 + count // 200
    hierarchy = [_ordinary(campus, number) for number in range(count)]
    oddities = [
        _oddity(campus, count + position, oddity)
        for position, oddity in enumerate(ODDITIES * rounds)
    ]
    return (*hierarchy, *oddities)


def tdx_code(department: Department) -> str:
    """The code TDX shows: usually the six digits, but see the oddities; a campus has none."""
    if department.level == "campus":
        return ""
    code = department.code
    spellings = {
        "tdx_no_code": "",
        "tdx_long_code": f"{code}-" * 4 + "30",
        "tdx_dashed_code": f"{code[:3]}-{code[3:]}",
    }
    return spellings.get(department.oddity, code)


def long_code_department(campus: Campus) -> int:
    """The department whose TDX code has 30 characters; a few people have their account there."""
    return ordinary(campus) + ODDITIES.index(ODDITY["tdx_long_code"])


def departments(campus: Campus, day: int) -> Iterator[Department]:
    """Every department there is on `day`, in order."""
    events = _events_until(campus, day)
    for department in skeleton(campus):
        if not _gone(campus, department, day):
            yield _after(campus, department, events.get(department.number, ()))
    yield from (_founded(campus, k) for k in range(_foundings(day)))


def _foundings(day: int) -> int:
    return (day + DAYS_PER_FOUNDING - 1) // DAYS_PER_FOUNDING


def _gone(campus: Campus, department: Department, day: int) -> bool:
    if not department.oddity or not ODDITY[department.oddity].leaves:
        return False
    nth = (department.number - ordinary(campus)) // len(ODDITIES)
    return day >= 2 + nth


def _ordinary(campus: Campus, number: int) -> Department:
    colleges = max(4, ordinary(campus) // 15)
    areas = len(names.CAMPUSES)
    if number < areas:
        return _make(campus, number, "campus", names.CAMPUSES[number], None, None)
    if number < ROOTS:
        return _make(
            campus, number, "vp_area", names.VP_AREAS[number - areas], number % areas, None
        )
    if number < ROOTS + colleges:
        title = _numbered("College of {}", names.COLLEGES, number - ROOTS, number - ROOTS)
        parent = areas + number % len(names.VP_AREAS)
        return _make(campus, number, "college", title, parent, number)
    return _leaf(campus, number, number)


def _leaf(campus: Campus, number: int, spot: int) -> Department:
    """A department below a college; `spot` decides which college."""
    colleges = max(4, ordinary(campus) // 15)
    college = ROOTS + spot % colleges
    return _make(campus, number, "department", _leaf_name(number), college, college)


def _leaf_name(number: int) -> str:
    turn, form = divmod(number, len(names.DEPARTMENT_FORMS))
    # 23 shares no factor with the number of subjects, so a form meets every subject once a round.
    return _numbered(names.DEPARTMENT_FORMS[form], names.SUBJECTS, turn, turn * 23 + form * 7)


def _numbered(form: str, words: tuple[str, ...], number: int, position: int) -> str:
    again = number // len(words)
    return form.format(words[position % len(words)]) + (f" {again + 1}" if again else "")


def _oddity(campus: Campus, number: int, oddity: Oddity) -> Department:
    made = _leaf(campus, number, number)._replace(oddity=oddity.name)
    if oddity.name == "names_differ":
        return made._replace(tdx_name=f"Former {made.founding_name}")
    if oddity.name == "tdx_twins":
        return made._replace(twin_tdx_id=_tdx_id(campus, 2 * number + 1))
    if oddity.name in ("tdx_no_name", "umapi_no_name"):
        return made._replace(tdx_name="", umich_api_name="")
    return made


def _founded(campus: Campus, nth: int) -> Department:
    day = 1 + nth * DAYS_PER_FOUNDING
    number = len(skeleton(campus)) + nth
    return _leaf(campus, number, number)._replace(modified=day, notes="New unit")


def _tdx_id(campus: Campus, number: int) -> int:
    return 1000 + shuffled(number, campus.seed, _TDX_IDS, 48_271)


def _make(
    campus: Campus, number: int, level: str, name: str, parent: int | None, college: int | None
) -> Department:
    return Department(
        number=number,
        level=level,
        code=str(100_000 + shuffled(number, campus.seed, _CODES, 69_621)),
        tdx_id=_tdx_id(campus, 2 * number),
        founding_name=name,
        parent=parent,
        college=college,
        tdx_name=name,
        umich_api_name=name,
        phone=f"{5_550_000 + below(10_000, uniforms(b'dept phone', campus.seed, number)[0])}",
        notes="",
        modified=-1,
    )


# --- what happens to departments ---------------------------------------------------------------

Change = Callable[[Department, int], Department]


def _renamed(department: Department, day: int) -> Department:
    name = f"{department.founding_name} and {pick(names.SUBJECTS, day * 7919 % 65536)}"
    return department._replace(tdx_name=name, umich_api_name=name, modified=day)


def _renamed_in_umich_api(department: Department, day: int) -> Department:
    return department._replace(umich_api_name=f"{department.founding_name} Group {day}")


def _moved_phone(department: Department, day: int) -> Department:
    return department._replace(phone=f"{5_560_000 + day * 37 % 9973}", modified=day)


def _new_notes(department: Department, day: int) -> Department:
    return department._replace(notes=f"Reviewed on day {day}", modified=day)


# Repetition is weight.
EVENTS: tuple[Change, ...] = (
    _renamed, _renamed_in_umich_api, _moved_phone, _moved_phone, _new_notes, _new_notes,
)  # fmt: skip


def _events_until(campus: Campus, day: int) -> dict[int, list[tuple[int, int]]]:
    """The (day, uniform) of all events so far, by department."""
    found: dict[int, list[tuple[int, int]]] = {}
    rooms = homes(campus)
    for today in range(1, day + 1):
        for nth in range(max(1, ordinary(campus) // 150)):
            which, what, *_ = uniforms(b"dept event", campus.seed, nth, today)
            found.setdefault(pick(rooms, which), []).append((today, what))
    return found


def _after(
    campus: Campus, department: Department, events: list[tuple[int, int]] | tuple[()]
) -> Department:
    for day, uniform in events:
        department = pick(EVENTS, uniform)(department, day)
    return department
