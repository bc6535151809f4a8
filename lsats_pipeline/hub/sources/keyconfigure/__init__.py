"""KeyConfigure: the software inventory's export of computers (domain/hub.md 1.5)."""

from lsats_pipeline.hub.sources.keyconfigure.streams import SOURCE

__all__ = ["SOURCE"]
