"""What Dagster knows of synthetic worlds: all that a run of one has to load."""

from __future__ import annotations

import dagster as dg

import lsats_pipeline.defs.worlds as worlds
from lsats_pipeline.defs.worlds import jobs, options


def world_definitions() -> dg.Definitions:
    """Assets and checks of every module of this folder; jobs and resources."""
    return dg.Definitions(
        assets=dg.load_assets_from_package_module(worlds),
        asset_checks=dg.load_asset_checks_from_package_module(worlds),
        jobs=[*jobs.synthetic_worlds, jobs.synthetic_campus, jobs.campus_score],
        resources=options.defs().resources,
    )
