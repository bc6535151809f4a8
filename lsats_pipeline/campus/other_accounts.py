"""Objects of Active Directory that are neither people nor computers, though they look like it.

    gMSA, sMSA    accounts of services, computers by their class
    contact       somebody outside, a person by class
    foreign       a principal of another domain, which only a group knows, by its SID

A campus has them since STAND_INS; what they are is in `campus.other_accounts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lsats_pipeline.campus.directory_names import AD_ROOT, LSA, SCHEMA, ad_group_dn, contact_dn
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.labs import RESEARCH, WORKSTATIONS
from lsats_pipeline.campus.records import DOMAIN_SID, filled
from lsats_pipeline.campus.sampling import coded, pick, raw, uniforms, uuid_text
from lsats_pipeline.campus.world import STAND_INS, Campus

PARTNERS = "Partner Access"  # the group of principals from elsewhere
_FOREIGN_DOMAIN = "S-1-5-21-3000000001-3000000002-3000000003"
_DOMAIN = AD_ROOT.partition(",")[2]
_HUMAN = ("top", "person", "organizationalPerson")
_STREAM = b"other account"


class OtherAccount(NamedTuple):
    """One of them. `entity`: under which it is among the records; "": the hub cannot see it."""

    kind: str
    entity: str
    guid: str
    name: str
    dn: str
    classes: tuple[str, ...] = ()
    category: str = ""

    def attributes(self, number: int) -> dict[str, list[str]]:
        """As the directory shows it."""
        is_account = self.entity == "service_account"
        return filled(
            {
                "objectClass": list(self.classes),
                "objectCategory": [f"CN={self.category},{SCHEMA}"],
                "cn": [self.name],
                "name": [self.name],
                "distinguishedName": [self.dn],
                "objectGUID": [self.guid],
                "instanceType": ["4"],
                "whenCreated": [f"20240{number % 9 + 1}1{number % 9}081500.0Z"],
                "uSNCreated": [str(40_000_000 + number)],
                "sAMAccountName": [f"{self.name}$"] if is_account else [],
                "sAMAccountType": ["805306369"] if is_account else [],
                "userAccountControl": ["4096"] if is_account else [],
                "objectSid": [f"{DOMAIN_SID}-{600_000_000 + number}"] if is_account else [],
                "mail": [] if is_account else [f"{self.name}@partner.example.org"],
                "givenName": [] if is_account else ["Outside"],
            }
        )


def other_account_facts(campus: Campus, day: int) -> Facts:
    """Records, truth and the group of all of them on a day; none on a campus of before."""
    facts = Facts()
    if STAND_INS not in campus.additions:
        return facts
    foreign = []
    for number, account in enumerate(_accounts(campus, day)):
        truth = (account.kind, account.name, account.dn)
        facts.add("other_accounts", (account.guid,), truth)
        if account.entity:
            content = {"dn": account.dn, "attributes": account.attributes(number)}
            facts.record(
                "active_directory", account.entity, account.guid, content, account.name.lower()
            )
        else:
            foreign.append(account)
    _add_group(facts, campus, foreign)
    return facts


def _accounts(campus: Campus, day: int) -> Iterator[OtherAccount]:
    """More gMSAs and contacts with the days; sMSAs and foreign principals as they were."""
    for number in range(3 + campus.machines // 100 + day // 3):
        yield _service(campus, "gmsa", number)
    for number in range(2):
        yield _service(campus, "smsa", number)
    for number in range(3 + campus.people // 300 + day // 2):
        guid, name = _identity(campus, "contact", number)
        classes = (*_HUMAN, "contact")
        dn = contact_dn(name)
        yield OtherAccount("contact", "contact", guid, name, dn, classes, "Person")
    for number in range(3):
        guid, _ = _identity(campus, "foreign", number)
        sid = f"{_FOREIGN_DOMAIN}-{1104 + number}"
        dn = f"CN={sid},CN=ForeignSecurityPrincipals,{_DOMAIN}"
        yield OtherAccount("foreign", "", guid, sid, dn)


_SERVICES = {"gmsa": ("GroupManaged", "Group-Managed"), "smsa": ("Managed", "Managed")}


def _service(campus: Campus, kind: str, number: int) -> OtherAccount:
    guid, name = _identity(campus, kind, number)
    branch = pick((RESEARCH, WORKSTATIONS), uniforms(_STREAM, campus.seed, number)[0])
    spelled, hyphened = _SERVICES[kind]
    classes = (*_HUMAN, "user", "computer", f"msDS-{spelled}ServiceAccount")
    category = f"ms-DS-{hyphened}-Service-Account"
    dn = f"CN={name},OU={branch},{LSA}"
    return OtherAccount(kind, "service_account", guid, name, dn, classes, category)


def _identity(campus: Campus, kind: str, number: int) -> tuple[str, str]:
    guid = uuid_text(raw(kind.encode(), campus.seed, number), 0)
    code = coded(number, campus.seed, 6).lower()
    return guid, f"ext-{code}" if kind == "contact" else f"svc-{code}-{kind}"


def _add_group(facts: Facts, campus: Campus, members: list[OtherAccount]) -> None:
    guid, _ = _identity(campus, "partners", 0)
    attributes = {
        "objectClass": ["top", "group"],
        "objectCategory": [f"CN=Group,{SCHEMA}"],
        "instanceType": ["4"],
        "cn": [PARTNERS],
        "name": [PARTNERS],
        "sAMAccountName": [PARTNERS],
        "distinguishedName": [ad_group_dn(PARTNERS, "")],
        "objectGUID": [guid],
        "objectSid": [f"{DOMAIN_SID}-{699_999_999}"],
        "groupType": ["-2147483644"],  # local to the domain: others take no foreign members
        "sAMAccountType": ["536870912"],
        "description": ["Accounts of partners"],
        "member": [account.dn for account in members],
        "whenCreated": ["20240101081500.0Z"],
        "uSNCreated": ["49999999"],
    }
    content = {"dn": ad_group_dn(PARTNERS, ""), "attributes": attributes}
    facts.record("active_directory", "group", guid, content, lookup=PARTNERS.lower())
    facts.add("groups", ("partners",), (PARTNERS, "partners", guid, None, "Accounts of partners"))
    for account in members:
        facts.add("group_members", ("partners", "foreign", account.name), (True, True, False))
    for flag in ("ad_only", "no_owners"):
        facts.label("groups", flag, PARTNERS.lower())
