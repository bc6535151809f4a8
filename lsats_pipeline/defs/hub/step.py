"""One step: a verb of the hub for the days of the run, and what Dagster records of it.

days ─▶ verb(day) ─▶ Report ─▶ checks ─▶ materialisation with metadata
  │       │            └─ blocked and rolled back ─▶ checks, failure, no materialisation
  │       └─ everyday error ─▶ failure with its message; tried again only if that may help
  └─ dry run ─▶ what would be done, in the log
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from lsats_pipeline.core.errors import CheckBlocked
from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.failures import StepResult, as_dagster_failure
from lsats_pipeline.defs.hub.checks import check_results
from lsats_pipeline.defs.hub.metadata import Subject, recorded
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.warehouse import WarehouseResource
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.plan import choose, plan_run

# A range is recorded once for each of its days: for a year, schemas alone would be hundreds of MB.
_FEW_DAYS = 7

Verb = Callable[[Hub, dt.date, RunOptionsResource], Report]


def run_step(
    context: dg.AssetExecutionContext, subject: Subject, verb: Verb, days: Sequence[dt.date]
) -> Iterator[StepResult]:
    """Call the verb for each day in order, and report to Dagster."""
    warehouse: WarehouseResource = context.resources.warehouse
    options: RunOptionsResource = context.resources.run_options
    with as_dagster_failure(), log_to_run(context):
        hub = warehouse.opened()
        if options.dry_run:
            _say_plan(context, hub, days, options)
            yield dg.MaterializeResult()
            return
        reports = [_report(context, warehouse, verb(hub, day, options)) for day in days]
        checks = list(check_results(context.asset_key, reports))
        if subject.layer == "silver" and reports[-1].blocked:
            yield from checks
            raise CheckBlocked(
                f"{reports[-1].asset} was left as it was, because {reports[-1].blocked_by}"
            )
        metadata = recorded(hub, subject, reports, brief=len(context.partition_keys) > _FEW_DAYS)
    yield dg.MaterializeResult(metadata=metadata)
    # Not within the result: for each check there Dagster looks up the last materialization twice.
    yield from checks
    with as_dagster_failure():
        for report in (report for report in reports if report.blocked):
            raise CheckBlocked(f"nothing builds on {report.asset}, because {report.blocked_by}")


def _say_plan(
    context: dg.AssetExecutionContext,
    hub: Hub,
    days: Sequence[dt.date],
    options: RunOptionsResource,
) -> None:
    asset = context.asset_key.to_user_string()
    chosen = choose(entities=[asset])
    with hub.warehouse.connection() as connection:
        steps = plan_run(
            connection, hub.settings, chosen, days, hub.configuration, full=options.full
        )
        for step in steps:
            amount = "" if step.amount is None else f" {step.amount:,}"
            context.log.info(f"🔎 {step.asset} would: {step.would}{amount}")


def _report(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, report: Report
) -> Report:
    context.log.info(report.line)
    warehouse.record(report)
    return report
