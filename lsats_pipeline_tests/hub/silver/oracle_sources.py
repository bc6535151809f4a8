"""What tier 1 must say, worked out in Python from what the campus systems know.

Shares nothing with the declarations but the names of the columns:

    campus.records as of a day ──▶ usable (what bronze can land) ──▶ a dictionary per row
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

Row = dict[str, Any]

# The simulators add these to what the campus knows, different every day.
AD_VOLATILE = {
    "last_logon", "last_logoff", "bad_pwd_count", "bad_password_time", "logon_count",
    "when_changed", "usn_changed",
}  # fmt: skip


class Stored(NamedTuple):
    """A row of `campus.records`."""

    system: str
    entity: str
    key: str
    payload: str
    fault: str


class Record(NamedTuple):
    """A usable record with its detail, as Python objects."""

    key: str
    listed: Row
    detail: Row | None


def records(stored: list[Stored], system: str, entity: str) -> Iterator[Record]:
    """The records of a stream that bronze can land, with the details that it can."""
    details = {r.key: r for r in stored if (r.system, r.entity) == (system, f"{entity}_detail")}
    for row in stored:
        if (row.system, row.entity) == (system, entity) and (listed := usable(row)) is not None:
            detail = details.get(row.key)
            yield Record(row.key, listed, usable(detail) if detail else None)


def usable(row: Stored) -> Row | None:
    """The record, or None when it has no key, bad bytes, or the call for it fails."""
    if row.fault or row.key.startswith("?"):
        return None
    content: Row = json.loads(row.payload)
    return None if any("\0" in t or "\ue0ff" in t for t in _texts(content)) else content


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def shown_name(row: Row) -> str:
    """The uniqname that a record of a person shows, in whichever system; "" if none."""
    content = row.get("attributes", row)
    for field in ("sAMAccountName", "AlternateID", "UniqName", "uid"):
        if value := content.get(field):
            return str(value[0] if isinstance(value, list) else value).strip().lower()
    return ""


# --- values ------------------------------------------------------------------------------------


def text(value: Any) -> str | None:
    return None if value is None else str(value).strip(" ") or None


def lower(value: Any) -> str | None:
    found = text(value)
    return found.lower() if found else None


def uuid(value: Any) -> UUID | None:
    return UUID(value) if value and set(value) - set("0-") else None


def money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


def moment(value: Any) -> dt.datetime | None:
    """An ISO time; None for what is none, and for the years that mean unset."""
    try:
        found = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if found.year in (1, 1601, 9999) else found


def same(value: Any) -> Any:
    return value


Read = Callable[[Any], Any]


def columns(row: Row | None, read: Read, names: str) -> Row:
    """Columns written as "column Member", read from a record; all None without one."""
    pairs = (pair.split() for pair in names.split(",") if pair.strip())
    return {column: read(row.get(member)) if row else None for column, member in pairs}


# --- TeamDynamix -------------------------------------------------------------------------------


def tdx_users(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _tdx_user(r) for r in records(stored, "tdx", "user")}


def _tdx_user(record: Record) -> Row:
    listed, detail = record.listed, record.detail
    row = {
        # Nobody on the campus has a login that is another's.
        "uniqname": lower(listed["AlternateID"]) or listed["UserName"].split("@")[0],
        **columns(listed, text, """alternate_id AlternateID, tdx_external_id ExternalID,
            username UserName,
            first_name FirstName, middle_name MiddleName, last_name LastName, full_name FullName,
            nickname Nickname, primary_email PrimaryEmail, alternate_email AlternateEmail,
            alert_email AlertEmail, work_phone WorkPhone, mobile_phone MobilePhone,
            home_phone HomePhone, fax Fax, other_phone OtherPhone, pager Pager,
            im_provider IMProvider, im_handle IMHandle, work_address WorkAddress,
            work_city WorkCity, work_state WorkState, work_zip WorkZip, work_country WorkCountry,
            title Title, company Company, default_account_name DefaultAccountName,
            location_name LocationName, location_room_name LocationRoomName,
            reports_to_full_name ReportsToFullName,
            authentication_user_name AuthenticationUserName, security_role_name SecurityRoleName,
            beid BEID, default_priority_name DefaultPriorityName,
            technician_signature TechnicianSignature,
            profile_image_file_name ProfileImageFileName"""),
        **columns(listed, uuid, """tdx_user_uid UID, reports_to_uid ReportsToUID,
            security_role_id SecurityRoleID"""),
        **columns(listed, same, """default_account_id DefaultAccountID, location_id LocationID,
            location_room_id LocationRoomID, is_active IsActive, is_employee IsEmployee,
            is_confidential IsConfidential, beid_int BEIDInt,
            authentication_provider_id AuthenticationProviderID,
            default_priority_id DefaultPriorityID, should_report_time ShouldReportTime,
            is_capacity_managed IsCapacityManaged,
            primary_client_portal_application_id PrimaryClientPortalApplicationID,
            apply_technician_signature_to_replies ApplyTechnicianSignatureToReplies,
            apply_technician_signature_to_updates_and_comments
            ApplyTechnicianSignatureToUpdatesAndComments, applications Applications"""),
        **columns(listed, money, "default_rate DefaultRate, cost_rate CostRate"),
        **columns(listed, moment, "end_date EndDate, report_time_after_date ReportTimeAfterDate"),
        **columns(detail, same, """attributes Attributes, org_applications OrgApplications,
            group_ids GroupIDs, permissions Permissions"""),
    }  # fmt: skip
    return row | {"preferred_name": row["nickname"], "job_title": row["title"]}


def tdx_departments(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _tdx_department(r) for r in records(stored, "tdx", "department")}


def _tdx_department(record: Record) -> Row:
    listed, detail = record.listed, record.detail
    place = columns(detail, text, """address1 Address1, address2 Address2, address3 Address3,
        address4 Address4, city City, state_abbr StateAbbr, state_name StateName,
        postal_code PostalCode, country Country, phone Phone, fax Fax, url Url""")  # fmt: skip
    code = text(listed["Code"])
    return {
        "tdx_id": listed["ID"],
        "dept_code": code,
        "dept_id": code or f"TDX_{listed['ID']}",
        **columns(listed, text, "department_name Name, dept_notes Notes"),
        **columns(listed, same, "is_active IsActive, parent_id ParentID"),
        **columns(listed, uuid, "manager_uid ManagerUID"),
        **columns(listed, moment, "tdx_created_date CreatedDate, tdx_modified_date ModifiedDate"),
        **place,
        "location_info": {k: v for k, v in place.items() if v},
        "attributes": detail["Attributes"] if detail else [],
        "is_enriched": detail is not None,
    }


# --- API gateway -------------------------------------------------------------------------------


def umapi_employees(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _umapi_employee(r.listed) for r in records(stored, "umich_api", "user")}


def _umapi_employee(listed: Row) -> Row:
    row = {
        "empl_rcd": listed["EmplRcd"],
        "uniqname": lower(listed["UniqName"]),
        **columns(listed, text, """empl_id EmplId, first_name FirstName, last_name LastName,
            full_name Name, department_id DepartmentId, dept_description Dept_Description,
            supervisor_id SupervisorId, jobcode Jobcode, department_job_title DepartmentJobTitle,
            university_job_title UniversityJobTitle, work_phone Work_Phone,
            work_phone_extension Work_Phone_Extension, work_address_line1 Work_Address1,
            work_address_line2 Work_Address2, work_address_line3 Work_Address3,
            work_city Work_City, work_state Work_State, work_postal_code Work_Postal,
            work_country Work_Country"""),
    }  # fmt: skip
    place = columns(row, same, """address1 work_address_line1, address2 work_address_line2,
        address3 work_address_line3, city work_city, state work_state, postal work_postal_code,
        country work_country, phone work_phone,
        phone_extension work_phone_extension""")  # fmt: skip
    return row | {
        "job_title": row["university_job_title"] or row["department_job_title"],
        "work_location": {k: v for k, v in place.items() if v},
    }


def umapi_departments(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _umapi_department(r.listed) for r in records(stored, "umich_api", "department")}


def _umapi_department(listed: Row) -> Row:
    row = columns(listed, text, """dept_id DeptId, department_name DeptDescription,
        dept_group DeptGroup, college_name DeptGroupDescription,
        dept_group_vp_area DeptGroupVPArea, vp_area_name DeptGroupVPAreaDescr,
        dept_group_campus DeptGroupCampus, campus_name DeptGroupCampusDescr""")  # fmt: skip
    levels = ("campus_name", "vp_area_name", "college_name", "department_name")
    return row | {"hierarchical_path": path(row[level] for level in levels)}


def path(levels: Iterator[str | None]) -> str | None:
    """Names from the top down, without the unknown ones."""
    return " → ".join(level for level in levels if level) or None


# --- directories -------------------------------------------------------------------------------


def first(values: list[str] | None) -> str | None:
    return text(values[0]) if values else None


def every(values: list[str] | None) -> list[str]:
    return values or []


def number(values: list[str] | None) -> int | None:
    return int(values[0]) if values else None


def mcommunity_users(stored: list[Stored]) -> dict[str, Row]:
    return {
        r.key: _mcommunity_user(r.listed["attributes"])
        for r in records(stored, "mcommunity_ldap", "user")
    }


def _mcommunity_user(entry: Row) -> Row:
    row = {
        "uniqname": lower(first(entry["uid"])),
        "dn_name": None,  # there everybody is called in it as they are
        **columns(entry, first, """first_name givenName, last_name sn, full_name displayName,
            primary_email mail, work_phone telephoneNumber, umich_title umichTitle,
            umich_postal_address umichPostalAddress,
            umich_postal_address_data umichPostalAddressData,
            home_directory homeDirectory, login_shell loginShell"""),
        **columns(entry, every, "cn cn, emails mail, ou ou, object_class objectClass"),
        **columns(entry, number, "uid_number uidNumber, gid_number gidNumber"),
    }  # fmt: skip
    return row | {
        "preferred_name": row["full_name"],
        "job_title": row["umich_title"],
        "cn_aliases": [name for name in row["cn"] if name != row["full_name"]],
    }


def ad_users(stored: list[Stored]) -> dict[str, Row]:
    return {
        r.key: _ad_user(r.listed["attributes"]) for r in records(stored, "active_directory", "user")
    }


def _ad_user(entry: Row) -> Row:
    row = {
        "ad_user_guid": UUID(entry["objectGUID"][0]),
        "uniqname": lower(first(entry["cn"])),
        "dn_name": None,
        **columns(entry, first, """first_name givenName, last_name sn, name name, cn cn,
            display_name displayName, initials initials, uid uid,
            mail_nickname mailNickname, sam_account_name sAMAccountName,
            user_principal_name userPrincipalName, distinguished_name distinguishedName,
            primary_email mail, work_phone telephoneNumber, mobile mobile,
            other_mobile otherMobile, facsimile_telephone_number facsimileTelephoneNumber,
            street_address streetAddress, title title, description description,
            department department, employee_type employeeType, object_sid objectSid,
            object_category objectCategory, home_directory homeDirectory, home_drive homeDrive,
            login_shell loginShell, full_name displayName, mobile_phone mobile, job_title title,
            department_name department"""),
        **columns(entry, every, """proxy_addresses proxyAddresses, umichad_ou umichadOU,
            umichad_role umichadRole, sid_history sIDHistory, object_class objectClass,
            member_of memberOf"""),
        **columns(entry, number, """user_account_control userAccountControl,
            usn_created uSNCreated, instance_type instanceType, primary_group_id primaryGroupID,
            uid_number uidNumber, gid_number gidNumber"""),
        **columns(entry, filetime, """account_expires accountExpires, pwd_last_set pwdLastSet,
            last_logon_timestamp lastLogonTimestamp, lockout_time lockoutTime"""),
        **columns(entry, generalized, "when_created whenCreated"),
    }  # fmt: skip
    return row | place_in_tree(entry["distinguishedName"][0])


def filetime(values: list[str] | None) -> dt.datetime | None:
    """Steps of 100 ns since 1601; 0 and the largest number mean never."""
    steps = number(values)
    if steps in (None, 0, 2**63 - 1):
        return None
    assert steps is not None
    start = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    return start + dt.timedelta(microseconds=steps // 10)


def generalized(values: list[str] | None) -> dt.datetime | None:
    if not values:
        return None
    return dt.datetime.strptime(values[0], "%Y%m%d%H%M%S.%fZ").replace(tzinfo=dt.UTC)


def place_in_tree(dn: str) -> Row:
    parts = split_dn(dn)
    ous = [unescaped(part[3:]) for part in parts if part.upper().startswith("OU=")]
    from_root = ous[::-1]
    status = None
    if len(from_root) > 4 and from_root[4] in ("Current", "Legacy", "Staging"):
        status = from_root.pop(4)
    names = ("root", "organization_type", "organization", "category", "division", "department",
        "subdepartment")  # fmt: skip
    levels = {f"ou_{name}": None for name in names} | {
        f"ou_{name}": ou for name, ou in zip(names, from_root, strict=False)
    }
    return levels | {
        "ou_status": status,
        "ou_immediate_parent": ous[0] if ous else None,
        "ou_full_path": ous,
        "ou_depth": len(ous),
        "parent_ou_dn": ",".join(parts[1:]) or None,
    }


def split_dn(dn: str) -> list[str]:
    """The parts of a distinguished name, still escaped, leaf first."""
    parts, escaped = [""], False
    for letter in dn:
        if letter == "," and not escaped:
            parts.append("")
        else:
            parts[-1] += letter
        escaped = letter == "\\" and not escaped
    return parts


def unescaped(value: str) -> str:
    """`\\,` is a comma; the campus writes no hexadecimal escapes into unit names."""
    return value.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")


SOURCES: dict[str, Callable[[list[Stored]], dict[str, Row]]] = {
    "tdx_users": tdx_users,
    "tdx_departments": tdx_departments,
    "umapi_employees": umapi_employees,
    "umapi_departments": umapi_departments,
    "mcommunity_users": mcommunity_users,
    "ad_users": ad_users,
}
