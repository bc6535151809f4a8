"""Active Directory: accounts of the campus domain (domain/hub.md 1.4)."""

from lsats_pipeline.hub.sources.active_directory.streams import SOURCE

__all__ = ["SOURCE"]
