"""Checks as Dagster declares and shows them. What passes is decided by the engines' reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import dagster as dg

from lsats_pipeline.core.report import Check, Report
from lsats_pipeline.defs.check_results import checked
from lsats_pipeline.hub.silver.quality import CHECKS as SILVER_CHECKS

# Name and whether a failure stops what would build on the data (bronze/ingest.py).
LANDING_CHECKS: tuple[tuple[str, bool], ...] = (
    ("mass_disappearance", True),
    ("reject_share", True),
)
CHECKS_OF = {
    "bronze": LANDING_CHECKS,
    "enrichment": LANDING_CHECKS,
    "silver": SILVER_CHECKS,
}
_MEANING = {
    "mass_disappearance": "No more vanished at once than usual: an outage looks just like that.",
    "reject_share": "Few enough records could not be used.",
    "key_unique": "No two rows claim one key.",
    "key_not_null": "Every record has its key.",
    "quality_mean": "The mean quality score is as good as the table declares.",
    "quality_low_share": "Few enough rows score under 0.70.",
    "quality_drop": "The mean quality score has not fallen since the last run.",
}


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of an asset; its layer says which."""
    return [
        dg.AssetCheckSpec(name, asset=key, blocking=blocking, description=_MEANING.get(name))
        for name, blocking in CHECKS_OF[key.path[0]]
    ]


def check_results(key: dg.AssetKey, reports: Iterable[Report]) -> Iterator[dg.AssetCheckResult]:
    """A result for every declared check; over several days the first failure counts."""
    found: dict[str, Check] = {}
    for check in (check for report in reports for check in report.checks):
        if check.name not in found or found[check.name].passed:
            found[check.name] = check
    for name, blocking in CHECKS_OF[key.path[0]]:
        check = found.get(
            name, Check(name, True, "nothing was read, so nothing to judge", blocking)
        )
        yield checked(key, replace(check, blocking=blocking))
