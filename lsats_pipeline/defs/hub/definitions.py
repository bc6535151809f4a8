"""What Dagster knows of the hub: all that a run of the hub has to load."""

from __future__ import annotations

import dagster as dg

import lsats_pipeline.defs.hub as hub
from lsats_pipeline.defs.hub import automation, health, jobs
from lsats_pipeline.defs.hub.resources import hub_resources


def hub_definitions() -> dg.Definitions:
    """Assets and checks of every module of this folder; jobs, automation and resources."""
    return dg.Definitions(
        assets=[*dg.load_assets_from_package_module(hub), health.run_log],
        asset_checks=dg.load_asset_checks_from_package_module(hub),
        jobs=[
            jobs.bronze_ingest,
            jobs.enrichment,
            jobs.silver_transform,
            jobs.hub_daily,
            jobs.hub_cross_checks,
            jobs.documents_ingest,
            health.hub_health,
        ],
        schedules=[automation.hub_daily_schedule, automation.hub_health_schedule],
        sensors=[
            automation.hub_cross_checks_sensor,
            automation.documents_sensor,
            automation.silver_automation,
        ],
        resources=hub_resources(),
    )
