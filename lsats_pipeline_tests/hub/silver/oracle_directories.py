"""What tier 1 must say of groups, computers and units, worked out in Python (oracle_sources)."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any
from uuid import UUID

from lsats_pipeline_tests.hub.silver.oracle_sources import (
    Row,
    Stored,
    columns,
    every,
    filetime,
    first,
    generalized,
    number,
    place_in_tree,
    records,
    split_dn,
)

ACTIVE = "active_directory"


def dn_key(dn: str) -> str:
    """The campus spells every distinguished name the same way, but for capitals."""
    return dn.lower()


def boolean(values: list[str] | None) -> bool | None:
    return {"TRUE": True, "FALSE": False}[values[0]] if values else None


# --- groups ------------------------------------------------------------------------------------


def ad_groups(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _ad_group(r.listed["attributes"]) for r in records(stored, ACTIVE, "group")}


def _ad_group(entry: Row) -> Row:
    [cn], [dn] = entry["cn"], entry["distinguishedName"]
    return {
        "ad_group_guid": UUID(entry["objectGUID"][0]),
        **columns(entry, first, """group_name name, cn cn, sam_account_name sAMAccountName,
            display_name displayName, distinguished_name distinguishedName,
            description description, info info, group_email mail,
            object_category objectCategory, managed_by managedBy, object_sid objectSid"""),
        **columns(entry, every, """proxy_addresses proxyAddresses, object_class objectClass,
            members member, member_of memberOf, sid_history sIDHistory"""),
        **columns(entry, number, """group_type groupType, sam_account_type sAMAccountType,
            usn_created uSNCreated"""),
        "when_created": generalized(entry.get("whenCreated")),
        "group_key": None if "CNF:" in cn else cn.lower(),
        "dn_key": _escaped_key(dn),
        **place_in_tree(dn),
    }  # fmt: skip


def _escaped_key(dn: str) -> str:
    """Line breaks are escaped as \\0A by Active Directory, and stand for themselves in a key."""
    return dn_key(dn).replace("\\0a", "\n")


def ad_group_flags(row: Row) -> set[str]:
    return _raised(
        conflict_object="CNF:" in row["cn"],
        missing_description=row["description"] is None,
        no_members=row["members"] == [],
    )


_WAYS = ("telephone", "fax", "address", "uri")


def mcommunity_groups(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _mcommunity_group(r.listed) for r in records(stored, "mcommunity_ldap", "group")}


def _mcommunity_group(listed: Row) -> Row:
    entry = listed["attributes"]
    ways = columns(entry, first, """telephone_number telephoneNumber,
        facsimile_telephone_number facsimileTelephoneNumber, postal_address umichPostalAddress,
        labeled_uri labeledUri""")  # fmt: skip
    expiry = entry.get("umichExpiryTimestamp")
    name = first(entry["cn"])
    assert name is not None
    return {
        "distinguished_name": listed["dn"],
        "dn_key": dn_key(listed["dn"]),
        "group_key": name.lower(),
        **columns(entry, first, """group_name cn, group_email umichGroupEmail,
            description umichDescription"""),
        **columns(entry, every, """aliases cn, owners owner, members member,
            direct_members umichDirectMember, nested_members umichDirectGroupMember,
            requests_to requestsTo"""),
        **columns(entry, boolean, """is_private umichPrivate, is_members_only Membersonly,
            is_joinable joinable"""),
        "gid_number": number(entry["gidNumber"]),
        "expiry_timestamp": dt.datetime.strptime(expiry[0], "%Y%m%d%H%M%S%z") if expiry else None,
        **ways,
        "contact_info": {
            short: value
            for short, value in zip(_WAYS, ways.values(), strict=True)
            if value
        },
    }  # fmt: skip


def mcommunity_group_flags(row: Row) -> set[str]:
    return _raised(
        missing_group_name=row["group_name"] is None,
        missing_group_email=row["group_email"] is None,
        missing_description=row["description"] is None,
        missing_owner=row["owners"] == [],
        no_members=not (row["members"] or row["direct_members"] or row["nested_members"]),
    )


# --- computers ---------------------------------------------------------------------------------

_RARE = ("pager", "localPolicyFlags", "countryCode", "codePage", "netbootSCPBL")


def ad_computers(stored: list[Stored]) -> dict[str, Row]:
    return {
        r.key: _ad_computer(r.listed["attributes"]) for r in records(stored, ACTIVE, "computer")
    }


def _ad_computer(entry: Row) -> Row:
    [dn] = entry["distinguishedName"]
    control = number(entry.get("userAccountControl"))
    return {
        "object_guid": UUID(entry["objectGUID"][0]),
        **columns(entry, first, """sam_account_name sAMAccountName, computer_name cn,
            dns_hostname dNSHostName, distinguished_name distinguishedName, object_sid objectSid,
            operating_system operatingSystem, operating_system_version operatingSystemVersion,
            operating_system_service_pack operatingSystemServicePack, managed_by managedBy,
            description description, display_name displayName"""),
        **columns(entry, every, """service_principal_names servicePrincipalName,
            network_addresses networkAddress, member_of_groups memberOf,
            msds_key_credential_link msDS-KeyCredentialLink,
            user_certificate userCertificate"""),
        **columns(entry, number, """msds_supported_encryption_types msDS-SupportedEncryptionTypes,
            usn_created uSNCreated"""),
        **columns(entry, filetime, """pwd_last_set pwdLastSet, account_expires accountExpires,
            last_logon_timestamp lastLogonTimestamp,
            ms_laps_password_expiration_time msLAPS-PasswordExpirationTime,
            ms_mcs_adm_pwd_expiration_time ms-Mcs-AdmPwdExpirationTime"""),
        "is_critical_system_object": boolean(entry.get("isCriticalSystemObject")),
        "user_account_control": control,
        "is_enabled": control is not None and not control & 2,
        "when_created": generalized(entry.get("whenCreated")),
        "additional_attributes": {n: entry[n][0] for n in _RARE if n in entry} or None,
        "dn_key": _escaped_key(dn),
        "parent_dn_key": _escaped_key(",".join(split_dn(dn)[1:])),
        **place_in_tree(dn),
    }  # fmt: skip


def ad_computer_flags(row: Row) -> set[str]:
    control = row["user_account_control"]
    return _raised(
        conflict_object="CNF:" in row["computer_name"],
        missing_operating_system=row["operating_system"] is None,
        missing_dns_hostname=row["dns_hostname"] is None,
        account_disabled=control is not None and bool(control & 2),
    )


# --- units -------------------------------------------------------------------------------------


def ad_units(stored: list[Stored]) -> dict[str, Row]:
    found = records(stored, ACTIVE, "organizational_unit")
    return {r.key: _ad_unit(r.listed["attributes"]) for r in found}


def _ad_unit(entry: Row) -> Row:
    [dn], [name] = entry["distinguishedName"], entry["ou"]
    place = place_in_tree(dn)
    whole = place["ou_full_path"]
    return {
        "object_guid": UUID(entry["objectGUID"][0]),
        **columns(entry, first, """distinguished_name distinguishedName, ou_name ou, name name,
            description description, managed_by managedBy, gp_link gPLink, gp_options gPOptions,
            object_category objectCategory"""),
        "object_class": every(entry.get("objectClass")),
        **columns(entry, number, """instance_type instanceType, system_flags systemFlags,
            usn_created uSNCreated"""),
        "when_created": generalized(entry.get("whenCreated")),
        "dn_key": _escaped_key(dn),
        "parent_dn_key": _escaped_key(",".join(split_dn(dn)[1:])),
        **place,
        "ou_immediate_parent": whole[1] if len(whole) > 1 else None,
        "depth_category": _category(whole),
        "extracted_uniqname": _uniqname_in(name),
        "name_patterns": {
            "dept_uniqname": bool(re.fullmatch(r"[a-zA-Z]{2,6}-[a-zA-Z]{3,8}", name)),
            "uniqname_only": name.isascii() and name.isalpha() and 3 <= len(name) <= 8,
            "lab_suffix": name.lower().endswith("lab"),
            "has_hyphen": "-" in name,
        },
    }  # fmt: skip


def _category(leaf_first: list[str]) -> str:
    """domain/hub.md 1.4, "OU facts added at ingestion"."""
    depth = len(leaf_first)
    branch = leaf_first[-4] if depth > 3 else ""
    if depth >= 8:
        return "potential_lab"
    meanings = {
        "Research and Instrumentation": {7: "department", 6: "region"},
        "Workstations": {7: "lab_grouping", 6: "department", 5: "region"},
    }
    return meanings.get(branch, {7: "department", 6: "department"}).get(depth, "high_level")


def _uniqname_in(name: str) -> str | None:
    lowered = name.lower()
    if found := re.fullmatch(r"([a-z]{3,8})-lab", lowered):
        return found[1]
    if (found := re.fullmatch(r"[a-z]{2,6}-([a-z]{3,8})", lowered)) and found[1] != "lab":
        return found[1]
    return lowered if re.fullmatch(r"[a-z]{3,8}", lowered) else None


def ad_organizational_units(units: dict[str, Row], computers: dict[str, Row]) -> dict[str, Row]:
    """Units with what is directly in them."""
    machines = Counter(row["parent_dn_key"] for row in computers.values())
    inner = Counter(row["parent_dn_key"] for row in units.values())
    return {
        key: row
        | {
            "external_id": key,
            "direct_computer_count": machines[row["dn_key"]],
            "has_computer_children": machines[row["dn_key"]] > 0,
            "child_ou_count": inner[row["dn_key"]],
            "has_child_ous": inner[row["dn_key"]] > 0,
        }
        for key, row in units.items()
    }


def unit_flags(row: Row) -> set[str]:
    return _raised(empty_unit=not (row["has_computer_children"] or row["has_child_ous"]))


def _raised(**flags: Any) -> set[str]:
    return {name for name, holds in flags.items() if holds}
