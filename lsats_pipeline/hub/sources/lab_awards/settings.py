"""The variables of lab awards: those of all documents."""

from __future__ import annotations

from lsats_pipeline.hub.sources.settings import DocumentSettings


class LabAwardsSettings(DocumentSettings):
    """The export of lab awards arrives in the folder of all documents."""
