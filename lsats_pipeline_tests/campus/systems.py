"""What of the hub's sources the campus has: its streams can be compared with the truth."""

from __future__ import annotations

from lsats_pipeline.campus.simulators import SYSTEMS
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Detail, Stream

STREAMS_OF_CAMPUS: list[Stream] = [
    stream
    for source in SOURCES
    for stream in source.streams
    if stream.entity_type in SYSTEMS.get(source.system, ())
]
DETAILS_OF_CAMPUS: list[Detail] = [
    detail for source in SOURCES for detail in source.details if detail.of in STREAMS_OF_CAMPUS
]
