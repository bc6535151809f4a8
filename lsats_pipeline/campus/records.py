"""How each system spells what it knows of a person: the JSON that it gives out.

    Known --> records of TDX (list and detail), umich_api, MCommunity and Active Directory

Field names follow domain/hub.md 1.1.5, 1.2, 1.3 and 1.4. Fields that move without meaning (last
logon and the like) are added by the simulators, not here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from lsats_pipeline.campus.defects import with_bad_bytes
from lsats_pipeline.campus.departments import ROOTS, skeleton
from lsats_pipeline.campus.directory_names import PEOPLE_BASE, account_dn
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.people import Ids, Person, ids_as, manager
from lsats_pipeline.campus.views import (
    MAIL_DOMAIN,
    ActiveDirectoryUser,
    Known,
    McommunityPerson,
    TdxAccount,
    UmichApiJob,
    college_name,
)
from lsats_pipeline.campus.world import Campus

Record = dict[str, Any]

NO_DATE = "0001-01-01T00:00:00Z"
DOMAIN_SID = "S-1-5-21-1004336348-1177238915-682003330"
_BLANKS = (None, "", "   ")
_FILETIME_EPOCH = dt.date(1601, 1, 1)
_NEVER = "9223372036854775807"


def record_person(facts: Facts, campus: Campus, known: Known) -> None:
    """Add what every system gives out about this person."""
    states, ids = known.person, known.ids
    for account in known.tdx:
        assert states.tdx
        _record_tdx(facts, campus, states.tdx, ids_as(ids, states.tdx), account)
    for row in known.umich_api:
        assert states.umich_api
        facts.record("umich_api", "user", row.key, employee(states.umich_api, row))
    for entry in known.mcommunity:
        assert states.mcommunity
        believed = ids_as(ids, states.mcommunity)
        content = mcommunity_person(campus, states.mcommunity, believed, entry)
        key = str(entry.uid_number)
        facts.record("mcommunity_ldap", "user", key, content, lookup=entry.uid.lower())
    for ad_user in known.active_directory:
        assert states.active_directory
        content = active_directory_user(campus, states.active_directory, known, ad_user)
        facts.record("active_directory", "user", ad_user.guid, content, lookup=ad_user.cn.lower())


# --- TeamDynamix -------------------------------------------------------------------------------

_TDX_CONSTANTS: Record = {
    "AuthenticationProviderID": 1012, "TypeID": 1, "AlertEmail": None, "HomePhone": None,
    "Fax": None, "OtherPhone": "", "Pager": "", "IMProvider": None, "IMHandle": None,
    "WorkState": "MI", "WorkZip": "48999", "WorkCountry": "United States",
    "Company": "Synthetic University", "LocationID": 0, "LocationName": None, "LocationRoomID": 0,
    "LocationRoomName": None, "IsConfidential": False, "ShouldReportTime": False,
    "IsCapacityManaged": False, "PrimaryClientPortalApplicationID": None, "DefaultRate": 0.0,
    "CostRate": 0.0, "DefaultPriorityID": None, "DefaultPriorityName": None,
    "TechnicianSignature": None, "ProfileImageFileName": None,
    "ApplyTechnicianSignatureToReplies": False,
    "ApplyTechnicianSignatureToUpdatesAndComments": False,
    "ReportTimeAfterDate": NO_DATE, "Applications": [], "Accounts": [], "Attributes": [],
}  # fmt: skip
_ROLES = {
    True: ("7c1e2a30-0000-4000-8000-000000000001", "Technician"),
    False: ("7c1e2a30-0000-4000-8000-000000000002", "Client"),
}


def _record_tdx(
    facts: Facts, campus: Campus, person: Person, ids: Ids, account: TdxAccount
) -> None:
    listed = tdx_user(campus, person, ids, account)
    facts.record("tdx", "user", account.uid, listed, lookup=str(account.account_id))
    if account.problem:
        return  # nobody can ask for the details of a record that could not be read
    if account.has_detail:
        detail = listed | _tdx_extras(person, account)
        facts.record("tdx", "user_detail", account.uid, detail)
    else:
        facts.record("tdx", "user_detail", account.uid, {}, fault="not_found")


def tdx_user(campus: Campus, person: Person, ids: Ids, account: TdxAccount) -> Record:
    """The list form ("partial people")."""
    blank = _BLANKS[person.number % 3]
    boss, boss_ids = manager(campus, person.department)
    role_id, role_name = _ROLES[person.number % 40 == 0]
    login = f"{ids.uniqname}@{MAIL_DOMAIN}"
    return {
        **_TDX_CONSTANTS,
        "UID": account.uid,
        "BEID": f"beid-{ids.empl_id}",
        "BEIDInt": person.number,
        "ExternalID": ids.empl_id,
        "AlternateID": account.uniqname or blank,
        "UserName": login,
        "AuthenticationUserName": login,
        "FirstName": account.first or blank,
        "MiddleName": person.middle or None,
        "LastName": account.last or blank,
        "FullName": f"{account.first} {account.last}".strip(),
        "Nickname": person.nickname or blank,
        "PrimaryEmail": account.email or blank,
        "AlternateEmail": f"{ids.uniqname}@alias.example.edu" if person.number % 9 == 0 else "",
        "WorkPhone": _dashed(person.phone) or blank,
        "MobilePhone": _dashed(person.mobile) or blank,
        "WorkAddress": f"{person.room} {person.building}",
        "WorkCity": "Exampleville",
        "Title": with_bad_bytes(account.title, account.problem) or blank,
        "DefaultAccountID": account.account_id,
        "DefaultAccountName": account.account_name,
        "ReportsToUID": boss_ids.tdx_uid if person.jobs else None,
        "ReportsToFullName": f"{boss.first} {boss.last}" if person.jobs else None,
        "IsActive": account.active,
        "IsEmployee": bool(person.jobs),
        "SecurityRoleID": role_id,
        "SecurityRoleName": role_name,
        "EndDate": _end_date(campus, person, account),
    }


def _tdx_extras(person: Person, account: TdxAccount) -> Record:
    """What only the detail call has: groups and permissions, and for a few a custom field.

    It follows from the list form alone: a detail that moved by itself could not be noticed.
    """
    technician = person.number % 40 == 0
    attribute = {
        "ID": 11_951,
        "Name": "Institutional Unit",
        "Value": "4711",
        "ValueText": with_bad_bytes(account.account_name, account.detail_problem),
    }
    return {
        "Attributes": [attribute] if technician or account.detail_problem else [],
        "OrgApplications": [{"ID": 48, "Name": "Assets", "IsDefault": False}] if technician else [],
        "Permissions": ["Assets.View", "Tickets.View"] if technician else [],
        "GroupIDs": [account.account_id, 9] if technician else [],
    }


def _end_date(campus: Campus, person: Person, account: TdxAccount) -> str | None:
    if account.bad_end_date:
        return ("31/02/2026", "2026-13-45T00:00:00Z", "end of term")[person.number % 3]
    if "tdx" in person.disabled:
        return f"{campus.date(person.changed)}T05:00:00Z"
    return None if person.number % 5 == 0 else NO_DATE


def _dashed(phone: str) -> str:
    return f"734-{phone[:3]}-{phone[3:]}" if phone else ""


# --- umich_api -------------------------------------------------------------------------------


def employee(person: Person, row: UmichApiJob) -> Record:
    """One employment row."""
    blank = _BLANKS[person.number % 3]
    return {
        "EmplId": row.empl_id,
        "EmplRcd": row.rcd,
        "UniqName": row.uniqname or blank,
        "Name": f"{row.last},{row.first}",
        "FirstName": row.first,
        "LastName": row.last,
        "DepartmentId": row.department_id,
        "Dept_Description": row.department_name[:50],
        "UniversityJobTitle": row.title or blank,
        "DepartmentJobTitle": with_bad_bytes(row.department_title, row.problem) or blank,
        "Jobcode": row.jobcode or blank,
        "SupervisorId": row.supervisor or blank,
        "Work_Address1": row.street or blank,
        "Work_Address2": "",
        "Work_Address3": None,
        "Work_City": row.city or blank,
        "Work_State": "MI",
        "Work_Postal": "48999-0001",
        "Work_Country": "USA",
        "Work_Phone": f"734/{row.phone[:3]}-{row.phone[3:]}" if row.phone else blank,
        "Work_Phone_Extension": row.phone[3:] if person.number % 6 == 0 else "",
    }


# --- MCommunity --------------------------------------------------------------------------------

_PERSON_CLASSES = [
    "top",
    "person",
    "organizationalPerson",
    "inetOrgPerson",
    "posixAccount",
    "umichPerson",
]


def mcommunity_person(campus: Campus, person: Person, ids: Ids, entry: McommunityPerson) -> Record:
    """An LDAP entry: every value a list of texts, an attribute without values left out."""
    place = f"{person.room} {person.building}"
    name = f"{person.first} {person.last}"
    attributes = {
        "uid": [entry.uid],
        "uidNumber": [str(entry.uid_number)],
        "gidNumber": ["10"],
        "cn": [name, f"{person.first} {person.middle} {person.last}"] if person.middle else [name],
        "displayName": [with_bad_bytes(text, entry.problem) for text in entry.display_names],
        "givenName": [entry.first],
        "sn": [entry.last],
        "mail": list(entry.mails),
        "ou": list(entry.affiliations),
        "umichTitle": list(entry.titles),
        "telephoneNumber": [_spaced(person.phone)],
        "homeDirectory": [f"/users/{ids.uniqname}"],
        "loginShell": ["/bin/bash" if person.number % 3 else "/bin/csh"],
        "umichPostalAddress": [f"{place} $ Exampleville $ MI 48999"],
        "umichPostalAddressData": [f"{{addr1={place}}}:{{city=Exampleville}}:{{state=MI}}"],
        "objectClass": _PERSON_CLASSES,
    }
    return {"dn": f"uid={entry.uid},{PEOPLE_BASE}", "attributes": filled(attributes)}


def filled(attributes: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the attributes that have no value."""
    return {name: values for name, values in attributes.items() if values and values[0]}


def _spaced(phone: str) -> str:
    return f"+1 734 {phone[:3]} {phone[3:]}" if phone else ""


# --- Active Directory --------------------------------------------------------------------------

_AD_CONSTANTS: dict[str, list[str]] = {
    "objectClass": ["top", "person", "organizationalPerson", "user"],
    "objectCategory": ["CN=Person,CN=Schema,CN=Configuration,DC=adsroot,DC=itcs,DC=umich,DC=edu"],
    "instanceType": ["4"],
    "primaryGroupID": ["513"],
    "sAMAccountType": ["805306368"],
    "codePage": ["0"],
    "countryCode": ["0"],
    "lockoutTime": ["0"],
    "homeDrive": ["H:"],
    "loginShell": ["/bin/bash"],
    "gidNumber": ["10"],
}


def active_directory_user(
    campus: Campus, person: Person, known: Known, ad_user: ActiveDirectoryUser
) -> Record:
    """An AD user: LDAP shape, GUID and SID as text, times as the directory writes them."""
    ids = ids_as(known.ids, person)
    dn = account_dn(campus, person, ad_user.cn, "ad_escaped_ou" in known.defects)
    account = ad_user.cn if "\n" not in ad_user.cn else f"$DUPLICATE-{ad_user.guid[:6]}"
    display = with_bad_bytes(f"{person.first} {person.last}", ad_user.problem)
    department = skeleton(campus)[person.department].founding_name
    spare = 0 if ad_user.well_formed else 1
    attributes = {
        **_AD_CONSTANTS,
        "cn": [ad_user.cn],
        "name": [ad_user.cn],
        "sAMAccountName": [account],
        "uid": [account],
        "distinguishedName": [dn],
        "objectGUID": [ad_user.guid],
        "objectSid": [f"{DOMAIN_SID}-{100_000 + 2 * person.number + spare}"],
        "sIDHistory": [f"{DOMAIN_SID}-{9_000 + person.number}"] if person.number % 50 == 0 else [],
        "userPrincipalName": [f"{account}@{MAIL_DOMAIN}"],
        "givenName": [ad_user.first],
        "sn": [ad_user.last],
        "initials": [person.middle[:1]],
        "displayName": [display],
        "mail": [ad_user.mail],
        "mailNickname": [account] if ad_user.mail else [],
        "proxyAddresses": [f"SMTP:{ad_user.mail}", f"smtp:{account}@ad.example.edu"]
        if ad_user.mail
        else [],
        "title": [ad_user.title],
        "department": [department] if person.kind != "alumni" else [],
        "description": [f"Synthetic {person.kind}"],
        "telephoneNumber": [_bracketed(person.phone)],
        "mobile": [_bracketed(person.mobile)],
        "otherMobile": ["(734) 557-0000"] if person.mobile and person.number % 8 == 0 else [],
        "streetAddress": [f"{person.room} {person.building}"],
        "uidNumber": [str(ids.uid_number)],
        "homeDirectory": [rf"\\files.example.edu\home\{ids.uniqname}"],
        "employeeType": [person.kind],
        "umichadOU": [college_name(campus, person.department)]
        if person.kind != "alumni"
        else ["Alumni"],
        "umichadRole": _roles(person),
        "memberOf": list(known.groups) if ad_user.well_formed else [],
        "userAccountControl": ["514" if ad_user.disabled else "512"],
        **_ad_times(campus, person),
    }
    return {"dn": dn, "attributes": filled(attributes)}


def _roles(person: Person) -> list[str]:
    return ["AlumniAA"] if person.role == "gone" else [f"{person.kind.title()}AA", "Enrolled"]


def _ad_times(campus: Campus, person: Person) -> dict[str, list[str]]:
    """Creation, password and last seen; all follow from the person's number and last change."""
    age = 200 + person.number * 37 % 3000
    created = campus.date(-age)
    password = campus.date(-(person.number % 180))
    seen = campus.date(person.changed - 1 - person.number % 14)
    expires = filetime(campus.date(400)) if person.kind == "sponsored" else _NEVER
    return {
        "whenCreated": [f"{created:%Y%m%d}{person.number % 24:02d}0405.0Z"],
        "uSNCreated": [str(10_000 + person.number)],
        "pwdLastSet": [filetime(password) if person.number % 31 else "0"],
        "accountExpires": [expires if person.number % 2 else "0"],
        "lastLogonTimestamp": [filetime(seen)] if person.number % 6 else [],
    }


def filetime(date: dt.date) -> str:
    """A day as AD counts: 100 ns steps since 1601."""
    return str((date - _FILETIME_EPOCH).days * 864_000_000_000)


def _bracketed(phone: str) -> str:
    return f"(734) {phone[:3]}-{phone[3:]}" if phone else ""


# --- records without a key ---------------------------------------------------------------------


def record_orphans(facts: Facts, campus: Campus) -> None:
    """A record in each stream that lacks its key for good, and the label of that stream."""
    account = skeleton(campus)[ROOTS].tdx_id
    user = {
        **_TDX_CONSTANTS,
        "UID": None,
        "AlternateID": None,
        "FirstName": "Nobody",
        "IsActive": True,
    }
    facts.record("tdx", "user", "?1", user | {"DefaultAccountID": account}, lookup=str(account))
    row = {
        "EmplId": None,
        "EmplRcd": 0,
        "UniqName": None,
        "FirstName": "Nobody",
        "LastName": "Null",
    }
    facts.record("umich_api", "user", "?1", row | {"DepartmentId": skeleton(campus)[ROOTS].code})
    entry = {"uid": ["nokey1"], "cn": ["No Key"], "sn": ["Key"], "objectClass": _PERSON_CLASSES}
    content = {"dn": f"uid=nokey1,{PEOPLE_BASE}", "attributes": entry}
    facts.record("mcommunity_ldap", "user", "?1", content, lookup="nokey1")
    for stream in ("tdx_user", "umich_api_user", "mcommunity_ldap_user"):
        facts.label(f"rejects:{stream}", "missing_key", "")
