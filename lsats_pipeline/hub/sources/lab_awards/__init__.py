"""Lab awards: the research office's export of sponsored projects (domain/hub.md 1.6)."""

from lsats_pipeline.hub.sources.lab_awards.streams import SOURCE

__all__ = ["SOURCE"]
