"""What the directories are filled with: people, machines, groups and units with odd names.

`given` is what an administrator writes; a domain controller makes the rest by itself, and `made` is
what it would be, for servers that do not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["unit", "person", "contact", "computer", "service", "trust", "group"]
Values = dict[str, list[str]]

DOMAIN = "DC=adsroot,DC=itcs,DC=umich,DC=edu"
ROOT = f"OU=UMICH,{DOMAIN}"
COLLEGE = f"OU=LSA,OU=Organizations,{ROOT}"
TEAMS = f"OU=Users and Groups,{COLLEGE}"
LABS = f"OU=Research and Instrumentation,{COLLEGE}"
DESKS = f"OU=Workstations,{COLLEGE}"
PEOPLE = f"OU=People,OU=Accounts,{ROOT}"
CONTACTS = f"OU=Contacts,OU=Accounts,{ROOT}"
DEPARTMENT = f"OU=Optics\\, Glass \\+ R&D,OU=RSN,OU=Current,{LABS}"
SPARE = "6c1d2f0e-3a0b-4c55-9d8e-0f2f6b1a7c3d"  # names what a conflict left behind
LONG = 1700  # members of the long group, if there are as many people
# A principal that is not of this domain stands in groups by an object named after its SID; of this
# one every domain has such an object.
FOREIGN = f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{DOMAIN}"

_SCHEMA = f"CN=Schema,CN=Configuration,{DOMAIN}"
_HUMAN = ("top", "person", "organizationalPerson")
_MACHINE = (*_HUMAN, "user", "computer")
_NEVER = "9223372036854775807"


class Class(NamedTuple):
    """Object classes from the top down, and the category and the account type that go with them."""

    chain: tuple[str, ...]
    category: str
    account_type: str = ""


USER = Class((*_HUMAN, "user"), "Person", "805306368")
INET_ORG_PERSON = Class((*USER.chain, "inetOrgPerson"), "Person", "805306368")
TRUST = Class(USER.chain, "Person", "805306370")
CONTACT = Class((*_HUMAN, "contact"), "Person")
COMPUTER = Class(_MACHINE, "Computer", "805306369")
GMSA = COMPUTER._replace(
    chain=(*_MACHINE, "msDS-GroupManagedServiceAccount"),
    category="ms-DS-Group-Managed-Service-Account",
)
SMSA = COMPUTER._replace(
    chain=(*_MACHINE, "msDS-ManagedServiceAccount"), category="ms-DS-Managed-Service-Account"
)
GROUP = Class(("top", "group"), "Group", "268435456")
UNIT = Class(("top", "organizationalUnit"), "Organizational-Unit")


@dataclass(frozen=True)
class Entry:
    """One object; `name` as a person reads it, `rdn` as it stands in its distinguished name."""

    kind: Kind
    of: Class
    name: str
    rdn: str
    parent: str
    number: int
    given: Values = field(default_factory=dict)

    @property
    def dn(self) -> str:
        """The distinguished name."""
        return f"{self.rdn},{self.parent}"

    @property
    def identity(self) -> str:
        """What only this object is called by: its account, or its name for what has none."""
        return next(iter(self.given.get("sAMAccountName", [self.name])))

    @property
    def is_conflict(self) -> bool:
        """Whether it is what a replication conflict left behind."""
        return "\nCNF:" in self.name

    @property
    def made(self) -> Values:
        """What a domain controller would add."""
        key = "ou" if self.kind == "unit" else "cn"
        account = {"sAMAccountType": [self.of.account_type]} if self.of.account_type else {}
        sid = {"objectSid": [f"S-1-5-21-7-77-777-{10_000 + self.number}"]} if account else {}
        return {
            **sid,
            **account,
            key: [self.name],
            "name": [self.name],
            "distinguishedName": [self.dn],
            "objectClass": list(self.of.chain),
            "objectCategory": [f"CN={self.of.category},{_SCHEMA}"],
            "objectGUID": [str(uuid.uuid5(uuid.NAMESPACE_X500, self.dn))],
            "instanceType": ["4"],
            "whenCreated": [f"202511{self.number % 28 + 1:02d}10{self.number % 60:02d}00.0Z"],
            "whenChanged": ["20251130120000.0Z"],
            "uSNCreated": [str(5000 + self.number)],
            "uSNChanged": [str(9000 + self.number)],
        }


# As it is called, and as RFC 4514 wants it in a distinguished name.
_ODD_PEOPLE = (
    ("O'Brenn, Seán", "O'Brenn\\, Seán", "obrenn"),
    ('Zoë "Zo" Quill', 'Zoë \\"Zo\\" Quill', "zquill"),
    ("plus+one", "plus\\+one", "plusone"),
    ("equals=sign;<tag>", "equals\\=sign\\;\\<tag\\>", "equalsign"),
    ("Jürgen Weißkopf", "Jürgen Weißkopf", "jweiss"),
    ("trailing blank ", "trailing blank\\20", "trailer"),
    (" leading blank", "\\20leading blank", "leader"),
    ("Fox 😀 Emoji", "Fox 😀 Emoji", "foxem"),
    ("#hash", "\\#hash", "hashed"),
    ("back\\slash", "back\\\\slash", "backs"),
    ("slash/name", "slash/name", "slashn"),
    ("שרה", "שרה", "sarahs"),
    ("line\nbreak", "line\\0Abreak", "lineb"),
    ("LOUD", "LOUD", "LOUD"),
    ("Mononymus", "Mononymus", "mononym"),
    ("O\u2019Curly", "O\u2019Curly", "ocurly"),
    ("a.b-c_d", "a.b-c_d", "abcd"),
)
_ODD_UNITS = (
    ("oddlab", "oddlab"),
    ("O'Brenn, Seán Lab", "O'Brenn\\, Seán Lab"),
    ('Lab "7" <x>;y', 'Lab \\"7\\" \\<x\\>\\;y'),
    ("Über/Unter 😀", "Über/Unter 😀"),
    (f"halflab\nCNF:{SPARE}", f"halflab\\0ACNF:{SPARE}"),
)


def fill(people: int) -> list[Entry]:
    """Everything, what holds others first; `people`: how many with plain names."""
    numbered = _Numbered()
    units = list(_units(numbered))
    persons = [*_people(numbered, people), *_odd_people(numbered)]
    machines = [*_computers(numbered), *_services(numbered)]
    groups = list(_groups(numbered, persons, machines))
    return [*units, *persons, *_contacts(numbered), *machines, *groups]


class _Numbered:
    """Makes entries, each with a number of its own."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(
        self, kind: Kind, of: Class, name: str, rdn: str, parent: str, **given: list[str]
    ) -> Entry:
        self._last += 1
        hyphened = {key.replace("_", "-"): values for key, values in given.items()}
        return Entry(kind, of, name, rdn, parent, self._last, hyphened)


def _units(numbered: _Numbered) -> Iterator[Entry]:
    plain = (
        *(ROOT, f"OU=Organizations,{ROOT}", COLLEGE, TEAMS, LABS, DESKS),
        *(f"OU=Current,{LABS}", f"OU=RSN,OU=Current,{LABS}"),
        *(f"OU=Accounts,{ROOT}", PEOPLE, CONTACTS, f"OU=Desk 1,{DESKS}"),
    )
    for dn in plain:
        rdn, _, parent = dn.partition(",")
        yield numbered("unit", UNIT, rdn.removeprefix("OU="), rdn, parent)
    name = "Optics, Glass + R&D"
    above = DEPARTMENT.removeprefix("OU=Optics\\, Glass \\+ R&D,")
    yield numbered("unit", UNIT, name, "OU=Optics\\, Glass \\+ R&D", above, description=[name])
    for name, escaped in _ODD_UNITS:
        yield numbered("unit", UNIT, name, f"OU={escaped}", DEPARTMENT, description=["A lab"])


def _people(numbered: _Numbered, count: int) -> Iterator[Entry]:
    for n in range(count):
        name = f"coin{n:05d}"
        yield numbered(
            "person", USER, name, f"CN={name}", PEOPLE,
            sAMAccountName=[name], userAccountControl=["514" if n % 9 == 0 else "544"],
            givenName=[f"Coin{n}"], sn=["Minted"], displayName=[f"Coin{n} Minted"],
            mail=[f"{name}@example.edu"], telephoneNumber=[f"(734) 555-{n % 10_000:04d}"],
            proxyAddresses=[f"SMTP:{name}@example.edu", f"smtp:c{n}@example.edu"],
            accountExpires=[("0", _NEVER, "133485408000000000")[n % 3]],
        )  # fmt: skip


def _odd_people(numbered: _Numbered) -> Iterator[Entry]:
    for n, (name, escaped, account) in enumerate(_ODD_PEOPLE):
        yield numbered(
            "person", INET_ORG_PERSON if n == 3 else USER, name, f"CN={escaped}", PEOPLE,
            sAMAccountName=[account], userAccountControl=["544"], displayName=[f"{name}, Odd 😀"],
            mail=[f"{account}@EXAMPLE.edu"], description=['says "quotes" \\ and\ttabs\nand lines'],
        )  # fmt: skip
    spare = f"obrenn\nCNF:{SPARE}"
    yield numbered(
        "person", USER, spare, f"CN=obrenn\\0ACNF:{SPARE}", PEOPLE,
        sAMAccountName=["$DUPLICATE-4f2"], userAccountControl=["544"], mail=["obrenn@example.edu"],
    )  # fmt: skip


def _contacts(numbered: _Numbered) -> Iterator[Entry]:
    for name in ("outsider", "Second, Outsider"):
        rdn = "CN=" + name.replace(",", "\\,")
        yield numbered(
            "contact", CONTACT, name, rdn, CONTACTS, givenName=["Out"], mail=["out@example.org"]
        )


def _computers(numbered: _Numbered) -> Iterator[Entry]:
    owner = f"CN=O'Brenn\\, Seán,{PEOPLE}"
    homes = (
        f"OU=oddlab,{DEPARTMENT}",
        f"OU=O'Brenn\\, Seán Lab,{DEPARTMENT}",
        f"OU=Desk 1,{DESKS}",
    )
    for n in range(30):
        name = f"LSA-OPT-{n:04d}" if n != 3 else "MÜHLE-PC"
        host = f"lsa-opt-{n:04d}.example.edu"
        yield numbered(
            "computer", COMPUTER, name, f"CN={name}", homes[n % 3],
            sAMAccountName=[f"LSA-OPT-{n:04d}$"], userAccountControl=["4096"], dNSHostName=[host],
            managedBy=[owner], operatingSystem=["Windows 11 Enterprise"],
            servicePrincipalName=[f"HOST/{host}", f"HOST/LSA-OPT-{n:04d}"],
        )  # fmt: skip
    spare = f"LSA-OPT-0001\nCNF:{SPARE}"
    yield numbered(
        "computer", COMPUTER, spare, f"CN=LSA-OPT-0001\\0ACNF:{SPARE}", homes[0],
        sAMAccountName=["$DUPLICATE-5c1"], userAccountControl=["4096"],
    )  # fmt: skip


def _services(numbered: _Numbered) -> Iterator[Entry]:
    lab = f"OU=oddlab,{DEPARTMENT}"
    interval = {"msDS_ManagedPasswordInterval": ["30"]}
    for n, of in enumerate((GMSA, GMSA, SMSA)):
        name, more = f"svc-optics{n}", interval if of is GMSA else {}
        yield numbered("service", of, name, f"CN={name}", lab, sAMAccountName=[f"{name}$"], **more)


def _groups(numbered: _Numbered, people: list[Entry], machines: list[Entry]) -> Iterator[Entry]:
    dns = [entry.dn for entry in people]
    odd = [entry.dn for entry in people[-len(_ODD_PEOPLE) - 1 :]]

    def group(name: str, members: list[str], **more: list[str]) -> Entry:
        escaped = name.replace(",", "\\,").replace("\n", "\\0A")
        member = {"member": members} if members else {}
        account = [name.replace(",", "").replace("/", "").replace("\n", "").replace(":", "")]
        return numbered(
            "group", GROUP, name, f"CN={escaped}", TEAMS,
            sAMAccountName=account, groupType=["-2147483646"], **member, **more,
        )  # fmt: skip

    first = group("optics-lab", odd, managedBy=[odd[0]], mail=["Optics@Example.edu"])
    yield first
    yield group("R&D, Core/x", [first.dn, FOREIGN, *(e.dn for e in machines[:5])])
    yield group("empty", [])
    yield group("everyone", dns[:LONG])
    yield group(f"optics-lab\nCNF:{SPARE}", odd[:1])


def member_of(entries: list[Entry]) -> dict[str, list[str]]:
    """The groups of every object by its distinguished name, as a directory makes it of members."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        for member in entry.given.get("member", ()):
            found.setdefault(member, []).append(entry.dn)
    return found
