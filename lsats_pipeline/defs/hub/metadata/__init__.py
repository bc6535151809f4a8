"""What an asset shows in the UI: its columns and their origin, counts, a sample, its quality.

defined(subject)            with the definition: table name, columns, lineage, flags, code link
recorded(hub, subject, …)   with a run, only what it changed: counts, sample, picture

columns    schema and lineage from the declarations
samples    a few rows, nothing personal      pictures   scores and flags as a drawing
"""

from lsats_pipeline.defs.hub.metadata.recording import defined, recorded
from lsats_pipeline.defs.hub.metadata.subject import Subject

__all__ = ["Subject", "defined", "recorded"]
