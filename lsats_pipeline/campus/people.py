"""People as they truly are: who somebody is from the start, before anything happens to them.

number --traits--> Person (kind, names, department, appointments, accounts, identifiers)
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.defects import DEFECTS
from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.sampling import WHOLE, below, bernoulli, pick, raw, shuffled, uuid_text
from lsats_pipeline.campus.world import Campus

SYSTEMS = ("tdx", "umich_api", "mcommunity", "active_directory")


class Appointment(NamedTuple):
    """One appointment."""

    rcd: int
    department: int
    title: str
    department_title: str
    jobcode: str


class Person(NamedTuple):
    """One person, true or as one system believes."""

    number: int
    kind: str  # alumni, student, staff, faculty, sponsored
    role: str  # the kind, or manager, showcase, gone: decides what can happen to them
    first: str
    middle: str
    last: str
    old_last: str
    nickname: str
    title: str
    department: int
    jobs: tuple[Appointment, ...]
    phone: str
    mobile: str
    building: str
    room: str
    accounts: frozenset[str]  # systems that know them; umich_api does as long as there are jobs
    disabled: frozenset[str]  # accounts that are kept but switched off
    changes: int
    changed: int  # the day of the last change, `since` at first
    renames: int = 0  # how often they got another uniqname


class Ids(NamedTuple):
    """What identifies a person in each system, the same for life, but for the uniqname."""

    uniqname: str
    empl_id: str
    tdx_uid: str
    twin_tdx_uid: str
    guid: str
    spare_guid: str
    uid_number: int
    spare_uid_number: int


class PersonKind(NamedTuple):
    """A kind of person: how common, and in how many percent of cases they have which account."""

    share: float  # percent of the first population, managers (staff) aside
    hired: float  # percent of those who come later
    tdx: float
    umich_api: float
    mcommunity: float
    active_directory: float
    titles: tuple[str, ...]


KINDS = {
    "alumni": PersonKind(56, 0, 2, 0, 99.5, 24, ("",)),
    "student": PersonKind(22.4, 50, 50, 12, 98, 95, (
        "Student Assistant", "Library Aide", "Lab Helper", "",
    )),
    "staff": PersonKind(12.5, 36, 95, 99, 97, 97, (
        "Administrative Specialist", "Research Associate", "Systems Analyst", "Accountant",
        "Laboratory Manager", "Communications Lead", "Facilities Planner", "Data Steward",
        "Business Analyst", "Grant Coordinator",
    )),
    "faculty": PersonKind(6.1, 8, 92, 99, 98, 96, (
        "Professor", "Associate Professor", "Assistant Professor", "Lecturer", "Research Scientist",
    )),
    "sponsored": PersonKind(3, 6, 50, 0, 95, 80, ("Visiting Scholar", "Contractor", "")),
}  # fmt: skip
EMPLOYED = ("staff", "faculty")
# Titles of people who work in labs, and their job codes where the lab manager rules know one
# (domain/hub.md 5.9); the last of the staff is to be found by the code alone.
LAB_TITLES: dict[str, tuple[str, ...]] = {
    "staff": (
        "Lab Manager", "Lab Coordinator", "Laboratory Manager Senior", "Project Coordinator",
        "Admin Coord/Project Coord", "Administrative Coordinator", "Research Lab Specialist Lead",
        "Research Lab Specialist Senior", "Research Lab Specialist Inter",
        "Research Lab Specialist Assoc", "Research Lab Specialist", "Research Fellow",
        "Research Lab Tech Sr", "Research Lab Tech Lead", "Research Operations Aide",
    ),
    "student": (
        "Graduate Student Instructor", "Graduate Student Research Assistant",
        "Graduate Student Instructor and Graduate Student Research Assistant",
    ),
}  # fmt: skip
LAB_TITLE_SHARE = {"staff": 5, "student": 6}  # percent
JOB_CODES = {
    "Lab Manager": "102945", "Lab Coordinator": "102946", "Laboratory Manager Senior": "102929",
    "Research Lab Specialist Lead": "102909", "Research Lab Specialist": "102908",
    "Research Lab Tech Sr": "102944", "Research Operations Aide": "102945",
}  # fmt: skip
MANAGER_EVERY = 64
_MANAGER_SPOT = 63  # above every showcase person


class PersonTraits(NamedTuple):
    """The uniforms of a person's start, one per choice."""

    kind: int
    first: int
    middle: int
    last: int
    old_last: int
    nickname: int
    title: int
    department: int
    jobs: int
    phone: int
    mobile: int
    building: int
    room: int
    tdx: int
    umich_api: int
    mcommunity: int
    active_directory: int
    lab_title: int
    which_lab_title: int
    lab: int  # whether they are in the lab of their neighbourhood
    visit: int  # ... and in the next one (see labs.py)


_TRAITS = struct.Struct(f"<{len(PersonTraits._fields)}H")
_START_MIX = tuple((name, kind.share) for name, kind in KINDS.items())
_HIRED_MIX = tuple((name, kind.hired) for name, kind in KINDS.items())


def is_manager(number: int) -> bool:
    """Whether somebody leads a department: then they stay, and have no defects."""
    return number % MANAGER_EVERY == _MANAGER_SPOT


def is_showcase(number: int) -> bool:
    """Whether somebody is there to show one defect: then nothing ever happens to them."""
    return number < len(DEFECTS)


def manager_of_department(campus: Campus, department: int) -> int:
    """The person number of a department's manager; always somebody who was there at the start."""
    managers = campus.people // MANAGER_EVERY
    return homes(campus).index(department) % managers * MANAGER_EVERY + _MANAGER_SPOT


def ids_of(campus: Campus, number: int, first: str, last: str) -> Ids:
    """Identifiers; names are those at the start, as a uniqname outlives a change of name."""
    digest = raw(b"ids", campus.seed, number)
    return Ids(
        uniqname=names.uniqname(number, campus.seed, first, last),
        empl_id=str(10_000_000 + shuffled(number, campus.seed, 89_999_999, 48_271)),
        tdx_uid=uuid_text(digest, 0),
        twin_tdx_uid=uuid_text(digest, 1),
        guid=uuid_text(digest, 2),
        spare_guid=uuid_text(digest, 3),
        uid_number=100_000 + 2 * shuffled(number, campus.seed, 89_999_999, 69_621),
        spare_uid_number=100_001 + 2 * shuffled(number, campus.seed, 89_999_999, 69_621),
    )


def ids_as(ids: Ids, person: Person | None) -> Ids:
    """Identifiers as of a person's state, true or believed."""
    if person is None or not person.renames:
        return ids
    return ids._replace(uniqname=names.changed_uniqname(ids.uniqname, person.renames))


def traits_of(campus: Campus, number: int) -> PersonTraits:
    """The random choices about a person."""
    return PersonTraits._make(_TRAITS.unpack_from(raw(b"traits", campus.seed, number)))


def start_of(campus: Campus, number: int) -> Person:
    """A person as on the day they came."""
    traits = traits_of(campus, number)
    kind, role = kind_of(campus, number, traits)
    last = pick(names.LAST_NAMES, traits.last)
    title = _title(role, kind, traits)
    department = department_of(campus, number, role, traits)
    accounts = _accounts(kind, role, traits)
    return Person(
        number=number,
        kind=kind,
        role=role,
        first=pick(names.FIRST_NAMES, traits.first),
        middle=pick(names.FIRST_NAMES, traits.middle) if traits.middle & 1 else "",
        last=last,
        old_last=other_than(names.LAST_NAMES, last, traits.old_last),
        nickname=pick(names.FIRST_NAMES, traits.nickname) if traits.nickname % 7 == 0 else "",
        title=title,
        department=department,
        jobs=_jobs(campus, title, department, role, traits) if "umich_api" in accounts else (),
        phone=f"555{below(10_000, traits.phone):04d}" if kind != "alumni" else "",
        mobile=f"556{below(10_000, traits.mobile):04d}" if traits.mobile % 4 == 0 else "",
        building=pick(names.BUILDINGS, traits.building),
        room=str(1000 + below(4000, traits.room)),
        accounts=accounts,
        disabled=frozenset(),
        changes=0,
        changed=campus.since(number),
    )


def other_than(items: tuple[str, ...], item: str, uniform: int) -> str:
    """One of the items, but not `item`."""
    found = pick(items, uniform)
    return found if found != item else items[(items.index(item) + 1) % len(items)]


def job(campus: Campus, rcd: int, department: int, title: str) -> Appointment:
    """An appointment whose codes follow from title and department."""
    return Appointment(
        rcd=rcd,
        department=department,
        title=title,
        department_title=f"{title} {rcd + 1}" if rcd else title,
        jobcode=JOB_CODES.get(title)
        or str(100_000 + (len(title) * 7919 + ord(title[0]) * 104_729) % 899_999),
    )


def has_lab_title(role: str, traits: PersonTraits) -> bool:
    """Whether somebody was hired for a lab."""
    return bernoulli(LAB_TITLE_SHARE.get(role, 0), traits.lab_title)


@lru_cache(maxsize=20_000)
def manager(campus: Campus, department: int) -> tuple[Person, Ids]:
    """Who leads a department, as they were at the start."""
    person = start_of(campus, manager_of_department(campus, department))
    return person, ids_of(campus, person.number, person.first, person.last)


def _title(role: str, kind: str, traits: PersonTraits) -> str:
    if role == "manager":
        return "Director"
    if has_lab_title(role, traits):
        return pick(LAB_TITLES[role], traits.which_lab_title)
    return pick(KINDS[kind].titles, traits.title)


def kind_of(campus: Campus, number: int, traits: PersonTraits) -> tuple[str, str]:
    """Kind and role at the start."""
    if is_showcase(number):
        return DEFECTS[number].kind, "showcase"
    if is_manager(number):
        return "staff", "manager"
    kind = _drawn_kind(_START_MIX if number < campus.people else _HIRED_MIX, traits.kind)
    return kind, kind


def _drawn_kind(mix: tuple[tuple[str, float], ...], uniform: int) -> str:
    spot = uniform * 100 / WHOLE
    for name, share in mix:
        if spot < share:
            return name
        spot -= share
    return mix[-1][0]


def _accounts(kind: str, role: str, traits: PersonTraits) -> frozenset[str]:
    share = KINDS[kind]
    if role in ("manager", "showcase"):
        return frozenset(s for s in SYSTEMS if getattr(share, s) >= 50)
    return frozenset([s for s in SYSTEMS if bernoulli(getattr(share, s), getattr(traits, s))])


def department_of(campus: Campus, number: int, role: str, traits: PersonTraits) -> int:
    """The department at the start."""
    rooms = homes(campus)
    if role == "manager":
        return rooms[number // MANAGER_EVERY % len(rooms)]
    return pick(rooms, traits.department)


def _jobs(
    campus: Campus, title: str, department: int, role: str, traits: PersonTraits
) -> tuple[Appointment, ...]:
    count = 2 if role == "showcase" else 1 + (traits.jobs % 100 < 18) + (traits.jobs % 100 < 3)
    rooms = homes(campus)
    title = title or "Student Assistant"
    places = (department, *(rooms[(department + 5 * k) % len(rooms)] for k in range(1, count)))
    return tuple(job(campus, rcd, place, title) for rcd, place in enumerate(places))
