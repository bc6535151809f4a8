"""Layer 3: an asset per table, `silver/users`."""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import datetime as dt
import re
from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.automation import AFTER_ITS_SOURCES, HUB_FRESHNESS
from lsats_pipeline.defs.check_results import with_optional_checks
from lsats_pipeline.defs.failures import RETRIES, StepResult
from lsats_pipeline.defs.hub.checks import check_specs
from lsats_pipeline.defs.hub.metadata import Subject, defined
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.step import run_step
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.defs.partitions import HUB_DAYS, days
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.silver.build import producers
from lsats_pipeline.hub.silver.ddl import fingerprint
from lsats_pipeline.hub.silver.spec import IntegratedTable, SqlModel, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES


def silver_asset(table: Table) -> dg.AssetsDefinition:
    """The asset of one table; a range is built once, for its last day."""
    key = dg.AssetKey(["silver", table.name])
    subject = Subject("silver", table.name, "silver", table.name, table, table.place)

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(path) for path in producers(table)],
        group_name="silver",
        kinds={"silver", "postgres"},
        owners=owners(table.name),
        tags={"layer": "silver", "source": _source(table)},
        description="\n\n".join(re.split(r"(?<=\.) ", table.about, maxsplit=1)),
        metadata=defined(subject),
        code_version=fingerprint(table)[:12],
        partitions_def=HUB_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRIES,
        freshness_policy=HUB_FRESHNESS,
        automation_condition=AFTER_ITS_SOURCES,
        check_specs=check_specs(key),
        required_resource_keys={"warehouse", "run_options"},
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
        def bring_up_to_date(hub: Hub, day: dt.date, options: RunOptionsResource) -> Report:
            return hub.build(
                table,
                day,
                full=options.full,
                accept_removals=options.accept_removals,
                dagster_run_id=context.run.run_id,
            )

        yield from run_step(context, subject, bring_up_to_date, days(context)[-1:])

    return with_optional_checks(build)


def _source(table: Table) -> str:
    if isinstance(table, SqlModel):
        return "derived"
    return "merged" if isinstance(table, IntegratedTable) else table.stream.source_system


silver_assets = [silver_asset(table) for table in SILVER_TABLES]
