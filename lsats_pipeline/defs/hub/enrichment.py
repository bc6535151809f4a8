"""Layer 2: an asset per detail, under the name of the stream that it completes."""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.automation import HUB_FRESHNESS
from lsats_pipeline.defs.check_results import with_optional_checks
from lsats_pipeline.defs.failures import RETRIES, StepResult
from lsats_pipeline.defs.hub.checks import check_specs
from lsats_pipeline.defs.hub.metadata import Subject, defined
from lsats_pipeline.defs.hub.overrides import resource_key
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.step import run_step
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.defs.partitions import HUB_DAYS, days
from lsats_pipeline.hub.bronze.views import summary
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Detail, Source


def enrichment_asset(source: Source, detail: Detail) -> dg.AssetsDefinition:
    """The asset of one detail; a range is fetched once, for its last day."""
    key = dg.AssetKey(["enrichment", detail.of.name])
    subject = Subject(
        "enrichment",
        detail.of.name,
        detail.source_system,
        detail.entity_type,
        place=detail.place,
    )

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["bronze", detail.of.name])],
        group_name="enrichment",
        kinds={"bronze", "postgres"},
        owners=owners(detail.of.entity_type),
        tags={"layer": "enrichment", "source": source.system},
        description=(
            f"{summary(source, detail)}\n\nOne call a record. Fetched first for records never"
            " fetched, then for those whose list record has changed since, then for those older"
            f" than {detail.refresh_days} days, as far as the rate limit lets one run go."
        ),
        metadata=defined(subject),
        partitions_def=HUB_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRIES,
        freshness_policy=HUB_FRESHNESS,
        check_specs=check_specs(key),
        required_resource_keys={"warehouse", resource_key(source), "run_options"},
    )
    def fetch(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
        def enrich(hub: Hub, day: dt.date, options: RunOptionsResource) -> Report:
            return hub.enrich(
                detail,
                day,
                accept_removals=options.accept_removals,
                dagster_run_id=context.run.run_id,
            )

        yield from run_step(context, subject, enrich, days(context)[-1:])

    return with_optional_checks(fetch)


enrichment_assets = [
    enrichment_asset(source, detail) for source in SOURCES for detail in source.details
]
