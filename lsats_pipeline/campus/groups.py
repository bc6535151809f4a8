"""Groups: which there are, and who is in them on a day.

    families (tables below) --per lab, per department, per campus--> Group --> group_records.py
    person, day --> DNs of the AD groups they are in (their `memberOf`)

Both directions use the same predicate (`Family.includes`), so members and `memberOf` always agree.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.departments import ROOTS, homes, ordinary, skeleton
from lsats_pipeline.campus.directory_names import ad_group_dn
from lsats_pipeline.campus.labs import Lab, lab_members, lab_start
from lsats_pipeline.campus.people import (
    EMPLOYED,
    department_of,
    has_lab_title,
    kind_of,
    manager_of_department,
    traits_of,
)
from lsats_pipeline.campus.sampling import bernoulli, uniforms
from lsats_pipeline.campus.world import Campus

SYNC = "MCommADSync"
EVERYONE = "lsa-everyone"
MOST_MEMBERS = 5000
_OF_DEPARTMENTS, OF_CAMPUS = 10_000_000, 20_000_000  # where the numbers of groups begin

Includes = Callable[[Campus, int, int], bool]  # (campus, person, lab)


class Family(NamedTuple):
    """Groups of one sort. Names are patterns; "" where the family is not in that directory."""

    name: str
    share: float  # percent of labs or departments that have one
    active_directory: str = ""
    folder: str = ""
    mcommunity: str = ""
    includes: Includes | None = None  # which people of the lab; None: all


class Nested(NamedTuple):
    """A group as a member or owner of another."""

    name: str
    dn: str  # in Active Directory, "" in MCommunity


class Group(NamedTuple):
    """One group on one day; `people` are those who belong, with or without an account."""

    key: str
    number: int  # no other group has it
    family: str
    active_directory: str
    folder: str
    mcommunity: str
    about: str
    people: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()  # whose machines are in it
    ad_groups: tuple[Nested, ...] = ()
    ad_above: tuple[str, ...] = ()
    inner_people: tuple[int, ...] = ()  # members by way of `inner_groups`
    inner_groups: tuple[str, ...] = ()  # of MCommunity
    owners: tuple[int, ...] = ()
    owner_groups: tuple[str, ...] = ()  # of MCommunity
    managers: tuple[Nested, ...] = ()  # AD group as owner
    unknown_members: tuple[str, ...] = ()
    oddity: str = ""

    @property
    def name(self) -> str:
        """What the hub calls it: as in Active Directory, else as in MCommunity."""
        return self.active_directory or self.mcommunity

    @property
    def ad_dn(self) -> str:
        """Where it is in Active Directory."""
        return ad_group_dn(self.active_directory, self.folder) if self.active_directory else ""


# --- families ----------------------------------------------------------------------------------


def _runs_the_lab(campus: Campus, number: int, lab: int) -> bool:
    traits = traits_of(campus, number)
    role = kind_of(campus, number, traits)[1]
    return role != "student" and has_lab_title(role, traits)


def _studies(campus: Campus, number: int, lab: int) -> bool:
    return kind_of(campus, number, traits_of(campus, number))[1] == "student"


def _two_thirds(campus: Campus, number: int, lab: int) -> bool:
    return (number * 7 + lab) % 3 > 0


LAB_FAMILIES = (
    Family("lab", 90, active_directory="lsa-{pi}-lab", folder="{code}"),
    Family("admins", 40, active_directory="lsa-{prefix}-{pi}-admins", folder="{code}",
           includes=_runs_the_lab),
    Family("share", 45, active_directory="lsa-{pi}-share", folder=SYNC, mcommunity="lsa-{pi}-share",
           includes=_two_thirds),
    Family("people", 65, mcommunity="{last} Lab Group {number}"),
    Family("students", 40, mcommunity="{last} Lab Students {number}", includes=_studies),
)  # fmt: skip
DEPARTMENT_FAMILIES = (
    Family("department", 100, active_directory="lsa-dept-{code}", folder="{code}"),
    Family("machines", 100, active_directory="lsa-{code}-computers", folder="{code}"),
    Family("staff", 60, mcommunity="{name} Staff"),
)


def _of_lab(campus: Campus, lab: int) -> tuple[tuple[Family, ...], dict[str, str]]:
    start = lab_start(campus, lab)
    drawn = uniforms(b"lab groups", campus.seed, lab)
    families = tuple(
        family
        for family, uniform in zip(LAB_FAMILIES, drawn, strict=False)
        if start.has_groups and bernoulli(family.share, uniform)
    )
    department = skeleton(campus)[start.department]
    words = {
        "pi": start.ids.uniqname,
        "code": department.code,
        "prefix": prefix_of(campus, start.department).lower(),
        "last": start.pi.last,
        "number": str(lab + 1),
    }
    return families, words


@lru_cache(maxsize=20_000)
def prefix_of(campus: Campus, department: int) -> str:
    """The two to four letters that names of a department's groups and machines begin with."""
    name = skeleton(campus)[department].founding_name
    subject = next((s for s in (*names.SUBJECTS, *names.COLLEGES) if s in name), name)
    return subject.replace(" ", "")[:4].upper()


class _Spot(NamedTuple):
    """One AD group of a lab or department."""

    family: Family
    dn: str


@lru_cache(maxsize=20_000)
def _lab_spots(campus: Campus, lab: int) -> tuple[_Spot, ...]:
    families, words = _of_lab(campus, lab)
    return tuple(
        _Spot(f, ad_group_dn(f.active_directory.format_map(words), f.folder.format_map(words)))
        for f in families
        if f.active_directory
    )


def lab_groups_of(campus: Campus, number: int, lab: int) -> list[str]:
    """The DNs of the lab's AD groups that somebody of the lab is in."""
    start = lab_start(campus, lab)
    return [s.dn for s in _lab_spots(campus, lab) if _is_in(campus, s.family, start, number)]


def lab_groups(campus: Campus, lab: int, day: int) -> list[Group]:
    """The groups of a lab."""
    families, words = _of_lab(campus, lab)
    start = lab_start(campus, lab)
    everybody = (start.pi.number, *sorted(lab_members(campus, lab, day)))
    found = {}
    for family in families:
        members = tuple(n for n in everybody if _is_in(campus, family, start, n))
        found[family.name] = Group(
            key=f"lab/{lab}/{family.name}",
            number=lab * 8 + LAB_FAMILIES.index(family),
            family=family.name,
            active_directory=family.active_directory.format_map(words),
            folder=family.folder.format_map(words),
            mcommunity=family.mcommunity.format_map(words),
            about=_about(campus, f"{family.name} of the lab of {start.pi.last}", lab, family.name),
            people=members,
            owners=(start.pi.number,),
            unknown_members=(f"former{lab}x",)
            if bernoulli(6, uniforms(b"ghosts", campus.seed, lab)[0])
            else (),
        )
    return list(_linked(found).values())


def _is_in(campus: Campus, family: Family, lab: Lab, number: int) -> bool:
    if number == lab.pi.number:
        return family.includes is not _studies
    return family.includes is None or family.includes(campus, number, lab.number)


def _about(campus: Campus, text: str, number: int, family: str) -> str:
    uniform = uniforms(b"about " + family.encode()[:10], campus.seed, number)[0]
    return "" if bernoulli(12, uniform) else f"Synthetic {text}"


def _linked(found: dict[str, Group]) -> dict[str, Group]:
    """Groups in groups: admins in the lab (AD), students in the people (MCommunity)."""
    lab, admins = found.get("lab"), found.get("admins")
    if lab and admins:
        nested = Nested(admins.active_directory, admins.ad_dn)
        found["lab"] = lab._replace(ad_groups=(nested,), managers=(nested,))
        found["admins"] = admins._replace(ad_above=(lab.ad_dn,))
    people, students = found.get("people"), found.get("students")
    if people and students:
        found["people"] = people._replace(
            people=tuple(n for n in people.people if n not in students.people),
            inner_people=students.people,
            inner_groups=(students.mcommunity,),
        )
        found["students"] = students._replace(owners=(), owner_groups=(people.mcommunity,))
    share = found.get("share")
    if share and people:
        found["share"] = share._replace(owner_groups=(people.mcommunity,))
    return found


# --- departments, colleges ---------------------------------------------------------------------


@lru_cache(maxsize=2)
def _rosters(campus: Campus) -> dict[int, array[int]]:
    """Everybody employed in each department on the first day."""
    found = {department: array("i") for department in homes(campus)}
    for number in range(campus.people):
        traits = traits_of(campus, number)
        kind, role = kind_of(campus, number, traits)
        if kind in EMPLOYED:
            found[department_of(campus, number, role, traits)].append(number)
    return found


def roster(campus: Campus, department: int) -> array[int]:
    """Who was employed in a department on the first day; its groups forget newcomers."""
    return _rosters(campus)[department]


def first_department(campus: Campus, number: int) -> int | None:
    """The department in whose groups somebody may be."""
    traits = traits_of(campus, number)
    kind, role = kind_of(campus, number, traits)
    if kind not in EMPLOYED or number >= campus.people:
        return None
    return department_of(campus, number, role, traits)


@lru_cache(maxsize=20_000)
def _department_spots(campus: Campus, department: int) -> dict[str, str]:
    code = skeleton(campus)[department].code
    return {
        f.name: ad_group_dn(f.active_directory.format(code=code), code)
        for f in DEPARTMENT_FAMILIES
        if f.active_directory
    }


def department_group_dn(campus: Campus, department: int) -> str:
    """The AD group of a department's people."""
    return _department_spots(campus, department)["department"]


def machine_group_dn(campus: Campus, department: int) -> str:
    """The AD group of a department's machines."""
    return _department_spots(campus, department)["machines"]


def department_groups(campus: Campus, department: int) -> list[Group]:
    """The groups of a department, and of a college what binds its departments' groups together."""
    place = skeleton(campus)[department]
    words = {"code": place.code, "name": place.founding_name}
    drawn = uniforms(b"dept groups", campus.seed, department)
    above = _college_group(campus, department)
    found = []
    for family, uniform in zip(DEPARTMENT_FAMILIES, drawn, strict=False):
        if not bernoulli(family.share, uniform):
            continue
        group = Group(
            key=f"department/{department}/{family.name}",
            number=_OF_DEPARTMENTS + department * 4 + DEPARTMENT_FAMILIES.index(family),
            family=family.name,
            active_directory=family.active_directory.format_map(words),
            folder=family.folder.format_map(words),
            mcommunity=family.mcommunity.format_map(words),
            about=_about(
                campus, f"{family.name} of {place.founding_name}", department, family.name
            ),
            owners=(manager_of_department(campus, department),),
        )
        if family.name == "machines":
            found.append(group._replace(departments=(department,)))
        else:
            people = tuple(roster(campus, department))
            up = (above.ad_dn,) if above and family.active_directory else ()
            found.append(group._replace(people=people, ad_above=up))
    return found + ([above] if above and department < ROOTS + _colleges(campus) else [])


def _colleges(campus: Campus) -> int:
    return max(4, ordinary(campus) // 15)


def _college_group(campus: Campus, department: int) -> Group | None:
    college = skeleton(campus)[department].college
    if college is None:
        return None
    code = skeleton(campus)[college].code
    inner = [d for d in homes(campus) if skeleton(campus)[d].college == college]
    return Group(
        key=f"college/{college}",
        number=_OF_DEPARTMENTS + college * 4 + 3,
        family="college",
        active_directory=f"lsa-college-{code}",
        folder="",
        mcommunity="",
        about=f"Everybody in {skeleton(campus)[college].founding_name}",
        ad_groups=tuple(
            Nested(f"lsa-dept-{skeleton(campus)[d].code}", department_group_dn(campus, d))
            for d in inner
        ),
        managers=(Nested(f"lsa-dept-{code}", department_group_dn(campus, college)),),
    )


# --- the campus ----------------------------------------------------------------------------------


def in_everyone(campus: Campus, number: int) -> bool:
    """Whether somebody is in the largest group: 5,000 people, or all there were at the start."""
    step = max(1, campus.people // MOST_MEMBERS)
    return number < campus.people and number % step == 0 and number // step < MOST_MEMBERS


def everyone(campus: Campus) -> Group:
    """The largest group, in both directories."""
    people = tuple(n for n in range(campus.people) if in_everyone(campus, n))
    return Group(
        key="campus/everyone",
        number=OF_CAMPUS,
        family="everyone",
        active_directory=EVERYONE,
        folder=SYNC,
        mcommunity=EVERYONE,
        about="Announcements to everybody",
        people=people,
        owners=(manager_of_department(campus, ROOTS),),
    )
