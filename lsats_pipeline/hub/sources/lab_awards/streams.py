"""What the research office offers: a row per person and sponsored project, in a dropped file."""

from __future__ import annotations

from collections.abc import Iterator

from lsats_pipeline.hub.sources.files import Inbox, probe
from lsats_pipeline.hub.sources.lab_awards.client import connect, identify
from lsats_pipeline.hub.sources.lab_awards.settings import LabAwardsSettings
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream


def read_lab_awards(inbox: Inbox, request: ReadRequest) -> Iterator[Page]:
    """Every row of the newest export that is named so; a file is whole or not read."""
    yield from inbox.pages(request)


# Nothing is volatile: the export holds what was agreed, and times of its own are not in it.
LAB_AWARD = Stream(
    "lab_awards",
    "lab_award",
    key=("Award Id", "Person Uniqname"),
    read=read_lab_awards,
    identify=identify,
    documents=True,
)

SOURCE = Source(
    "lab_awards",
    "lab awards export",
    settings=LabAwardsSettings,
    connect=connect,
    probe=probe,
    streams=(LAB_AWARD,),
)
