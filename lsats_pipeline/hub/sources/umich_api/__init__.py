"""University API gateway: departments and appointments (domain/hub.md 1.2)."""

from lsats_pipeline.hub.sources.umich_api.streams import SOURCE

__all__ = ["SOURCE"]
