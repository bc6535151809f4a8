"""One step: a verb of the hub for the days of the run, and what Dagster records of it.

days ─▶ verb(day) ─▶ Report ─▶ checks ─▶ materialisation with metadata
          │            └─ blocked and rolled back ─▶ checks, failure, no materialisation
          └─ everyday error ─▶ failure with its message; tried again only if that may help
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg

from lsats_pipeline.core.errors import LsatsError, TryAgain, Unreachable
from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.checks import check_results
from lsats_pipeline.defs.logs import told
from lsats_pipeline.defs.metadata import Subject, recorded
from lsats_pipeline.defs.resources import HubResource
from lsats_pipeline.hub.hub import Hub

OWNERS = ["team:lsats-data"]
# For what may pass by itself: another writer, a source that is down for a moment.
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
# Tags of a run, in the launchpad's tag editor or `--tags '{"lsats/full": "true"}'`.
ACCEPT_REMOVALS = "lsats/accept_removals"
FULL = "lsats/full"
# A range is recorded once for each of its days: for a year, schemas alone would be hundreds of MB.
_FEW_DAYS = 7

Verb = Callable[[Hub, dt.date], Report]
StepResult = dg.MaterializeResult[Any] | dg.AssetCheckResult


def run_step(
    context: dg.AssetExecutionContext,
    resource: HubResource,
    subject: Subject,
    verb: Verb,
    days: Sequence[dt.date],
) -> Iterator[StepResult]:
    """Do it for each day in order, and tell Dagster."""
    with explained(), told(context):
        hub = resource.opened()
        reports = [_report(context, resource, verb(hub, day)) for day in days]
        checks = list(check_results(context.asset_key, reports))
        if subject.layer == "silver" and reports[-1].blocked:
            yield from checks
            raise dg.Failure(_blocked(reports[-1]), allow_retries=False)
        metadata = recorded(hub, subject, reports, brief=len(context.partition_keys) > _FEW_DAYS)
    yield dg.MaterializeResult(metadata=metadata, check_results=checks)


def wished(context: dg.AssetExecutionContext, tag: str) -> bool:
    """Whether the run carries a tag that asks for something."""
    return context.run.tags.get(tag, "").lower() in {"true", "yes", "1"}


@contextmanager
def explained() -> Iterator[None]:
    """Errors as Dagster's Failure, with the message people are meant to read."""
    try:
        yield
    except dg.Failure:
        raise
    except LsatsError as error:
        transient = isinstance(error, TryAgain | Unreachable)
        raise dg.Failure(str(error), allow_retries=transient) from error
    except psycopg.OperationalError as error:
        raise dg.Failure(f"the connection to the database was lost: {error}") from error
    except Exception as error:  # a mistake of ours: it would only be made again
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def _report(context: dg.AssetExecutionContext, resource: HubResource, report: Report) -> Report:
    context.log.info(report.line)
    resource.remember(report)
    return report


def _blocked(report: Report) -> str:
    failed = [c for c in report.checks if c.blocking and not c.passed]
    told = "; ".join(f"{c.name}: {c.description}" for c in failed)
    return f"{report.asset} was left as it was, because {told}"
