"""Rules and their results as Dagster declares and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lsats_pipeline.core.rules import Result, Rule

FAILED = "failed"
_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def check_spec(
    key: dg.AssetKey,
    rule: Rule,
    *,
    description: str = "",
    blocking: bool = True,
    partitions_def: dg.PartitionsDefinition[Any] | None = None,
) -> dg.AssetCheckSpec:
    """A rule as Dagster declares it. `blocking`: whether a step waits for its errors at all."""
    return dg.AssetCheckSpec(
        rule.name,
        asset=key,
        blocking=blocking and rule.blocking,
        description=description or about(rule),
        partitions_def=partitions_def,
    )


def with_optional_checks(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The asset, whose step may leave out the results of its checks: a dry run has none.

    Dagster has no parameter for it: `can_subset` would let people run a check without its asset.
    """
    for output in asset.op.output_defs:
        if output.name in asset.check_specs_by_output_name:
            output._is_required = False  # guarded by a test of a dry run
    return asset


def check_result(
    key: dg.AssetKey,
    result: Result,
    *,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    """A result as Dagster shows it; without `metadata` its values, which are drawn over time.

    Of several rules that are one check, those that do not hold are named in `failed` too.
    """
    failed = [part.name for part in result.failed] if result.parts else []
    return dg.AssetCheckResult(
        check_name=result.name,
        asset_key=key,
        passed=result.passed,
        severity=_ERROR if result.blocking or (result.passed and result.rule.blocking) else _WARN,
        description=description or result.description,
        metadata={
            **(_plotted(result.values) if metadata is None else metadata),
            **({FAILED: ", ".join(failed)} if failed else {}),
        },
    )


def about(rule: Rule) -> str:
    """What a check is about, with what it consists of."""
    parts = (f"- `{p.name}`{' (blocks)' * p.blocking}: {p.about}" for p in rule.parts)
    return "\n".join((rule.about, "", *parts)) if rule.parts else rule.about


def failed_rules(evaluation: dg.AssetCheckEvaluation) -> tuple[str, ...]:
    """The names of the rules that a failed check is about."""
    named = evaluation.metadata.get(FAILED)
    return tuple(str(named.value).split(", ")) if named else (evaluation.check_name,)


def _plotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that Dagster draws over time, of a length to be read."""
    known = {name: value for name, value in values.items() if value is not None}
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in known.items()}
