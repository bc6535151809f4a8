"""What the two directories give out about groups, and the truth about them.

    Group + what the directories believe of its people and machines --> records, truth, labels

Field names follow domain/hub.md 1.3, 1.4, 4.7 and 4.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lsats_pipeline.campus.defects import BAD_BYTES, NUL, defects_of, with_bad_bytes
from lsats_pipeline.campus.directory_names import (
    SCHEMA,
    account_dn,
    contact_dn,
    mcommunity_group_dn,
    person_dn,
)
from lsats_pipeline.campus.events import present_state, states
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.group_anomalies import anomalous_groups
from lsats_pipeline.campus.groups import SYNC, Group, department_groups, everyone, lab_groups
from lsats_pipeline.campus.machine_events import machine_on
from lsats_pipeline.campus.machine_views import machine_objects
from lsats_pipeline.campus.machines import first_machines_in_ad
from lsats_pipeline.campus.memberships import in_ad_groups, stays_in_department
from lsats_pipeline.campus.people import ids_as, ids_of, is_manager
from lsats_pipeline.campus.records import DOMAIN_SID, filled
from lsats_pipeline.campus.sampling import uuid_of
from lsats_pipeline.campus.views import MAIL_DOMAIN
from lsats_pipeline.campus.world import Campus

_SECURITY, _DISTRIBUTION = "-2147483646", "8"
_ODD_PROBLEMS = {
    "nul_ad": NUL, "nul_mcommunity": NUL, "bytes_ad": BAD_BYTES, "bytes_mcommunity": BAD_BYTES,
}  # fmt: skip


class _GroupAccount(NamedTuple):
    """How the directories know somebody; "" where they do not."""

    uniqname: str
    ad_dn: str
    mcommunity_dn: str
    in_department: bool


def campus_group_facts(campus: Campus, day: int) -> Facts:
    """The largest group and the odd ones."""
    facts = Facts()
    for group in (everyone(campus), *anomalous_groups(campus)):
        _add(facts, campus, group, day)
    return facts


def lab_group_facts(facts: Facts, campus: Campus, lab: int, day: int) -> None:
    """Add the groups of a lab."""
    for group in lab_groups(campus, lab, day):
        _add(facts, campus, group, day)


def department_group_facts(campus: Campus, department: int, day: int) -> Facts:
    """The groups of a department."""
    facts = Facts()
    for group in department_groups(campus, department):
        _add(facts, campus, group, day)
    return facts


@lru_cache(maxsize=20_000)
def _account(campus: Campus, number: int, day: int) -> _GroupAccount | None:
    now = states(campus, number, day)
    if now is None:
        return None
    start = now.start
    ids = ids_of(campus, number, start.first, start.last)
    ad_dn = ""
    if now.active_directory and in_ad_groups(now.active_directory):
        odd = not is_manager(number) and "ad_escaped_ou" in defects_of(campus, number)
        in_ad = ids_as(ids, now.active_directory).uniqname
        ad_dn = account_dn(campus, now.active_directory, in_ad, odd)
    in_mcommunity = now.mcommunity is not None and "mcommunity" in now.mcommunity.accounts
    return _GroupAccount(
        ids_as(ids, present_state(now)).uniqname,
        ad_dn,
        person_dn(ids_as(ids, now.mcommunity).uniqname) if in_mcommunity else "",
        now.active_directory is not None and stays_in_department(now.active_directory, start),
    )


class _Listed(NamedTuple):
    """The members of a group as the directories list them, and as the truth has it."""

    active_directory: list[str]
    mcommunity: list[str]
    direct: list[str]
    truth: dict[tuple[str, str], tuple[bool, bool, bool]]  # -> direct, in AD, in MCommunity


def _listed(campus: Campus, group: Group, day: int) -> _Listed:
    found = _Listed([], [], [], {})
    for number in group.people:
        _list_person(campus, group, number, day, found, direct=True)
    for number in group.inner_people:
        _list_person(campus, group, number, day, found, direct=False)
    for unknown in group.unknown_members:
        found.active_directory.append(contact_dn(unknown).replace("OU=Contacts", "OU=People"))
        found.mcommunity.append(person_dn(unknown))
        found.direct.append(person_dn(unknown))
        found.truth["person", unknown] = (
            True,
            bool(group.active_directory),
            bool(group.mcommunity),
        )
    for nested in group.ad_groups:
        found.active_directory.append(nested.dn)
        found.truth["group", nested.name] = (True, True, False)
    for name in group.inner_groups:
        found.truth["group", name] = (True, False, True)
    for department in group.departments:
        for machine, dn in _machines(campus, department, day):
            found.active_directory.append(dn)
            found.truth["computer", str(machine)] = (True, True, False)
    return found


def _machines(campus: Campus, department: int, day: int) -> Iterator[tuple[int, str]]:
    for number in first_machines_in_ad(campus, department):
        now = machine_on(campus, number, day)
        for ad_computer in machine_objects(campus, now.truth, day) if now else ():
            if ad_computer.current:
                yield number, ad_computer.dn


def _list_person(
    campus: Campus, group: Group, number: int, day: int, found: _Listed, *, direct: bool
) -> None:
    account = _account(campus, number, day)
    if account is None:
        return
    ad_dn, mcommunity_dn = account.ad_dn, account.mcommunity_dn
    if group.family in ("department", "staff") and not account.in_department:
        ad_dn = mcommunity_dn = ""
    if group.family == "everyone":
        ad_dn = ad_dn or contact_dn(account.uniqname)
    in_ad = bool(group.active_directory and ad_dn)
    in_mcommunity = bool(group.mcommunity and mcommunity_dn)
    if in_ad:
        found.active_directory.append(ad_dn)
    if in_mcommunity:
        found.mcommunity.append(mcommunity_dn)
        if direct:
            found.direct.append(mcommunity_dn)
    if in_ad or in_mcommunity:
        found.truth["person", account.uniqname] = (direct, in_ad, in_mcommunity)


# --- facts ---------------------------------------------------------------------------------------


def _add(facts: Facts, campus: Campus, group: Group, day: int) -> None:
    listed = _listed(campus, group, day)
    guid = uuid_of(b"ad group", campus.seed, group.key)
    gid = 1_000_000_000 + group.number
    problem = _ODD_PROBLEMS.get(group.oddity, "")
    if group.active_directory:
        _record_ad(facts, campus, group, guid, listed, day, problem)
    if group.mcommunity:
        content = _mcommunity_group(campus, group, gid, listed, day, problem)
        lookup = group.mcommunity.lower()
        facts.record("mcommunity_ldap", "group", str(gid), content, lookup=lookup)
        if problem:
            facts.label("rejects:mcommunity_ldap_group", problem, str(gid))
    if group.oddity:
        facts.label("campus", f"group_{group.oddity}", group.key)
    _add_truth(facts, campus, group, guid if group.active_directory else None, gid, listed, day)
    if not problem:
        _label(facts, campus, group, guid, gid, listed, day)


def _record_ad(
    facts: Facts,
    campus: Campus,
    group: Group,
    guid: str,
    listed: _Listed,
    day: int,
    problem: str,
) -> None:
    content = _ad_group(campus, group, guid, listed, day, problem)
    facts.record("active_directory", "group", guid, content, lookup=group.active_directory.lower())
    if problem:
        facts.label("rejects:active_directory_group", problem, guid)
    if group.oddity == "conflict":
        spare = uuid_of(b"ad group", campus.seed, f"{group.key}/conflict")
        twin = group._replace(
            active_directory=f"{group.active_directory}\nCNF:{spare}", people=(), ad_groups=()
        )
        content = _ad_group(campus, twin, spare, _Listed([], [], [], {}), day, "")
        facts.record(
            "active_directory", "group", spare, content, lookup=twin.active_directory.lower()
        )
        facts.label("ad_groups", "conflict_object", spare)
        facts.label("ad_groups", "no_members", spare)


def _label(
    facts: Facts, campus: Campus, group: Group, guid: str, gid: int, listed: _Listed, day: int
) -> None:
    """The flags that the hub must raise about the group, by table."""
    owners = _owners(campus, group, day)
    silent = not group.about
    nameless = group.oddity == "no_email"
    in_ad, in_mcommunity = bool(group.active_directory), bool(group.mcommunity)
    flags = (
        ("ad_groups", guid, "missing_description", in_ad and silent),
        ("ad_groups", guid, "no_members", in_ad and not listed.active_directory),
        ("mcommunity_groups", str(gid), "missing_group_email", in_mcommunity and nameless),
        ("mcommunity_groups", str(gid), "missing_description", in_mcommunity and silent),
        ("mcommunity_groups", str(gid), "missing_owner",
         in_mcommunity and not _owner_dns(campus, group, day)),
        ("mcommunity_groups", str(gid), "no_members",
         in_mcommunity and not (listed.mcommunity or group.inner_groups)),
        ("groups", group.name.lower(), "missing_group_email", in_mcommunity and nameless),
        ("groups", group.name.lower(), "no_members", not listed.truth),
        ("groups", group.name.lower(), "missing_description", silent),
        ("groups", group.name.lower(), "ad_only", not in_mcommunity),
        ("groups", group.name.lower(), "mcommunity_only", not in_ad),
        ("groups", group.name.lower(), "duplicate_group_name", group.oddity == "same_cn"),
        ("groups", group.name.lower(), "no_owners", not owners),
        ("groups", group.name.lower(), "merged_from_multiple_sources", in_ad and in_mcommunity),
    )  # fmt: skip
    for table, subject, flag, holds in flags:
        if holds:
            facts.label(table, flag, subject)


def _add_truth(
    facts: Facts,
    campus: Campus,
    group: Group,
    guid: str | None,
    gid: int,
    listed: _Listed,
    day: int,
) -> None:
    visible_gid = gid if group.mcommunity else None
    facts.add("groups", (group.key,), (group.name, group.family, guid, visible_gid, group.about))
    for (kind, member), flags in listed.truth.items():
        facts.add("group_members", (group.key, kind, member), flags)
    for kind, owner in sorted(_owners(campus, group, day)):
        facts.add("group_owners", (group.key, kind, owner), ())


def _owners(campus: Campus, group: Group, day: int) -> set[tuple[str, str]]:
    found = {("group", nested.name) for nested in _managed_by_group(campus, group, day)}
    if group.mcommunity:
        found |= {("group", name) for name in group.owner_groups}
    for number in group.owners:
        account = _account(campus, number, day)
        in_ad = group.active_directory and _managed_by(campus, group, day)
        if account and (in_ad or (group.mcommunity and account.mcommunity_dn)):
            found.add(("person", account.uniqname))
    return found


def _managed_by(campus: Campus, group: Group, day: int) -> str:
    """The person named in `managedBy`; a lab with admins names those instead."""
    if group.managers or not group.owners or group.folder == SYNC:
        return ""
    account = _account(campus, group.owners[0], day)
    return account.ad_dn if account else ""


def _managed_by_group(campus: Campus, group: Group, day: int) -> tuple[Any, ...]:
    return group.managers if group.active_directory else ()


def _ad_group(
    campus: Campus, group: Group, guid: str, listed: _Listed, day: int, problem: str
) -> dict[str, Any]:
    dn = group.ad_dn
    mailed = group.folder == SYNC
    managers = [nested.dn for nested in group.managers] or [_managed_by(campus, group, day)]
    number = 2 * group.number + ("\n" in group.active_directory)
    mail = (
        f"{group.active_directory.replace(' ', '.').replace(',', '')}@{MAIL_DOMAIN}"
        if mailed
        else ""
    )
    attributes = {
        "objectClass": ["top", "group"],
        "objectCategory": [f"CN=Group,{SCHEMA}"],
        "instanceType": ["4"],
        "cn": [group.active_directory],
        "name": [group.active_directory],
        "sAMAccountName": [
            group.active_directory
            if "\n" not in group.active_directory
            else f"$DUPLICATE-{guid[:6]}"
        ],
        "distinguishedName": [dn],
        "objectGUID": [guid],
        "objectSid": [f"{DOMAIN_SID}-{400_000_000 + number}"],
        "groupType": [_DISTRIBUTION if mailed and number % 2 else _SECURITY],
        "sAMAccountType": ["268435457" if mailed and number % 2 else "268435456"],
        "displayName": [group.active_directory],
        "description": [with_bad_bytes(group.about, problem)],
        "info": ["Synchronized from MCommunity"] if mailed else [],
        "mail": [mail],
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
        "managedBy": managers,
        "member": listed.active_directory,
        "memberOf": list(group.ad_above),
        "whenCreated": [f"{campus.date(-300 - number % 2500):%Y%m%d}{number % 24:02d}1500.0Z"],
        "uSNCreated": [str(20_000_000 + number)],
    }
    return {"dn": dn, "attributes": filled(attributes)}


def _mcommunity_group(
    campus: Campus, group: Group, gid: int, listed: _Listed, day: int, problem: str
) -> dict[str, Any]:
    name = group.mcommunity
    address = "" if group.oddity == "no_email" else _address(name)
    owners = _owner_dns(campus, group, day)
    inner = [mcommunity_group_dn(inner) for inner in group.inner_groups]
    private = gid % 3 == 0
    attributes = {
        "objectClass": ["top", "umichGroup", "rfc822MailGroup", "posixGroup"],
        "cn": [name, f"{name} (former name)"] if group.oddity == "two_names" else [name],
        "gidNumber": [str(gid)],
        "umichGroupEmail": [address],
        "rfc822mail": [f"{address}@{MAIL_DOMAIN}"] if address else [],
        "umichDescription": [with_bad_bytes(group.about, problem)],
        "owner": owners,
        "member": listed.mcommunity,
        "umichDirectMember": listed.direct,
        "umichDirectGroupMember": inner,
        "groupMember": inner,
        "umichPrivate": ["TRUE" if private else "FALSE"],
        "Membersonly": ["TRUE" if gid % 2 else "FALSE"],
        "joinable": ["FALSE" if private else "TRUE"],
        "umichExpiryTimestamp": [f"{campus.date(200 + gid % 500):%Y%m%d}050000Z"],
        "requestsTo": owners[:1],
        "labeledUri": [f"https://groups.example.edu/{address}"] if gid % 5 == 0 else [],
        "telephoneNumber": ["+1 734 555 0100"] if gid % 7 == 0 else [],
        "umichPostalAddress": ["1 Example Hall $ Exampleville $ MI 48999"] if gid % 7 == 0 else [],
    }
    return {"dn": mcommunity_group_dn(name), "attributes": filled(attributes)}


def _owner_dns(campus: Campus, group: Group, day: int) -> list[str]:
    """The owners in MCommunity: people, then groups."""
    accounts = (_account(campus, number, day) for number in group.owners)
    people = [account.mcommunity_dn for account in accounts if account and account.mcommunity_dn]
    return people + [mcommunity_group_dn(inner) for inner in group.owner_groups]


def _address(name: str) -> str:
    return "".join(c if c.isalnum() else "." for c in name.lower()).strip(".")
