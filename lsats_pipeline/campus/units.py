"""Folders of Active Directory (organizational units) in the two branches that hold lab machines.

    Research and Instrumentation / status / region / department / lab
    Workstations / region / department / Labs / lab

Which folders there are follows from departments and labs; their numbers of machines are not facts
of their own, for the machines' names say where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lsats_pipeline.campus.defects import BAD_BYTES, NUL, with_bad_bytes
from lsats_pipeline.campus.departments import homes, skeleton
from lsats_pipeline.campus.directory_names import LSA, SCHEMA, escaped, steady_dn
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.groups import prefix_of
from lsats_pipeline.campus.labs import RESEARCH, STATUSES, WORKSTATIONS, Lab, lab_count, lab_on
from lsats_pipeline.campus.people import manager
from lsats_pipeline.campus.sampling import pick, uniforms, uuid_of
from lsats_pipeline.campus.world import Campus

REGIONS = ("Lakeside", "Hillside", "Riverside", "Old Quarter")
LABS = "Labs"  # in Workstations, between department and lab
_NO_LABS = ("shared", "kiosks", "{prefix}-lab", "Loaner Pool", "teaching-lab")


class Unit(NamedTuple):
    """One folder: its place from the branch inwards, and what it is."""

    key: str  # for life
    level: str  # branch, status, region, department, grouping, lab, other
    path: tuple[str, ...]
    department: int | None = None
    lab: Lab | None = None
    reviewed: str = ""
    problem: str = ""

    @property
    def dn(self) -> str:
        """Its distinguished name."""
        return _dn(self.path)


def _dn(path: tuple[str, ...]) -> str:
    return ",".join([*(f"OU={escaped(name)}" for name in reversed(path)), LSA])


def unit_name(campus: Campus, department: int) -> str:
    """What a department's folders are called: as the department, but for some with a comma."""
    name = skeleton(campus)[department].founding_name
    return f"{name}, Annex" if department % 12 == 5 else name


def lab_unit_name(campus: Campus, lab: Lab) -> str:
    """`<dept>-<uniqname>`, `<uniqname>` or `<uniqname>-lab`."""
    uniqname = lab.ids.uniqname
    prefix = prefix_of(campus, lab.department).lower()
    return (f"{prefix}-{uniqname}", uniqname, f"{uniqname}-lab")[lab.pattern]


def lab_unit_dn(campus: Campus, lab: Lab) -> str:
    """Where the lab's folder is on that day."""
    return _dn(_lab_path(campus, lab))


def department_unit_dn(campus: Campus, department: int) -> str:
    """The folder of a department's other machines."""
    return _dn(_department_path(campus, department, ""))


def _department_path(campus: Campus, department: int, status: str) -> tuple[str, ...]:
    region = REGIONS[department % len(REGIONS)]
    name = unit_name(campus, department)
    return (RESEARCH, status, region, name) if status else (WORKSTATIONS, region, name)


def _lab_path(campus: Campus, lab: Lab) -> tuple[str, ...]:
    above = _department_path(campus, lab.department, lab.status)
    grouping = () if lab.status else (LABS,)
    return (*above, *grouping, lab_unit_name(campus, lab))


def units(campus: Campus, day: int) -> Iterator[Unit]:
    """Every folder of the two branches on a day."""
    for branch in (RESEARCH, WORKSTATIONS):
        yield Unit(f"branch/{branch}", "branch", (branch,))
    yield from _upper_units()
    reviewed = _reviews(campus, day)
    for department in homes(campus):
        path = _department_path(campus, department, "")
        when = reviewed.get(department, "")
        yield Unit(f"department/{department}", "department", path, department, reviewed=when)
    yield from _odd_units(campus)
    yield from _lab_units(campus, day)


def _reviews(campus: Campus, day: int) -> dict[int, str]:
    """When each department's folder was last looked through: a few are every day."""
    rooms = homes(campus)
    return {
        pick(rooms, uniforms(b"review", campus.seed, nth, today)[0]): f", reviewed on day {today}"
        for today in range(1, day + 1)
        for nth in range(1 + len(rooms) // 100)
    }


def _upper_units() -> Iterator[Unit]:
    for region in REGIONS:
        yield Unit(f"region/{region}", "region", (WORKSTATIONS, region))
    for status in STATUSES:
        yield Unit(f"status/{status}", "status", (RESEARCH, status))
        for region in REGIONS:
            yield Unit(f"region/{status}/{region}", "region", (RESEARCH, status, region))


def _odd_units(campus: Campus) -> Iterator[Unit]:
    """Folders at the depth of a lab's that are none, and two that cannot be read."""
    for spot, name in enumerate(_NO_LABS):
        department = homes(campus)[spot]
        name = name.format(prefix=prefix_of(campus, department).lower())
        above = _department_path(campus, department, "")
        yield Unit(f"grouping/{department}", "grouping", (*above, LABS), department)
        yield Unit(f"other/{name}", "other", (*above, LABS, name), department)
    for problem in (NUL, BAD_BYTES):
        path = (*_department_path(campus, homes(campus)[0], ""), f"Unreadable {problem[0]}")
        yield Unit(f"bad/{problem}", "other", path, homes(campus)[0], problem=problem)


def _lab_units(campus: Campus, day: int) -> Iterator[Unit]:
    """Labs, and whatever above them is not there anyway."""
    odd = set(range(homes(campus).start, homes(campus).start + len(_NO_LABS)))
    above: set[tuple[str, int]] = set()
    for number in range(lab_count(campus)):
        lab = lab_on(campus, number, day)
        if not lab.has_folder:
            continue
        place = (lab.status, lab.department)
        if place not in above and (lab.status or lab.department not in odd):
            above.add(place)
            yield _above_lab(campus, lab)
        path = _lab_path(campus, lab)
        yield Unit(f"lab/{number}", "lab", path, lab.department, lab)


def _above_lab(campus: Campus, lab: Lab) -> Unit:
    path = _lab_path(campus, lab)[:-1]
    if not lab.status:
        return Unit(f"grouping/{lab.department}", "grouping", path, lab.department)
    return Unit(f"department/{lab.status}/{lab.department}", "department", path, lab.department)


# --- facts ---------------------------------------------------------------------------------------


def unit_facts(campus: Campus, day: int) -> Facts:
    """Truth, records and labels of all folders on a day."""
    facts = Facts()
    for unit in units(campus, day):
        guid = uuid_of(b"unit", campus.seed, unit.key)
        content = {"dn": unit.dn, "attributes": _attributes(campus, unit, guid)}
        lookup = unit.path[-1].lower()
        facts.record("active_directory", "organizational_unit", guid, content, lookup=lookup)
        if unit.problem:
            stream = "active_directory_organizational_unit"
            facts.label(f"rejects:{stream}", unit.problem, guid)
        if "," in unit.path[-1]:
            facts.label("campus", "unit_with_comma", guid)
        facts.add("organizational_units", (guid,), _truth(campus, unit))
    return facts


def _truth(campus: Campus, unit: Unit) -> tuple[Any, ...]:
    status = unit.path[1] if unit.path[0] == RESEARCH and len(unit.path) > 1 else None
    code = None if unit.department is None else skeleton(campus)[unit.department].code
    pi = unit.lab.ids.uniqname if unit.lab else None
    return (unit.dn, unit.path[-1], unit.level, unit.path[0], status, code, pi)


def _attributes(campus: Campus, unit: Unit, guid: str) -> dict[str, list[str]]:
    number = int(guid[:6], 16)
    name = unit.path[-1]
    boss = _managed_by(campus, unit)
    about = (
        f"Lab of {unit.lab.pi.first} {unit.lab.pi.last}"
        if unit.lab
        else f"Folder {name}{unit.reviewed}"
    )
    linked = number % 4 == 0
    attributes = {
        "objectClass": ["top", "organizationalUnit"],
        "objectCategory": [f"CN=Organizational-Unit,{SCHEMA}"],
        "instanceType": ["4"],
        "ou": [name],
        "name": [name],
        "distinguishedName": [unit.dn],
        "objectGUID": [guid],
        "description": [with_bad_bytes(about, unit.problem)]
        if number % 7 or unit.problem or unit.reviewed
        else [],
        "managedBy": [boss] if boss else [],
        "street": ["1 Example Street"] if number % 9 == 0 else [],
        "l": ["Exampleville"] if number % 9 == 0 else [],
        "postalCode": ["48999"] if number % 9 == 0 else [],
        "gPLink": [f"[LDAP://cn={{{guid.upper()}}},cn=policies,cn=system;0]"] if linked else [],
        "gPOptions": ["0"] if linked else [],
        "whenCreated": [f"{campus.date(-100 - number % 2500):%Y%m%d}{number % 24:02d}2200.0Z"],
        "uSNCreated": [str(30_000_000 + number)],
    }
    return {key: values for key, values in attributes.items() if values}


def _about(unit: Unit) -> str:
    if unit.lab:
        return f"Lab of {unit.lab.pi.first} {unit.lab.pi.last}"
    return with_bad_bytes(f"Folder {unit.path[-1]}{unit.reviewed}", unit.problem)


def _managed_by(campus: Campus, unit: Unit) -> str:
    """The PI or the department's manager, where their account never moves."""
    if unit.lab:
        return steady_dn(campus, unit.lab.pi, unit.lab.ids) if unit.lab.number % 2 else ""
    if unit.department is None or unit.level != "department":
        return ""
    return steady_dn(campus, *manager(campus, unit.department))
