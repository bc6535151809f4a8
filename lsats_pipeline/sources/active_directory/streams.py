"""What Active Directory offers: user accounts, paged to the end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lsats_pipeline.sources.active_directory.client import (
    PAGE,
    PERSON,
    ActiveDirectoryClient,
    connect,
)
from lsats_pipeline.sources.source import Page, ReadRequest, Source, Stream

# Computers are persons too, by Active Directory's class hierarchy.
PEOPLE = "(&(objectClass=person)(cn=*)(!(objectClass=computer)))"


def read_users(client: ActiveDirectoryClient, request: ReadRequest) -> Iterator[Page]:
    """Every user account. Paging cookies die with the connection, so there is no position."""
    records = map(PERSON.record, client.accounts(PEOPLE))
    while page := list(islice(records, PAGE)):
        yield Page(page)


def probe(client: ActiveDirectoryClient) -> str:
    """Search for one account."""
    found = client.sample(PEOPLE)
    return "answers" if found else "answers, but shows nobody to this account"


USER = Stream(
    "active_directory",
    "user",
    key=("objectGUID",),
    read=read_users,
    # What the domain counts and replicates by itself, as in domain/hub.md 1.4, and what was noisy
    # there: dSCorePropagationData. lastLogonTimestamp stays in: it moves every two weeks at most.
    volatile=frozenset(
        {
            "whenChanged", "uSNChanged", "lastLogon", "badPasswordTime", "badPwdCount",
            "logonCount", "dSCorePropagationData", "lastLogoff",
        }
    ),
)  # fmt: skip

SOURCE = Source(
    "active_directory", "Active Directory", connect=connect, probe=probe, streams=(USER,)
)
