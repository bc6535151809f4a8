"""What tier 2 must say, worked out in Python from the expected tier 1.

A value is written with who says it: `pick(("tdx", ...), ("umapi", ...))` takes the first that is
there. Precedence as in domain/hub.md 5.1 and 5.2, with what 5.2 documents and the code lacked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from lsats_pipeline_tests.hub.silver.oracle_sources import Row, path

Tier1 = dict[str, dict[str, Row]]
NOTHING: Row = {}


class Chosen(NamedTuple):
    """A value and who said it; nobody for a value that is nobody's alone."""

    value: Any
    source: str | None


def pick(*offers: tuple[str, Any]) -> Chosen:
    """The first offer that is there."""
    for source, value in offers:
        if value is not None:
            return Chosen(value, source)
    return Chosen(None, None)


class Expected(NamedTuple):
    """A merged row."""

    columns: dict[str, Chosen]
    sources: list[str]


# --- departments -------------------------------------------------------------------------------


def departments(tier1: Tier1) -> dict[str, Expected]:
    keys = {
        r["dept_id"] for t in ("tdx_departments", "umapi_departments") for r in tier1[t].values()
    }
    return {key: _department(key, tier1) for key in keys}


def _department(key: str, tier1: Tier1) -> Expected:
    umapi = tier1["umapi_departments"].get(key, NOTHING)
    accounts = [r for r in tier1["tdx_departments"].values() if r["dept_id"] == key]
    tdx = min(accounts, key=lambda r: (not r["is_active"], r["tdx_id"]), default=NOTHING)
    parent = tier1["tdx_departments"].get(str(tdx.get("parent_id")), NOTHING)
    name = pick(("umapi", umapi.get("department_name")), ("tdx", tdx.get("department_name")))
    above = (umapi.get(c) for c in ("campus_name", "vp_area_name", "college_name"))
    whole = path(iter([*above, name.value])) if umapi else None
    columns = {
        "department_name": name,
        "department_code": Chosen(key, None),
        "is_active": pick(("tdx", tdx.get("is_active")), ("assumed", True)),
        "parent_dept_id": pick(("tdx", parent.get("dept_id"))),
        "hierarchical_path": pick(("umapi", whole)),
        "location_info": pick(("tdx", tdx.get("location_info")), ("assumed", {})),
        **taken("tdx", tdx, """description dept_notes, tdx_created_date tdx_created_date,
            tdx_modified_date tdx_modified_date, tdx_id tdx_id, tdx_manager_uid manager_uid"""),
        **taken("umapi", umapi, """college_name college_name, college_group college_name,
            campus_name campus_name, vp_area_name vp_area_name, vp_area vp_area_name,
            dept_group dept_group, dept_group_campus dept_group_campus,
            dept_group_vp_area dept_group_vp_area"""),
    }  # fmt: skip
    return Expected(columns, _known(umapi=umapi, tdx=tdx))


def taken(source: str, row: Row, names: str) -> dict[str, Chosen]:
    """Columns written as "column its_column", which only one system fills."""
    pairs = (pair.split() for pair in names.split(","))
    return {column: pick((source, row.get(theirs))) for column, theirs in pairs}


def _known(**rows: Row) -> list[str]:
    return [alias for alias, row in rows.items() if row]


# --- users -------------------------------------------------------------------------------------

_UNIQNAME = re.compile(r"[a-z][a-z0-9.-]{0,49}")
_PEOPLE = ("tdx_users", "umapi_employees", "mcommunity_users", "ad_users")


def users(tier1: Tier1) -> dict[str, Expected]:
    keys = {r["uniqname"] or "" for table in _PEOPLE for r in tier1[table].values()}
    return {key: _user(_Person(key, tier1)) for key in keys if _UNIQNAME.fullmatch(key)}


class _Person:
    """The rows of one uniqname: the one that is used for each system, and what they point to."""

    def __init__(self, uniqname: str, tier1: Tier1) -> None:
        accounts, jobs, entries, objects = (
            [r for r in tier1[table].values() if r["uniqname"] == uniqname] for table in _PEOPLE
        )
        self.jobs = sorted(jobs, key=lambda r: (r["empl_rcd"], r["empl_id"]))
        self.tdx = min(
            accounts, key=lambda r: (not r["is_active"], r["tdx_user_uid"]), default=NOTHING
        )
        self.umapi = self.jobs[0] if self.jobs else NOTHING
        self.mcom = min(entries, key=lambda r: r["uid_number"], default=NOTHING)
        self.ad = min(objects, key=lambda r: (disabled(r), r["ad_user_guid"]), default=NOTHING)
        account = self.tdx.get("default_account_id")
        self.account = tier1["tdx_departments"].get(str(account), NOTHING)
        self.tdx_boss = tier1["tdx_users"].get(str(self.tdx.get("reports_to_uid")), NOTHING)
        self.leads = [
            who
            for who, holds in (
                ("award", any(_leads(r, uniqname) for r in tier1["lab_awards"].values())),
                ("unit", any(_is_namesake(r, uniqname) for r in tier1["ad_units"].values())),
            )
            if holds
        ]
        self.boss = _supervisor(self.umapi.get("supervisor_id"), tier1["umapi_employees"].values())

    def says(self, column: str, *systems: str) -> Chosen:
        """The first of the systems that has a value in its column of that name."""
        return pick(*((s, getattr(self, s).get(column)) for s in systems))


def _supervisor(empl_id: str | None, jobs: Iterable[Row]) -> str | None:
    named = [r for r in jobs if empl_id and r["empl_id"] == empl_id and r["uniqname"]]
    return min(named, key=lambda r: int(r["empl_rcd"]))["uniqname"] if named else None


def _leads(award: Row, uniqname: str) -> bool:
    """Principal investigators, not those who are so together with somebody."""
    role = (award["person_role"] or "").lower()
    leads = "principal investigator" in role and "co-principal" not in role
    return leads and bool(award["person_uniqname"] == uniqname)


def _is_namesake(unit: Row, uniqname: str) -> bool:
    return bool(
        unit["extracted_uniqname"] == uniqname and unit["depth_category"] == "potential_lab"
    )


def disabled(ad: Row) -> bool:
    return bool((ad["user_account_control"] or 0) & 2)


def _user(p: _Person) -> Expected:
    columns = {
        **_names(p),
        **_reach(p),
        **_work(p),
        **_standing(p),
        **_accounts(p),
    }
    return Expected(columns, _known(tdx=p.tdx, umapi=p.umapi, mcom=p.mcom, ad=p.ad))


def _names(p: _Person) -> dict[str, Chosen]:
    first = p.says("first_name", "tdx", "umapi", "mcom", "ad")
    last = p.says("last_name", "tdx", "umapi", "mcom", "ad")
    both = f"{last.value}, {first.value}" if first.value and last.value else None
    return {
        "first_name": first,
        "last_name": last,
        "full_name": pick(
            ("last_name, first_name", both),
            ("mcom", p.mcom.get("full_name")),
            ("ad", p.ad.get("display_name")),
        ),
        "preferred_name": pick(("tdx", p.tdx.get("nickname")), ("mcom", p.mcom.get("full_name"))),
    }


def _reach(p: _Person) -> dict[str, Chosen]:
    phone = p.says("work_phone", "tdx", "umapi", "mcom", "ad")
    extension = p.umapi.get("work_phone_extension") if phone.source != "tdx" else None
    at_gateway = bool(p.umapi.get("work_address_line1"))
    by_tdx = not at_gateway and (bool(p.tdx.get("work_address")) or not p.umapi)
    place = p.tdx if by_tdx else p.umapi
    parts = {
        "work_address_line1": "work_address",
        "work_address_line2": "-",
        "work_address_line3": "-",
        "work_city": "work_city",
        "work_state": "work_state",
        "work_postal_code": "work_zip",
        "work_country": "work_country",
    }
    who = "tdx" if by_tdx else "umapi"
    return {
        "primary_email": p.says("primary_email", "tdx", "mcom", "ad"),
        "work_phone": phone,
        "work_phone_extension": pick(("umapi", extension)),
        "mobile_phone": pick(("tdx", p.tdx.get("mobile_phone")), ("ad", p.ad.get("mobile"))),
        **{c: pick((who, place.get(tdx if by_tdx else c))) for c, tdx in parts.items()},
    }


def _work(p: _Person) -> dict[str, Chosen]:
    department = pick(("umapi", p.umapi.get("department_id")), ("tdx", p.account.get("dept_code")))
    tdx_name = p.tdx.get("default_account_name") if not p.umapi.get("department_id") else None
    return {
        "department_id": department,
        "department_name": pick(("umapi", p.umapi.get("dept_description")), ("tdx", tdx_name)),
        "department_ids": _list_of(
            p, "department_id", dept_id="department_id", dept_name="dept_description"
        ),
        "job_title": pick(
            ("umapi", p.umapi.get("university_job_title")),
            ("umapi", p.umapi.get("department_job_title")),
            ("mcom", p.mcom.get("umich_title")),
            ("tdx", p.tdx.get("title")),
            ("ad", p.ad.get("title")),
        ),
        "job_codes": _list_of(
            p, "jobcode", job_code="jobcode", dept_job_title="department_job_title"
        ),
        "primary_supervisor_uniqname": pick(("umapi", p.boss), ("tdx", p.tdx_boss.get("uniqname"))),
        "supervisor_ids": _list_of(p, "supervisor_id", empl_id="supervisor_id"),
        "umich_empl_ids": pick(("umapi", sorted({r["empl_id"] for r in p.jobs}) or None)),
        **taken("umapi", p.umapi, """department_job_title department_job_title,
            primary_job_code jobcode, primary_supervisor_id supervisor_id,
            umich_empl_id empl_id"""),
    }  # fmt: skip


def _list_of(p: _Person, needed: str, **members: str) -> Chosen:
    """One entry per appointment that has the column `needed`."""
    entries = [
        {name: job[column] for name, column in members.items()} | {"empl_rcd": job["empl_rcd"]}
        for job in p.jobs
        if job[needed]
    ]
    return pick(("umapi", entries or None))


def _standing(p: _Person) -> dict[str, Chosen]:
    affiliations = p.mcom.get("ou") or []
    only_alumni = bool(affiliations) and set(affiliations) == {"Alumni"}
    enabled = bool(p.ad) and not disabled(p.ad)
    active = (
        p.tdx.get("is_active") is True
        or bool(p.umapi)
        or (enabled and not only_alumni)
        or (bool(affiliations) and not only_alumni)
    )
    return {
        "is_active": Chosen(active, None),
        "is_employee": Chosen(bool(p.umapi) or p.tdx.get("is_employee") is True, None),
        "is_pi": Chosen(bool(p.leads), [*p.leads, "assumed"][0]),
        "mcommunity_ou_affiliations": pick(("mcom", p.mcom.get("ou"))),
    }


def _accounts(p: _Person) -> dict[str, Chosen]:
    locked = p.ad["lockout_time"] is not None if p.ad else None
    return {
        **taken("tdx", p.tdx, """reports_to_uid reports_to_uid, tdx_user_uid tdx_user_uid,
            tdx_external_id tdx_external_id, tdx_beid beid,
            tdx_security_role_id security_role_id, tdx_security_role_name security_role_name,
            tdx_is_employee is_employee, tdx_is_confidential is_confidential,
            tdx_group_ids group_ids"""),
        **taken("ad", p.ad, """ad_object_guid ad_user_guid, ad_object_sid object_sid,
            ad_sam_account_name sam_account_name, ad_group_memberships member_of,
            ad_primary_group_id primary_group_id, ad_ou_root ou_root,
            ad_ou_organization ou_organization, ad_ou_department ou_department,
            ad_ou_full_path ou_full_path, ad_parent_ou_dn parent_ou_dn,
            ad_last_logon_timestamp last_logon_timestamp, ad_pwd_last_set pwd_last_set"""),
        "ad_account_disabled": pick(("ad", disabled(p.ad) if p.ad else None)),
        "ad_account_locked": pick(("ad", locked)),
        "ldap_uid_number": p.says("uid_number", "mcom", "ad"),
        "ldap_gid_number": p.says("gid_number", "mcom", "ad"),
        **taken("mcom", p.mcom, "home_directory home_directory, login_shell login_shell"),
    }  # fmt: skip


MERGED = {"departments": departments, "users": users}
