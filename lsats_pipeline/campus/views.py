"""What each system knows of a person: the values it gives out, with its defects decided.

    States (what the system believes) + defects
        --> TdxAccount, UmichApiJob, McommunityPerson, ActiveDirectoryUser

Texts that are missing are "" here; how a system spells that is up to `records.py`. Labels follow
from these values, never from the JSON.
"""

from __future__ import annotations

from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.defects import NUL, bad_bytes
from lsats_pipeline.campus.departments import homes, long_code_department, skeleton, tdx_code
from lsats_pipeline.campus.events import States
from lsats_pipeline.campus.people import Ids, Person, ids_as, manager
from lsats_pipeline.campus.world import LOGINS, Campus

MAIL_DOMAIN = "umich.example.edu"
LONG_TITLE = "Senior Synthetic Associate for " + "Very " * 115 + "Long"  # 610 characters, as seen


class TdxAccount(NamedTuple):
    """A TDX person."""

    uid: str
    uniqname: str
    named: str  # whose the hub takes it for
    email: str
    first: str
    last: str
    title: str
    active: bool
    account_id: int
    account_name: str
    code: str  # of that account, as TDX shows it
    has_detail: bool
    bad_end_date: bool
    problem: str
    detail_problem: str


class UmichApiJob(NamedTuple):
    """An employment row of umich_api."""

    empl_id: str
    rcd: int
    uniqname: str
    first: str
    last: str
    department_id: str
    department_name: str
    title: str
    department_title: str
    jobcode: str
    supervisor: str
    phone: str
    street: str
    city: str
    problem: str

    @property
    def key(self) -> str:
        """How bronze and silver name the row."""
        return f"{self.empl_id}-{self.rcd}"


class McommunityPerson(NamedTuple):
    """An MCommunity person; several values are several elements."""

    uid_number: int
    uid: str
    mails: tuple[str, ...]
    first: str
    last: str
    display_names: tuple[str, ...]
    affiliations: tuple[str, ...]
    titles: tuple[str, ...]
    well_formed: bool
    problem: str


class ActiveDirectoryUser(NamedTuple):
    """An Active Directory person."""

    guid: str
    cn: str
    mail: str
    first: str
    last: str
    title: str
    disabled: bool
    conflict: bool
    well_formed: bool
    problem: str


class Known(NamedTuple):
    """Everything the four systems hold on one person."""

    person: States
    ids: Ids
    defects: frozenset[str]
    tdx: tuple[TdxAccount, ...]
    umich_api: tuple[UmichApiJob, ...]
    mcommunity: tuple[McommunityPerson, ...]
    active_directory: tuple[ActiveDirectoryUser, ...]
    groups: tuple[str, ...]  # DNs of the AD groups they are in


def known(
    campus: Campus,
    states: States,
    ids: Ids,
    defects: frozenset[str],
    groups: tuple[str, ...] = (),
) -> Known:
    """The views of all four systems."""
    return Known(
        states,
        ids,
        defects,
        tdx_accounts(campus, states.tdx, ids_as(ids, states.tdx), defects),
        umich_api_jobs(campus, states.umich_api, ids_as(ids, states.umich_api), defects),
        mcommunity_people(campus, states.mcommunity, ids_as(ids, states.mcommunity), defects),
        active_directory_users(
            states.active_directory, ids_as(ids, states.active_directory), defects
        ),
        groups,
    )


def tdx_accounts(
    campus: Campus, person: Person | None, ids: Ids, defects: frozenset[str]
) -> tuple[TdxAccount, ...]:
    """No account, one, or two when the person has a duplicate."""
    if person is None or "tdx" not in person.accounts:
        return ()
    rooms = homes(campus)
    place = _tdx_department(campus, person, defects)
    department = skeleton(campus)[place]
    account = TdxAccount(
        uid=ids.tdx_uid,
        uniqname=(listed := "" if "tdx_no_uniqname" in defects else ids.uniqname),
        named=ids.uniqname if LOGINS in campus.additions else listed,
        email=_tdx_email(person, ids, defects),
        first="" if "tdx_no_first_name" in defects else person.first,
        last=_tdx_last_name(person, defects),
        title=person.title,
        active=not ("tdx" in person.disabled or "tdx_inactive" in defects),
        account_id=department.tdx_id,
        account_name=department.founding_name,
        code=tdx_code(department),
        has_detail="tdx_no_detail" not in defects,
        bad_end_date="tdx_bad_end_date" in defects,
        problem=bad_bytes(defects, "tdx", person.changes),
        detail_problem=NUL if "tdx_detail_nul" in defects else "",
    )
    if "tdx_duplicate" not in defects:
        return (account,)
    # Same names and mail, so that only place, title and state depend on which of the two wins.
    elsewhere = skeleton(campus)[rooms[(person.department + 3) % len(rooms)]]
    twin = account._replace(
        uid=ids.twin_tdx_uid,
        title="",
        active=person.number % 2 == 0,
        account_id=elsewhere.tdx_id,
        account_name=elsewhere.founding_name,
        code=elsewhere.code,
    )
    return (account, twin)


def _tdx_department(campus: Campus, person: Person, defects: frozenset[str]) -> int:
    if "tdx_long_code_department" in defects and not person.jobs:
        return long_code_department(campus)
    if "tdx_other_department" in defects:
        rooms = homes(campus)
        return rooms[(person.department - rooms.start + 1) % len(rooms)]
    return person.department


def _tdx_email(person: Person, ids: Ids, defects: frozenset[str]) -> str:
    if "tdx_no_email" in defects:
        return ""
    if "tdx_other_email" in defects:
        return f"{ids.uniqname}@old.example.edu"
    name = ids.uniqname.upper() if person.number % 11 == 0 else ids.uniqname
    return f"{name}@{MAIL_DOMAIN}"


def _tdx_last_name(person: Person, defects: frozenset[str]) -> str:
    if "tdx_no_last_name" in defects:
        return ""
    return person.old_last if "tdx_old_last_name" in defects else person.last


def umich_api_jobs(
    campus: Campus, person: Person | None, ids: Ids, defects: frozenset[str]
) -> tuple[UmichApiJob, ...]:
    """One row per appointment."""
    if person is None or not person.jobs:
        return ()
    # A department that cannot be trusted goes with a row that belongs to nobody in particular.
    nameless = "umapi_no_uniqname" in defects or "umapi_bad_department" in defects
    rows = []
    for job in person.jobs:
        department = skeleton(campus)[job.department]
        _, boss = manager(campus, job.department)
        unnamed = nameless or (
            "umapi_no_uniqname_first" in defects and job.rcd == 0 and len(person.jobs) > 1
        )
        rows.append(
            UmichApiJob(
                empl_id=ids.empl_id,
                rcd=job.rcd,
                uniqname="" if unnamed else ids.uniqname,
                first=person.first,
                last=person.last,
                department_id=_umich_api_code(department.code, defects),
                department_name=department.founding_name,
                title=_umich_api_title(job.title, defects),
                department_title="" if "umapi_no_titles" in defects else job.department_title,
                jobcode="" if "umapi_no_jobcode" in defects else job.jobcode,
                supervisor="" if "umapi_no_supervisor" in defects else boss.empl_id,
                phone="" if "umapi_no_phone" in defects else person.phone,
                street="" if "umapi_no_address" in defects else f"{person.room} {person.building}",
                city="" if "umapi_no_city" in defects else names.CITIES[person.department % 3],
                problem=bad_bytes(defects, "umapi", person.changes),
            )
        )
    return tuple(rows)


def _umich_api_code(code: str, defects: frozenset[str]) -> str:
    return f"{code[:4]}X" if "umapi_bad_department" in defects else code


def _umich_api_title(title: str, defects: frozenset[str]) -> str:
    if "umapi_no_title" in defects or "umapi_no_titles" in defects:
        return ""
    return LONG_TITLE if "umapi_long_title" in defects else title


def mcommunity_people(
    campus: Campus, person: Person | None, ids: Ids, defects: frozenset[str]
) -> tuple[McommunityPerson, ...]:
    """No entry, one, or two when an old one with an impossible uid was left behind."""
    if person is None or "mcommunity" not in person.accounts:
        return ()
    first = "" if "mcom_no_given_name" in defects else person.first
    last = "" if "mcom_no_sn" in defects else person.last
    entry = McommunityPerson(
        uid_number=ids.uid_number,
        uid=ids.uniqname.upper() if "mcom_capitals" in defects else ids.uniqname,
        mails=_mcommunity_mails(ids, defects),
        first=first,
        last=last,
        display_names=_display_names(person, defects),
        affiliations=_affiliations(campus, person, defects),
        titles=_mcommunity_titles(person, defects),
        well_formed=True,
        problem=bad_bytes(defects, "mcom", person.changes),
    )
    if "mcom_odd_uid" not in defects:
        return (entry,)
    old = entry._replace(
        uid_number=ids.spare_uid_number, uid=f"{ids.uniqname}_old", well_formed=False
    )
    return (entry, old)


def _mcommunity_mails(ids: Ids, defects: frozenset[str]) -> tuple[str, ...]:
    if "mcom_no_mail" in defects:
        return ()
    domain = "mail.example.edu" if "mcom_other_mail" in defects else MAIL_DOMAIN
    mail = f"{ids.uniqname}@{domain}"
    return (mail, f"{ids.uniqname}@alias.example.edu") if "mcom_two_mails" in defects else (mail,)


def _display_names(person: Person, defects: frozenset[str]) -> tuple[str, ...]:
    name = f"{person.nickname or person.first} {person.last}"
    return (name, f"{person.first} Q {person.last}") if "mcom_two_names" in defects else (name,)


def _mcommunity_titles(person: Person, defects: frozenset[str]) -> tuple[str, ...]:
    if not person.title or person.role == "gone":
        return ()
    extra = "mcom_two_titles" in defects
    return (person.title, f"Acting {person.title}") if extra else (person.title,)


def _affiliations(campus: Campus, person: Person, defects: frozenset[str]) -> tuple[str, ...]:
    if "mcom_no_ou" in defects:
        return ()
    if person.role == "gone" or person.kind == "alumni":
        return ("Alumni",)
    if person.kind == "sponsored":
        return ("Sponsored Affiliates",)
    unit = college_name(campus, person.department)
    suffix = "Student" if person.kind == "student" else "Faculty and Staff"
    graduate = person.kind != "student" and person.number % 3 == 0
    return (f"{unit} - {suffix}", "Alumni") if graduate else (f"{unit} - {suffix}",)


def college_name(campus: Campus, department: int) -> str:
    """The college a department belongs to."""
    every = skeleton(campus)
    college = every[department].college
    return every[department if college is None else college].founding_name


def active_directory_users(
    person: Person | None, ids: Ids, defects: frozenset[str]
) -> tuple[ActiveDirectoryUser, ...]:
    """No object, one, or two: or with a replication conflict or a service account two."""
    if person is None or "active_directory" not in person.accounts:
        return ()
    nameless = "ad_no_name" in defects
    main = ActiveDirectoryUser(
        guid=ids.guid,
        cn=ids.uniqname,
        mail="" if "ad_no_mail" in defects else f"{ids.uniqname}@{MAIL_DOMAIN}",
        first="" if nameless else person.first,
        last="" if nameless else _ad_last_name(person, defects),
        title=person.title,
        disabled="active_directory" in person.disabled or "ad_disabled" in defects,
        conflict=False,
        well_formed=True,
        problem=bad_bytes(defects, "ad", person.changes),
    )
    spare = main._replace(guid=ids.spare_guid, well_formed=False)
    if "ad_conflict" in defects:
        return (main, spare._replace(cn=f"{ids.uniqname}\nCNF:{ids.spare_guid}", conflict=True))
    if "ad_service_account" in defects:
        return (main, spare._replace(cn=f"svc_{ids.uniqname}"))
    return (main,)


def _ad_last_name(person: Person, defects: frozenset[str]) -> str:
    return person.old_last if "ad_old_last_name" in defects else person.last
