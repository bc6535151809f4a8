"""What Active Directory offers: accounts, groups, computers and folders, paged to the end.

    root ── users                        OU=LSA,OU=Organizations ── computers
     └ OU=Users and Groups,... ── groups      ├ OU=Research and Instrumentation ─┐
                                              └ OU=Workstations ─────────────────┴─ OUs

Paging cookies die with the connection: after a lost one a search starts again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from lsats_pipeline.hub.sources.active_directory import shapes
from lsats_pipeline.hub.sources.active_directory.client import (
    LONG_ENTRIES,
    PAGE,
    ActiveDirectoryClient,
    connect,
)
from lsats_pipeline.hub.sources.active_directory.settings import ActiveDirectorySettings
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream

# By the hierarchy of classes computers and contacts are persons, and the accounts of services are
# computers, of the same account type. Whoever may not read the class gets no answer to a condition
# on it, negated or not: hence the account type as a second way. Classes that an older schema does
# not know must not be asked for either, so what is no computer after all is left out here.
PEOPLE = (
    "(&(cn=*)(|(&(objectClass=person)(!(objectClass=computer))(!(objectClass=contact)))"
    "(sAMAccountType=805306368)))"
)
COMPUTERS = "(|(objectClass=computer)(sAMAccountType=805306369))"
_TRUST = re.compile(rb'"sAMAccountType":"805306370"')
_SERVICE = re.compile(
    rb'"msDS-(?:Group|Delegated)?ManagedServiceAccount"'
    rb'|"objectCategory":"CN=ms-DS-(?:Group-|Delegated-)?Managed-Service-Account,',
    re.IGNORECASE,
)
# domain/hub.md 1.4
COLLEGE = "OU=LSA,OU=Organizations"
GROUPS = f"OU=Users and Groups,{COLLEGE}"
BRANCHES = (f"OU=Research and Instrumentation,{COLLEGE}", f"OU=Workstations,{COLLEGE}")


def read_users(client: ActiveDirectoryClient, request: ReadRequest) -> Iterator[Page]:
    """Every account of a person, or of what logs on like one, on the campus."""
    found = map(shapes.PERSON.record, client.entries(PEOPLE, shapes.PERSON.names))
    return _paged(record for record in found if not _TRUST.search(record))


def read_groups(client: ActiveDirectoryClient, request: ReadRequest) -> Iterator[Page]:
    """Every group of the college, with all its members however many they are."""
    names = shapes.GROUP.names
    groups = client.entries("(objectClass=group)", names, below=GROUPS, page_size=LONG_ENTRIES)
    return _paged(map(shapes.GROUP.record, groups), LONG_ENTRIES)


def read_computers(client: ActiveDirectoryClient, request: ReadRequest) -> Iterator[Page]:
    """Every computer of the college, without the accounts of services."""
    found = client.entries(COMPUTERS, shapes.COMPUTER.names, below=COLLEGE)
    records = map(shapes.COMPUTER.record, found)
    return _paged(record for record in records if not _SERVICE.search(record))


def read_organizational_units(
    client: ActiveDirectoryClient, request: ReadRequest
) -> Iterator[Page]:
    """Every folder of the two branches that hold labs.

    One that is moved from the first to the second while they are read is in both answers; the
    later one is true.
    """
    found: dict[bytes, bytes] = {}
    for branch in BRANCHES:
        names = shapes.ORGANIZATIONAL_UNIT.names
        for entry in client.entries("(objectClass=organizationalUnit)", names, below=branch):
            found[_guid(entry)] = shapes.ORGANIZATIONAL_UNIT.record(entry)
    return _paged(found.values())


def probe(client: ActiveDirectoryClient) -> str:
    """Ask for every account as they are read, but for its identity alone; fails as a read would."""
    found = sum(1 for _ in client.entries(PEOPLE, ()))
    if not found:
        return "answers, but shows nobody to this account"
    return f"answers; {found:,} accounts, read {'in pages' if client.paged else 'in one search'}"


def _guid(entry: LdapEntry) -> bytes:
    given = (v[0] for name, v in entry.attributes if name.lower() == b"objectguid" and v)
    return next(given, entry.dn)


def _paged(records: Iterable[bytes], size: int = PAGE) -> Iterator[Page]:
    left = iter(records)
    while page := list(islice(left, size)):
        yield Page(page)


# Volatile is what the domain counts and replicates by itself, as in domain/hub.md 1.4, and what was
# noisy there: dSCorePropagationData. lastLogonTimestamp stays in: it moves every two weeks at most,
# and distinguishes a computer that is used from one that is not.
USER = Stream(
    "active_directory", "user", key=("objectGUID",), read=read_users, volatile=shapes.LOGGED_ON
)
GROUP = Stream(
    "active_directory", "group", key=("objectGUID",), read=read_groups, volatile=shapes.REPLICATED
)
COMPUTER = Stream(
    "active_directory",
    "computer",
    key=("objectGUID",),
    read=read_computers,
    volatile=shapes.LOGGED_ON,
)
ORGANIZATIONAL_UNIT = Stream(
    "active_directory",
    "organizational_unit",
    key=("objectGUID",),
    read=read_organizational_units,
    volatile=shapes.REPLICATED,
)

SOURCE = Source(
    "active_directory",
    "Active Directory",
    settings=ActiveDirectorySettings,
    connect=connect,
    probe=probe,
    streams=(USER, GROUP, COMPUTER, ORGANIZATIONAL_UNIT),
)
