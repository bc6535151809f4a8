"""What TDX and umich_api give out about a department, and the flags that follow.

Department --> Account(s), Unit --> records (JSON, domain/hub.md 1.1.4 and 1.2) and labels
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from lsats_pipeline.campus.defects import BAD_BYTES, NUL, with_bad_bytes
from lsats_pipeline.campus.departments import (
    ODDITY,
    Department,
    departments,
    homes,
    skeleton,
    tdx_code,
)
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.people import manager
from lsats_pipeline.campus.world import Campus

Record = dict[str, Any]
NO_ONE = "00000000-0000-0000-0000-000000000000"
_PROBLEMS = {
    "tdx_nul": NUL, "tdx_bytes": BAD_BYTES, "umapi_nul": NUL, "umapi_bytes": BAD_BYTES,
}  # fmt: skip


class View(NamedTuple):
    """A department with what either system shows of it; "" where it shows nothing."""

    of: Department
    in_tdx: bool
    in_umich_api: bool
    code: str  # TDX Code
    above: dict[str, str]  # the true names of college, VP area and campus

    @property
    def college(self) -> str:
        """The name in umich_api of the college."""
        return "" if self.has("umapi_no_college") else self.above["college"]

    @property
    def area(self) -> str:
        """The name in umich_api of the VP area."""
        return "" if self.has("umapi_no_vp_area") else self.above["vp_area"]

    @property
    def campus(self) -> str:
        """The name in umich_api of the campus."""
        return "" if self.has("umapi_no_campus") else self.above["campus"]

    def has(self, *oddities: str) -> bool:
        """Whether it is one of these oddities."""
        return self.of.oddity in oddities

    @property
    def key(self) -> str:
        """The key in `silver.departments`."""
        return self.of.code if self.in_umich_api else self.code or f"TDX_{self.of.tdx_id}"

    @property
    def problem(self) -> str:
        """Why bronze must reject its record, or ""."""
        return _PROBLEMS.get(self.of.oddity, "")

    @property
    def names_differ(self) -> bool:
        """Whether both systems have a name, and not the same."""
        mine, theirs = self.of.tdx_name, self.of.umich_api_name
        both = self.in_tdx and self.in_umich_api and mine and theirs
        return bool(both) and mine.lower() != theirs.lower()


Flags = tuple[tuple[str, Callable[[View], bool]], ...]

TDX_FLAGS: Flags = (
    ("fallback_dept_code", lambda v: not v.code),
    ("malformed_dept_code", lambda v: bool(v.code) and len(v.code) != 6),
    ("missing_dept_name", lambda v: not v.of.tdx_name),
    ("missing_active_status", lambda v: v.has("tdx_no_active")),
    ("not_enriched", lambda v: v.has("tdx_no_detail")),
    ("modified_before_created", lambda v: v.has("tdx_time_travel")),
    ("no_location_data", lambda v: v.has("tdx_no_location", "tdx_no_detail")),
)
UMICH_API_FLAGS: Flags = (
    ("missing_department_name", lambda v: not v.of.umich_api_name),
    ("missing_campus", lambda v: not v.campus),
    ("missing_college", lambda v: not v.college),
    ("missing_vp_area", lambda v: not v.area),
    ("missing_dept_group_code", lambda v: v.has("umapi_no_codes")),
    ("missing_campus_code", lambda v: v.has("umapi_no_codes")),
    ("missing_vp_area_code", lambda v: v.has("umapi_no_codes")),
)
DEPARTMENT_FLAGS: Flags = (
    ("missing_dept_name", lambda v: v.has("tdx_no_name", "umapi_no_name")),
    ("missing_campus", lambda v: not (v.in_umich_api and v.campus)),
    ("missing_college", lambda v: not (v.in_umich_api and v.college)),
    ("missing_vp_area", lambda v: not (v.in_umich_api and v.area)),
    ("no_tdx_data", lambda v: not v.in_tdx),
    ("no_umapi_data", lambda v: not v.in_umich_api),
    ("name_disagreement", lambda v: v.names_differ),
    ("orphan_parent", lambda v: v.has("tdx_orphan")),
    ("duplicate_tdx_code", lambda v: v.has("tdx_twins")),
    ("malformed_dept_code", lambda v: v.has("tdx_long_code", "tdx_dashed_code")),
)


def department_facts(campus: Campus, day: int) -> Facts:
    """Truth, records and labels of all departments on a day."""
    facts = Facts()
    for department in departments(campus, day):
        view = _view(campus, department)
        _add_truth(facts, campus, department)
        if view.in_tdx:
            _add_tdx(facts, campus, view)
        if view.in_umich_api:
            _add_umich_api(facts, campus, view)
        if not view.problem and not view.has("umapi_no_key"):
            _raise_flags(facts, "departments", DEPARTMENT_FLAGS, view, view.key)
    return facts


def _view(campus: Campus, department: Department) -> View:
    oddity = ODDITY.get(department.oddity)
    return View(
        of=department,
        in_tdx=oddity.in_tdx if oddity else True,
        in_umich_api=oddity.in_umich_api
        if oddity
        else department.level in ("college", "department"),
        code=tdx_code(department),
        above=_above(campus, department),
    )


def _above(campus: Campus, department: Department) -> dict[str, str]:
    """The names above a department, and its own, by level."""
    found = dict.fromkeys(("college", "vp_area", "campus"), "")
    step: Department | None = department
    while step:
        found[step.level] = step.founding_name
        step = None if step.parent is None else skeleton(campus)[step.parent]
    return found


def _add_truth(facts: Facts, campus: Campus, department: Department) -> None:
    above = _above(campus, department)
    parent = None if department.parent is None else skeleton(campus)[department.parent].code
    row = (
        department.tdx_id, department.umich_api_name or department.founding_name, above["college"],
        above["vp_area"], above["campus"], parent, department.oddity != "tdx_not_active",
        department.oddity,
    )  # fmt: skip
    facts.department((department.code,), row)


# --- TeamDynamix -------------------------------------------------------------------------------


def _add_tdx(facts: Facts, campus: Campus, view: View) -> None:
    for tdx_id in filter(None, (view.of.tdx_id, view.of.twin_tdx_id)):
        key = str(tdx_id)
        listed = _account(campus, view, tdx_id)
        facts.record("tdx", "department", key, listed)
        if view.problem:
            facts.label("rejects:tdx_department", view.problem, key)
            continue
        if view.has("tdx_no_detail"):
            facts.record("tdx", "department_detail", key, {}, fault="not_found")
        else:
            facts.record("tdx", "department_detail", key, listed | _place(view))
        _raise_flags(facts, "tdx_departments", TDX_FLAGS, view, key)


def _account(campus: Campus, view: View, tdx_id: int) -> Record:
    created = dt.date(2015, 1, 1) + dt.timedelta(days=tdx_id % 3000)
    active = {"tdx_no_active": None, "tdx_not_active": False}.get(view.of.oddity, True)
    return {
        "ID": tdx_id,
        "Code": view.code or (None, "", "  ")[tdx_id % 3],
        "Name": with_bad_bytes(view.of.tdx_name, view.problem) or (None, "", "  ")[tdx_id % 3],
        "Notes": view.of.notes,
        "IsActive": active,
        "ParentID": _parent_id(campus, view),
        "ManagerUID": _manager_uid(campus, view.of),
        "CreatedDate": f"{created}T14:00:00Z",
        "ModifiedDate": _modified(campus, view, created),
    }


def _parent_id(campus: Campus, view: View) -> int | None:
    if view.has("tdx_orphan"):
        return 999_999
    return None if view.of.parent is None else skeleton(campus)[view.of.parent].tdx_id


def _manager_uid(campus: Campus, department: Department) -> str:
    if department.number not in homes(campus):
        return NO_ONE
    return manager(campus, department.number)[1].tdx_uid


def _modified(campus: Campus, view: View, created: dt.date) -> str:
    if view.has("tdx_time_travel"):
        return f"{created - dt.timedelta(days=30)}T14:00:00Z"
    if view.of.modified >= 0:
        return f"{campus.date(view.of.modified)}T06:{view.of.number % 60:02d}:00Z"
    return f"{created + dt.timedelta(days=20)}T14:00:00Z"


def _place(view: View) -> Record:
    """What only the detail call has."""
    fields = {
        "Address1": f"{view.of.number} Example Street", "Address2": "", "Address3": None,
        "Address4": None, "City": "Exampleville", "StateAbbr": "MI", "StateName": "Michigan",
        "PostalCode": "48999", "Country": "United States",
        "Phone": f"734-{view.of.phone[:3]}-{view.of.phone[3:]}", "Fax": "",
        "Url": f"https://dept{view.of.number}.example.edu",
    }  # fmt: skip
    location = dict.fromkeys(fields, "") if view.has("tdx_no_location") else fields
    attribute = {"ID": 2201, "Name": "Unit Type", "Value": "1", "ValueText": view.of.level}
    return {**location, "Attributes": [attribute]}


# --- umich_api -------------------------------------------------------------------------------


def _add_umich_api(facts: Facts, campus: Campus, view: View) -> None:
    unit = _unit(view)
    if view.has("umapi_no_key"):
        facts.record("umich_api", "department", f"?{view.of.number}", unit | {"DeptId": None})
        facts.label("rejects:umich_api_department", "missing_key", "")
        return
    facts.record("umich_api", "department", view.of.code, unit)
    if view.problem:
        facts.label("rejects:umich_api_department", view.problem, view.of.code)
    else:
        _raise_flags(facts, "umapi_departments", UMICH_API_FLAGS, view, view.of.code)


def _unit(view: View) -> Record:
    group, area, place = (
        None if view.has("umapi_no_codes") else _letters(view.above[level])
        for level in ("college", "vp_area", "campus")
    )
    return {
        "DeptId": view.of.code,
        "DeptDescription": with_bad_bytes(view.of.umich_api_name, view.problem),
        "DeptGroup": group,
        "DeptGroupDescription": view.college,
        "DeptGroupVPArea": area,
        "DeptGroupVPAreaDescr": view.area,
        "DeptGroupCampus": place,
        "DeptGroupCampusDescr": view.campus,
    }


def _letters(name: str) -> str:
    """A code such as COLLEGE_OF_SY for a name."""
    return name.upper().replace(" ", "_")[:24]


def _raise_flags(facts: Facts, table: str, flags: Flags, view: View, subject: str) -> None:
    for flag, applies in flags:
        if applies(view):
            facts.label(table, flag, subject)
