"""What Dagster knows of price files: all that a run over one has to load."""

from __future__ import annotations

import dagster as dg

import lsats_pipeline.defs.mrf as mrf
from lsats_pipeline.defs.mrf import automation, files, jobs


def mrf_definitions() -> dg.Definitions:
    """Assets and checks of every module of this folder; jobs, automation and resources."""
    return dg.Definitions(
        assets=dg.load_assets_from_package_module(mrf),
        asset_checks=dg.load_asset_checks_from_package_module(mrf),
        jobs=[jobs.mrf_process, jobs.mrf_discover],
        schedules=[automation.mrf_discover_schedule],
        sensors=[automation.mrf_files_sensor],
        resources=files.defs().resources,
    )
