"""What MCommunity offers: people and groups, read in ranges past the limit of about 350 per search.

    entries without the attribute (hardly any) ──▶ ranges, each whole ──▶ boundaries for next time

People are cut at uid, groups at cn. Why that is complete is proven in ldap_ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.hub.sources.ldap import Truncated
from lsats_pipeline.hub.sources.ldap_ranges import RangeReader, Search
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.mcommunity import shapes
from lsats_pipeline.hub.sources.mcommunity.client import McommunityClient, connect
from lsats_pipeline.hub.sources.mcommunity.settings import McommunitySettings
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream

WITHOUT_UID = "(&(objectClass=person)(!(uid=*)))"
WITHOUT_CN = "(!(cn=*))"


def read_users(client: McommunityClient, request: ReadRequest) -> Iterator[Page]:
    """Every person; the position is the uid up to which everything was read."""
    yield from _ranges(client.people, "uid", WITHOUT_UID, shapes.PERSON.record, request)


def read_groups(client: McommunityClient, request: ReadRequest) -> Iterator[Page]:
    """Every group, also one without members; the position is the cn up to which all were read."""
    yield from _ranges(client.groups, "cn", WITHOUT_CN, shapes.GROUP.record, request)


def probe(client: McommunityClient) -> str:
    """Search for one person."""
    try:
        found = list(client.people("(uid=*)", size_limit=1))
    except Truncated:
        return "answers"
    return "answers" if found else "answers, but shows no person to this account"


def _ranges(
    search: Search,
    attribute: str,
    without: str,
    record: Callable[[LdapEntry], bytes],
    request: ReadRequest,
) -> Iterator[Page]:
    try:
        unnamed = [record(entry) for entry in search(without, 0)]
    except Truncated as error:
        raise IncompleteRead(f"{error}; too many have no {attribute} ({without})") from None
    yield Page(unnamed, request.resume_after)
    reader = RangeReader("MCommunity", search, attribute, request.hints, request.resume_after)
    position = request.resume_after
    for leaf in reader.leaves():
        position = leaf.upper or position
        yield Page([record(entry) for entry in leaf.entries], position)
    request.leave_hints(reader.hints_for_next())


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
