"""Labs: who leads one, who belongs to it, and their events.

    people in order, cut into neighbourhoods --> one PI each --> members from it and the one before
    start --events up to the day--> Lab (status, name of its folder, awards)

A person can be in the lab of the own neighbourhood and in the next one, so both questions, who is
in a lab and which labs somebody is in, are answered by looking at a few hundred people at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus.defects import defects_of
from lsats_pipeline.campus.people import (
    Ids,
    Person,
    has_lab_title,
    ids_of,
    is_manager,
    kind_of,
    start_of,
    traits_of,
)
from lsats_pipeline.campus.sampling import below, bernoulli, event_days, pick, uniforms
from lsats_pipeline.campus.world import Campus

PEOPLE_PER_LAB = 300
LEAST_LABS = 4
STATUSES = ("Current", "Legacy", "Staging")
RESEARCH, WORKSTATIONS = "Research and Instrumentation", "Workstations"

# In how many percent of cases somebody of this role is in the lab of the neighbourhood.
_MEMBERS = {"staff": 8, "student": 11, "faculty": 3, "sponsored": 15}
_WITH_LAB_TITLE, _VISITING = 92, 1.5
_JOINING = 5000  # of 65,536 days somebody joins or leaves a lab
_CHANGING = 2000  # of 65,536 days it has another event
_SHORT_NAMES = 105  # people before this one have uniqnames of three letters
_RESERVED = ("lsa",)  # would make every group theirs


class Lab(NamedTuple):
    """One lab on one day."""

    number: int
    pi: Person  # as they were at the start
    ids: Ids
    department: int
    has_folder: bool  # an organizational unit in Active Directory
    branch: str
    status: str  # in the branch Research and Instrumentation
    pattern: int  # how the folder is named
    has_machines: bool
    has_groups: bool
    awards: int
    amended: int  # how often money or dates of the first award were changed
    changed: int  # day of the last change, -1 before any


class LabDraw(NamedTuple):
    """The uniforms of a lab's start."""

    folder: int
    branch: int
    status: int
    pattern: int
    machines: int
    groups: int
    awards: int
    how_many: int


def lab_count(campus: Campus) -> int:
    """How many labs there are; they neither come nor go."""
    return max(LEAST_LABS, campus.people // PEOPLE_PER_LAB)


def neighbourhood(campus: Campus, number: int) -> int | None:
    """The lab whose neighbourhood a person lives in."""
    labs = lab_count(campus)
    if number >= campus.people:
        return (number - campus.people) % labs
    home = number // (campus.people // labs)
    return home if home < labs else None


def residents(campus: Campus, lab: int, day: int) -> Iterator[int]:
    """Everybody in a lab's neighbourhood on a day, ascending."""
    labs = lab_count(campus)
    size = campus.people // labs
    yield from range(lab * size, (lab + 1) * size)
    yield from range(campus.people + lab, campus.population(day), labs)


@lru_cache(maxsize=5000)
def lab_start(campus: Campus, number: int) -> Lab:
    """A lab as on the first day."""
    pi = start_of(campus, _principal(campus, number))
    draw = LabDraw._make(uniforms(b"lab", campus.seed, number)[: len(LabDraw._fields)])
    folder = bernoulli(78, draw.folder)
    branch = RESEARCH if bernoulli(75, draw.branch) else WORKSTATIONS
    # Somebody without folder and awards could not be known as a PI at all.
    awards = 1 + below(3, draw.how_many) if bernoulli(72, draw.awards) or not folder else 0
    return Lab(
        number=number,
        pi=pi,
        ids=ids_of(campus, pi.number, pi.first, pi.last),
        department=pi.department,
        has_folder=folder,
        branch=branch,
        status=pick(("Current",) * 8 + STATUSES[1:], draw.status) if branch == RESEARCH else "",
        pattern=draw.pattern % 3,
        has_machines=bernoulli(88, draw.machines),
        has_groups=bernoulli(92, draw.groups),
        awards=awards,
        amended=0,
        changed=-1,
    )


def _principal(campus: Campus, lab: int) -> int:
    """Who leads a lab: faculty known everywhere and by readable records, as far as there is any."""
    ranks = {number: _rank(campus, number) for number in residents(campus, lab, 0)}
    best = min(ranks.values())
    # Whoever is of a lower rank comes after all of the best, so nobody need look closer at them.
    return min(
        (number for number, rank in ranks.items() if rank == best),
        key=lambda n: (_unfitness(campus, n), (n * 31 + lab) % 97, n),
    )


def _rank(campus: Campus, number: int) -> int:
    _, role = kind_of(campus, number, traits_of(campus, number))
    return {"faculty": 0, "staff": 4, "showcase": 8, "student": 8}.get(role, 16)


def _unfitness(campus: Campus, number: int) -> int:
    """0 to 4: unknown somewhere or unreadable, with a uniqname that others' names contain."""
    person = start_of(campus, number)
    ids = ids_of(campus, number, person.first, person.last)
    if person.role == "showcase":
        return 4 if ids.uniqname in _RESERVED else 0
    known = {"tdx", "umich_api", "mcommunity", "active_directory"} <= person.accounts
    readable = not any(name.endswith(("_nul", "_bytes")) for name in defects_of(campus, number))
    fit = known and readable and ids.uniqname not in _RESERVED
    return (2 if not fit else 0) + (number < _SHORT_NAMES)


@lru_cache(maxsize=20_000)
def lab_on(campus: Campus, number: int, day: int) -> Lab:
    """A lab on a day."""
    lab = lab_start(campus, number)
    for when in event_days(b"lab days", campus.seed, number, _CHANGING, 1, day):
        what, which, *_ = uniforms(b"lab event", campus.seed, number, when)
        lab = _changed(lab, what, which)._replace(changed=when)
    return lab


def _changed(lab: Lab, what: int, which: int) -> Lab:
    """An award more, an amended award, a folder renamed, or one moved to another status."""
    kind = what % 5
    if kind == 0:
        return lab._replace(awards=lab.awards + 1)
    if kind in (1, 2) and lab.awards:
        return lab._replace(amended=lab.amended + 1)
    if kind == 3 or not lab.status:
        return lab._replace(pattern=(lab.pattern + 1 + which % 2) % 3)
    return lab._replace(status=STATUSES[(STATUSES.index(lab.status) + 1 + which % 2) % 3])


# --- members -----------------------------------------------------------------------------------


def belongs_at_first(campus: Campus, number: int, visiting: bool) -> bool:
    """Whether somebody belongs to the lab of the own (or, `visiting`, the next) neighbourhood."""
    traits = traits_of(campus, number)
    _, role = kind_of(campus, number, traits)
    if role not in _MEMBERS:
        return False
    if visiting:
        return bernoulli(_VISITING, traits.visit)
    share = _WITH_LAB_TITLE if has_lab_title(role, traits) else _MEMBERS[role]
    return bernoulli(share, traits.lab)


@lru_cache(maxsize=5000)
def _first_members(campus: Campus, lab: int) -> frozenset[int]:
    before = (lab - 1) % lab_count(campus)
    return frozenset(
        [n for n in residents(campus, lab, 0) if belongs_at_first(campus, n, False)]
        + [n for n in residents(campus, before, 0) if belongs_at_first(campus, n, True)]
    ) - {lab_start(campus, lab).pi.number}


@lru_cache(maxsize=20_000)
def lab_members(campus: Campus, lab: int, day: int) -> frozenset[int]:
    """Who belongs to a lab, its PI aside, whether or not they have left the university."""
    labs = lab_count(campus)
    hired = range(campus.people + lab, campus.population(day), labs)
    visitors = range(campus.people + (lab - 1) % labs, campus.population(day), labs)
    members = set(_first_members(campus, lab))
    members.update(n for n in hired if belongs_at_first(campus, n, False))
    members.update(n for n in visitors if belongs_at_first(campus, n, True))
    for number in membership_changes(campus, lab, 1, day):
        members ^= {number}
    return frozenset(members)


def membership_changes(campus: Campus, lab: int, first: int, last: int) -> Iterator[int]:
    """Who joined the lab, or left it when they were in it, on these days; in order."""
    size = campus.people // lab_count(campus)
    pi = lab_start(campus, lab).pi.number
    for day in event_days(b"joining", campus.seed, lab, _JOINING, first, last):
        number = lab * size + below(size, uniforms(b"joins", campus.seed, lab, day)[0])
        _, role = kind_of(campus, number, traits_of(campus, number))
        if role in _MEMBERS and number != pi:
            yield number


def labs_of(campus: Campus, number: int, day: int) -> tuple[int, ...]:
    """The labs that somebody leads or belongs to."""
    home = neighbourhood(campus, number)
    if home is None or is_manager(number):
        return ()
    near = dict.fromkeys((home, (home + 1) % lab_count(campus)))
    return tuple(
        lab
        for lab in near
        if lab_start(campus, lab).pi.number == number or number in lab_members(campus, lab, day)
    )


def is_pi(campus: Campus, number: int) -> bool:
    """Whether somebody leads a lab."""
    return lab_led_by(campus, number) is not None


def lab_led_by(campus: Campus, number: int) -> Lab | None:
    """The lab that somebody leads."""
    home = neighbourhood(campus, number)
    if home is None or lab_start(campus, home).pi.number != number:
        return None
    return lab_start(campus, home)
