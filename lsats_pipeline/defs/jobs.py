"""The jobs of contract.md: each layer alone, and the whole day."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.cross_checks import between_tables
from lsats_pipeline.synthetic.worlds import WORLDS

# They have a job of their own: nothing waits for them, and they want all tables to be there.
_BETWEEN_TABLES = dg.AssetSelection.checks(between_tables)

bronze_ingest = dg.define_asset_job(
    "bronze_ingest",
    selection=dg.AssetSelection.groups("bronze"),
    description=(
        "Read every stream once and land what differs from before. The tag"
        " `lsats/accept_removals: true` lets go of records that a mass disappearance held back."
    ),
)

enrichment = dg.define_asset_job(
    "enrichment",
    selection=dg.AssetSelection.groups("enrichment"),
    description="Fetch the most urgent details, as far as the sources' rate limits let one run go.",
)

silver_transform = dg.define_asset_job(
    "silver_transform",
    selection=dg.AssetSelection.groups("silver") - _BETWEEN_TABLES,
    description=(
        "Bring every silver table up to date with what has landed since. The tag"
        " `lsats/full: true` works every row out again."
    ),
)

hub_daily = dg.define_asset_job(
    "hub_daily",
    selection=dg.AssetSelection.groups("bronze", "enrichment", "silver") - _BETWEEN_TABLES,
    description=(
        "A day of the hub: bronze, enrichment, silver, in order. Without a partition, the current"
        " day; running a day again takes in what is new since and changes nothing else."
    ),
)

synthetic_worlds = [
    dg.define_asset_job(
        f"synthetic_{name}",
        selection=dg.AssetSelection.groups(name),
        description=(
            f"Seed the synthetic world {name}, parents first, and judge what is stored. Without a"
            f" partition, all blocks; options under `resources: {name}_options` of the run."
        ),
    )
    for name in WORLDS
]

hub_cross_checks = dg.define_asset_job(
    "hub_cross_checks",
    selection=_BETWEEN_TABLES,
    description=(
        "What must hold between silver tables: memberships that point nowhere, labs of nobody, two"
        " primary labs of a computer."
    ),
)

mrf_process = dg.define_asset_job(
    "mrf_process",
    selection=dg.AssetSelection.groups("mrf"),
    tags={"lsats/work": "price_file"},  # dagster_home/dagster.yaml: how many at once
    description=(
        "A price file through all steps: fetched, indexed, taken in, profiled, split. The partition"
        " is the file; without one, a small generated file. Options under"
        " `resources: price_files` of the run."
    ),
)
