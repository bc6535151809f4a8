"""What MCommunity offers: people, read in ranges of uid past the limit of about 350 per search.

    people without uid (hardly any) ──▶ ranges of uid, each whole ──▶ boundaries kept for next time

Why that is complete is proven in ldap_ranges.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsats_pipeline.errors import IncompleteRead
from lsats_pipeline.sources.ldap import Truncated
from lsats_pipeline.sources.ldap_ranges import RangeReader
from lsats_pipeline.sources.mcommunity.client import PERSON, McommunityClient, connect
from lsats_pipeline.sources.source import Page, ReadRequest, Source, Stream

WITHOUT_UID = "(&(objectClass=person)(!(uid=*)))"


def read_users(client: McommunityClient, request: ReadRequest) -> Iterator[Page]:
    """Every person; the position is the uid up to which everything was read."""
    yield Page(_without_uid(client), request.resume_after)
    reader = RangeReader("MCommunity", client.people, "uid", request.hints, request.resume_after)
    position = request.resume_after
    for leaf in reader.leaves():
        position = leaf.upper or position
        yield Page([PERSON.record(entry) for entry in leaf.entries], position)
    request.leave_hints(reader.hints_for_next())


def probe(client: McommunityClient) -> str:
    """Search for one person."""
    try:
        found = list(client.people("(uid=*)", size_limit=1))
    except Truncated:
        return "answers"
    return "answers" if found else "answers, but shows no person to this account"


def _without_uid(client: McommunityClient) -> list[bytes]:
    try:
        return [PERSON.record(entry) for entry in client.people(WITHOUT_UID)]
    except Truncated as error:
        raise IncompleteRead(f"{error}; too many people have no uid ({WITHOUT_UID})") from None


# Nothing is volatile: objectClass and `dn`, which the predecessor left out of its hash
# (domain/hub.md 1.3), move only when somebody gets another kind of account or is renamed.
USER = Stream("mcommunity_ldap", "user", key=("uidNumber",), read=read_users)

SOURCE = Source(
    "mcommunity_ldap", "MCommunity directory", connect=connect, probe=probe, streams=(USER,)
)
