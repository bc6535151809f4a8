"""The outcome of a check as Dagster shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lsats_pipeline.core.report import Check


def checked(key: dg.AssetKey, check: Check) -> dg.AssetCheckResult:
    """The outcome of a check as Dagster has it."""
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=key,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
        description=check.description,
        metadata=_plotted(check.values),
    )


def _plotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that Dagster draws over time, of a length to be read."""
    known = {name: value for name, value in values.items() if value is not None}
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in known.items()}
