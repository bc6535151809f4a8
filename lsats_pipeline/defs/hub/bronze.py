"""Layer 1: an asset per stream, `bronze/tdx_user`."""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import datetime as dt
import inspect
from collections.abc import Iterator
from typing import Any

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
from lsats_pipeline.hub.sources.source import Source, Stream


def bronze_asset(source: Source, stream: Stream) -> dg.AssetsDefinition:
    """The asset of one stream; of a range, only a last day that is today is read anew."""
    key = dg.AssetKey(["bronze", stream.name])
    subject = Subject(
        "bronze", stream.name, stream.source_system, stream.entity_type, place=stream.place
    )

    @dg.asset(
        key=key,
        group_name="bronze",
        kinds={"bronze", "postgres"},
        owners=owners(stream.entity_type),
        tags={"layer": "bronze", "source": source.system},
        description=_about(source, stream),
        metadata=defined(subject),
        partitions_def=HUB_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRIES,
        freshness_policy=HUB_FRESHNESS,
        check_specs=check_specs(key),
        required_resource_keys={"warehouse", resource_key(source), "run_options"},
    )
    def land(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
        def ingest(hub: Hub, day: dt.date, options: RunOptionsResource) -> Report:
            of_run: dict[str, Any] = {
                "accept_removals": options.accept_removals,
                "dagster_run_id": context.run.run_id,
            }
            if len(streams := streams_of_process(context)) > 1:
                hub.read_ahead(streams, days(context), **of_run)
            return hub.ingest(stream, day, **of_run)

        yield from run_step(context, subject, ingest, days(context))

    return with_optional_checks(land)


def streams_of_process(context: dg.AssetExecutionContext) -> list[Stream]:
    """The streams whose steps this process runs, in their order: one alone where each has its own.

    Two processes that read ahead for each other's steps would only keep each other waiting.
    """
    by_step = {f"bronze__{s.name}": s for source in SOURCES for s in source.streams}
    steps = context.get_step_execution_context().execution_plan.step_keys_to_execute
    return [by_step[step] for step in steps if step in by_step]


def _about(source: Source, stream: Stream) -> str:
    """A sentence for lists of assets; below it how the stream is read, and what identifies."""
    doc = inspect.getdoc(stream.read) or ""
    volatile = ", ".join(sorted(stream.volatile))
    more = f" No change by itself: {volatile}." if volatile else ""
    return "\n\n".join((summary(source, stream), doc, _identified(stream) + more))


def _identified(stream: Stream) -> str:
    how = inspect.getdoc(stream.identify) if stream.identify else None
    if how is None:
        return f"Identified by {'-'.join(stream.key)}."
    return f"Identified by {stream.key[0]} and more: {how}"


bronze_assets = [bronze_asset(source, stream) for source in SOURCES for stream in source.streams]
