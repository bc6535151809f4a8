"""What an asset shows in the UI: its columns and their origin, counts, a sample, its quality.

defined(subject)            with the definition: table name, columns
recorded(hub, subject, …)   with a run: the same and column lineage, counts, sample, picture

columns    schema from the declarations      lineage    which column feeds which
samples    a few rows, nothing personal      pictures   scores and flags as a drawing
"""

from lsats_pipeline.defs.hub.metadata.recording import defined, recorded
from lsats_pipeline.defs.hub.metadata.subject import Subject

__all__ = ["Subject", "defined", "recorded"]
