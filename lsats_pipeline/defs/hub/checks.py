"""Checks as Dagster declares and shows them. What passes is decided by the engines' reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from lsats_pipeline.core.report import Report
from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.hub.rules import DOCUMENT_RULES, LANDING_RULES
from lsats_pipeline.hub.silver import quality
from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline.hub.sources import stream


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of an asset; its layer says which, and whether its records are documents."""
    return [check_spec(key, rule, partitions_def=HUB_DAYS) for rule in rules_of(key)]


def rules_of(key: dg.AssetKey) -> Sequence[Rule]:
    """The rules of an asset of the hub."""
    layer, name = key.path
    if layer == "silver":
        return quality.rules_of(table(name))
    return DOCUMENT_RULES if layer == "bronze" and stream(name).documents else LANDING_RULES


def check_results(key: dg.AssetKey, reports: Sequence[Report]) -> Iterator[dg.AssetCheckResult]:
    """A result for every declared check; over several days the first failure counts."""
    results: dict[str, Result] = {}
    for result in (result for report in reports for result in report.checks):
        if result.name not in results or results[result.name].passed:
            results[result.name] = result
    reason = next((r.note for r in reports if "configured" in r.metadata), "nothing was read")
    for rule in rules_of(key):
        unread = Result(rule, True, f"{reason}, so nothing to check")
        yield check_result(key, results.get(rule.name, unread))
