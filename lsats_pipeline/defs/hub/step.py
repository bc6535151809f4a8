"""One step: a verb of the hub for the days of the run, and what Dagster records of it.

days ─▶ verb(day) ─▶ Report ─▶ checks ─▶ materialisation with metadata
          │            └─ blocked and rolled back ─▶ checks, failure, no materialisation
          └─ everyday error ─▶ failure with its message; tried again only if that may help
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.failures import StepResult, as_dagster_failure
from lsats_pipeline.defs.hub.checks import check_results
from lsats_pipeline.defs.hub.metadata import Subject, recorded
from lsats_pipeline.defs.hub.resources import HubResource
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.hub.hub import Hub

# Tags of a run, in the launchpad's tag editor or `--tags '{"lsats/full": "true"}'`.
ACCEPT_REMOVALS = "lsats/accept_removals"
FULL = "lsats/full"
# A range is recorded once for each of its days: for a year, schemas alone would be hundreds of MB.
_FEW_DAYS = 7

Verb = Callable[[Hub, dt.date], Report]


def run_step(
    context: dg.AssetExecutionContext,
    resource: HubResource,
    subject: Subject,
    verb: Verb,
    days: Sequence[dt.date],
) -> Iterator[StepResult]:
    """Call the verb for each day in order, and report to Dagster."""
    with as_dagster_failure(), log_to_run(context):
        hub = resource.opened()
        reports = [_report(context, resource, verb(hub, day)) for day in days]
        checks = list(check_results(context.asset_key, reports))
        if subject.layer == "silver" and reports[-1].blocked:
            yield from checks
            raise dg.Failure(_blocked(reports[-1]), allow_retries=False)
        metadata = recorded(hub, subject, reports, brief=len(context.partition_keys) > _FEW_DAYS)
    yield dg.MaterializeResult(metadata=metadata, check_results=checks)


def has_tag(context: dg.AssetExecutionContext, tag: str) -> bool:
    """Whether the run has the tag, set to true."""
    return context.run.tags.get(tag, "").lower() in {"true", "yes", "1"}


def _report(context: dg.AssetExecutionContext, resource: HubResource, report: Report) -> Report:
    context.log.info(report.line)
    resource.record(report)
    return report


def _blocked(report: Report) -> str:
    failed = [c for c in report.checks if c.blocking]
    reasons = "; ".join(f"{c.name}: {c.description}" for c in failed)
    return f"{report.asset} was left as it was, because {reasons}"
