"""What Dagster knows of the hub: all that a run of the hub has to load."""

from __future__ import annotations

import dagster as dg

import lsats_pipeline.defs.hub as hub
from lsats_pipeline.defs.hub import automation, jobs
from lsats_pipeline.defs.hub.resources import hub_resources


def hub_definitions() -> dg.Definitions:
    """Assets and checks of every module of this folder; jobs, automation and resources."""
    return dg.Definitions(
        assets=dg.load_assets_from_package_module(hub),
        asset_checks=dg.load_asset_checks_from_package_module(hub),
        jobs=[
            jobs.bronze_ingest,
            jobs.enrichment,
            jobs.silver_transform,
            jobs.hub_daily,
            jobs.hub_cross_checks,
        ],
        schedules=[automation.hub_daily_schedule],
        resources=hub_resources(),
    )
