"""TeamDynamix: tickets, assets, people (domain/hub.md 1.1)."""

from lsats_pipeline.hub.sources.tdx.streams import SOURCE

__all__ = ["SOURCE"]
