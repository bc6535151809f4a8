"""The jobs of contract.md: each layer alone, and the whole day."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION, TODAY
from lsats_pipeline.defs.hub.cross_checks import between_tables
from lsats_pipeline.hub.sources import SOURCES

# Without a partition a run is one of the current day.
_TODAY = {DEFAULT_PARTITION: TODAY}
# They have a job of their own: nothing waits for them, and they want all tables to be there.
_BETWEEN_TABLES = dg.AssetSelection.checks(between_tables)

_DOCUMENTS = dg.AssetSelection.assets(
    *(["bronze", s.name] for source in SOURCES for s in source.streams if s.documents)
)

bronze_ingest = dg.define_asset_job(
    "bronze_ingest",
    selection=dg.AssetSelection.groups("bronze"),
    tags=_TODAY,
    description=(
        "Read every stream once and land what differs from before. The option"
        " run_options.accept_removals lets go of records that a mass disappearance held back."
    ),
)

enrichment = dg.define_asset_job(
    "enrichment",
    selection=dg.AssetSelection.groups("enrichment"),
    tags=_TODAY,
    description="Fetch the most urgent details, as far as the sources' rate limits let one run go.",
)

silver_transform = dg.define_asset_job(
    "silver_transform",
    selection=dg.AssetSelection.groups("silver") - _BETWEEN_TABLES,
    tags=_TODAY,
    description=(
        "Bring every silver table up to date with what has landed since. The option"
        " run_options.full works every row out again."
    ),
)

hub_daily = dg.define_asset_job(
    "hub_daily",
    selection=dg.AssetSelection.groups("bronze", "enrichment", "silver") - _BETWEEN_TABLES,
    tags=_TODAY,
    description=(
        "A day of the hub: bronze, enrichment, silver, in order. Without a partition, the current"
        " day; running a day again ingests what is new since and changes nothing else."
    ),
)

hub_cross_checks = dg.define_asset_job(
    "hub_cross_checks",
    selection=_BETWEEN_TABLES,
    description=(
        "What must hold between silver tables: memberships that point nowhere, labs of nobody, two"
        " primary labs of a computer."
    ),
)

documents_ingest = dg.define_asset_job(
    "documents_ingest",
    selection=_DOCUMENTS.downstream() - _BETWEEN_TABLES,
    tags=_TODAY,
    description=(
        "What has arrived in the folder of documents: their streams, and every silver table that"
        " is made of them."
    ),
)
