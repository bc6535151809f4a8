"""The Dagster code location `lsats_pipeline`: everything that lies in defs/."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, schedule, resource and executor."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
