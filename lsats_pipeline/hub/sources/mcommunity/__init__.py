"""MCommunity: the public campus directory (domain/hub.md 1.3)."""

from lsats_pipeline.hub.sources.mcommunity.streams import SOURCE

__all__ = ["SOURCE"]
