"""What KeyConfigure offers: a row per network card of each computer, in a file dropped by hand."""

from __future__ import annotations

from collections.abc import Iterator

from lsats_pipeline.hub.sources.files import Inbox, probe
from lsats_pipeline.hub.sources.keyconfigure.client import connect, identify
from lsats_pipeline.hub.sources.keyconfigure.settings import KeyconfigureSettings
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream


def read_computers(inbox: Inbox, request: ReadRequest) -> Iterator[Page]:
    """Every row of the newest export that is named so; a file is whole or not read."""
    yield from inbox.pages(request)


# Free disk space moves whenever somebody saves a file; how it was when last looked at comes along
# with every other change, because an audit that measures it anew also moves `Last Audit`. That
# one, `Last Session` and `Last User` are data: they say who used a computer, and when.
COMPUTER = Stream(
    "key_client",
    "computer",
    key=("MAC", "Name", "OEM SN"),
    read=read_computers,
    volatile=frozenset({"Free", "% Used", "% Free"}),
    identify=identify,
    documents=True,
)

SOURCE = Source(
    "key_client",
    "KeyConfigure export",
    settings=KeyconfigureSettings,
    connect=connect,
    probe=probe,
    streams=(COMPUTER,),
)
