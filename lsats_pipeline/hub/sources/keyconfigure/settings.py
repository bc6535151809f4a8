"""The variables of KeyConfigure: those of all documents."""

from __future__ import annotations

from lsats_pipeline.hub.sources.settings import DocumentSettings


class KeyconfigureSettings(DocumentSettings):
    """The export of KeyConfigure arrives in the folder of all documents."""
