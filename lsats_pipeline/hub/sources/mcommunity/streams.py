"""What MCommunity offers: people and groups, read whole past the limit of about 350 per search.

    entries without uid or cn (hardly any) ──▶ the others, by the strategy that works there

The strategies, and why each is complete, are in ldap_strategies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lsats_pipeline.hub.sources.ldap_ranges import all_of
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.ldap_strategies import Branch, examine, read_whole
from lsats_pipeline.hub.sources.mcommunity import shapes
from lsats_pipeline.hub.sources.mcommunity.client import McommunityClient, connect
from lsats_pipeline.hub.sources.mcommunity.settings import McommunitySettings
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream


def read_users(client: McommunityClient, request: ReadRequest) -> Iterator[Page]:
    """Every person."""
    return _pages(client.people, shapes.PERSON.record, request)


def read_groups(client: McommunityClient, request: ReadRequest) -> Iterator[Page]:
    """Every group, also one without members."""
    return _pages(client.groups, shapes.GROUP.record, request)


def probe(client: McommunityClient) -> str:
    """Find out how people and groups can be read whole; fails as a read would."""
    found, whole = all_of(client.people.search("(uid=*)", size_limit=1, bare=True))
    if whole and not found:
        return "answers, but shows no person to this account"
    people, groups = examine(client.people), examine(client.groups)
    return f"answers; people are read {people.title}, groups {groups.title}"


def _pages(
    branch: Branch, record: Callable[[LdapEntry], bytes], request: ReadRequest
) -> Iterator[Page]:
    for entries, position in read_whole(
        branch, request.hints, request.resume_after, request.day, request.leave_hints
    ):
        yield Page([record(entry) for entry in entries], position)


# Nothing is volatile: objectClass and `dn`, which the predecessor left out of its hash
# (domain/hub.md 1.3), move only when somebody gets another kind of account or is renamed.
USER = Stream("mcommunity_ldap", "user", key=("uidNumber",), read=read_users)
GROUP = Stream("mcommunity_ldap", "group", key=("gidNumber",), read=read_groups)

SOURCE = Source(
    "mcommunity_ldap",
    "MCommunity directory",
    settings=McommunitySettings,
    connect=connect,
    probe=probe,
    streams=(USER, GROUP),
)
