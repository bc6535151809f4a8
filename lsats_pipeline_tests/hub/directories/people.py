"""What MCommunity is filled with: people and groups, some with names that servers differ about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsats_pipeline_tests.hub.directories.entries import LONG, Values

BASE = "dc=umich,dc=edu"
PEOPLE = f"ou=People,{BASE}"
GROUPS = f"ou=User Groups,ou=Groups,{BASE}"
_PERSON = ["top", "person", "organizationalPerson", "inetOrgPerson", "umichPerson"]


@dataclass(frozen=True)
class PublicEntry:
    """One person or group, with what it holds."""

    kind: str  # user, group
    dn: str
    values: Values

    @property
    def number(self) -> str:
        """The number that identifies it, "" for none."""
        name = "uidNumber" if self.kind == "user" else "gidNumber"
        return next(iter(self.values.get(name, [""])))


def fill_public(people: int) -> list[PublicEntry]:
    """Everybody; `people`: how many with plain names."""
    persons = [*_plain(people), *_odd()]
    return [*persons, *_groups(persons)]


def _person(account: str, number: int, *, rdn: str = "", **more: list[str]) -> PublicEntry:
    values = {
        "objectClass": _PERSON, "uid": [account], "uidNumber": [str(number)], "gidNumber": ["10"],
        "cn": [f"F{account} L{account}"], "sn": [f"L{account}"], "givenName": [f"F{account}"],
        "displayName": [f"F{account} L{account}"], "mail": [f"{account}@example.edu"],
        "homeDirectory": [f"/users/{number}"], "loginShell": ["/bin/csh"],
        "ou": ["College of Coins, Mints & Arts - Faculty and Staff"],
    } | more  # fmt: skip
    dn = f"{rdn or f'uid={account}'},{PEOPLE}"
    return PublicEntry("user", dn, {name: texts for name, texts in values.items() if texts})


def _plain(count: int) -> Iterator[PublicEntry]:
    # Few beginnings, so that limits are met again after the first letters.
    for n in range(count):
        yield _person(f"{'cm'[n % 2]}oin{'abc'[n % 3]}{n:05d}", 10_000 + n)


def _odd() -> Iterator[PublicEntry]:
    title = "Professor of Coins"
    yield _person("obrenn", 90_001, cn=["Seán O'Brenn", "Sean O'Brenn, Jr."], sn=["O'Brenn 😀"])
    yield _person("mononym", 90_002, givenName=[], displayName=["Mononymus"])
    yield _person("rightleft", 90_003, displayName=["\u202eשרה\u202c"], sn=["שרה"])
    yield _person("LOUD", 90_004)
    yield _person("aliasa", 90_005, uid=["aliasa", "zaliasb"], rdn="uid=aliasa")
    yield _person("twomails", 90_006, mail=["twomails@example.edu", "t.mails@example.edu"])
    yield _person("titles", 90_007, umichTitle=[title, "Director, Center for X"])
    yield _person("long", 90_008, umichTitle=["X" * 3000])
    yield _person("lines", 90_009, umichTitle=['line1\nline2\t"tab" \\'])
    yield _person("twin1", 90_010)
    yield _person("twin2", 90_010)  # one number, two people
    yield _person("spaced", 90_012, uid=["spaced out"], rdn="uid=spaced out")
    yield _person("comma", 90_013, cn=["Coin, John"], rdn="cn=Coin\\2C John")
    yield _person("ümläut", 90_014)
    yield _person("0digit", 90_015)
    yield _person("z'quote*(star)", 90_016, rdn="uid=z'quote*(star)")


def _groups(people: list[PublicEntry]) -> Iterator[PublicEntry]:
    dns = [person.dn for person in people]

    def group(name: str, number: int, rdn: str = "", **more: list[str]) -> PublicEntry:
        values = {
            "objectClass": ["top", "umichGroup"], "cn": [name], "gidNumber": [str(number)],
        } | more  # fmt: skip
        return PublicEntry("group", f"{rdn or f'cn={name}'},{GROUPS}", values)

    first = group("optics-lab", 70_001, member=dns[-16:], owner=dns[:1])
    yield first
    yield group("R&D, Core", 70_002, "cn=R&D\\2C Core", member=[first.dn, f"uid=gone,{PEOPLE}"])
    yield group("Empty", 70_003)
    yield group("everyone", 70_004, member=dns[:LONG], umichPrivate=["TRUE"])
    yield group("two names", 70_005, cn=["two names", "zwei Namen"])
    yield group("expires", 70_006, umichExpiryTimestamp=["20260212230252Z"])
    for n in range(len(people) // 2):
        yield group(f"{'gh'[n % 2]}roup {n:04d}", 71_000 + n, owner=dns[n : n + 1])
