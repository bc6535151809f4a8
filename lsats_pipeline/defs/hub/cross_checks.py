"""Checks between silver tables, as one step of their own."""

# No postponed annotations here: Dagster reads those of check functions as they stand.

from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.defs.hub.resources import HubResource
from lsats_pipeline.hub.silver.cross_checks import CROSS_CHECKS, CrossResult, cross_check

_SEVERITY = {True: dg.AssetCheckSeverity.ERROR, False: dg.AssetCheckSeverity.WARN}


def _asset(table: str) -> dg.AssetKey:
    return dg.AssetKey(["silver", table])


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(rule.name, asset=_asset(rule.table), description=rule.about)
        for rule in CROSS_CHECKS
    ],
    description="What must hold between silver tables; nothing waits for it.",
    can_subset=True,
)
def between_tables(
    context: dg.AssetCheckExecutionContext, hub: HubResource
) -> Iterator[dg.AssetCheckResult]:
    """Every rule that was asked for, evaluated on one state of the hub."""
    wanted = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
    with hub.opened().warehouse.connection() as connection:
        for result in cross_check(connection):
            if (_asset(result.rule.table), result.rule.name) in wanted:
                yield _as_check_result(result)


def _as_check_result(result: CrossResult) -> dg.AssetCheckResult:
    rule = result.rule
    sample = "\n".join(f"| {key} | {detail} |" for key, detail in result.sample)
    table = f"| row | what |\n|---|---|\n{sample}" if sample else "none"
    return dg.AssetCheckResult(
        check_name=rule.name,
        asset_key=_asset(rule.table),
        passed=result.passed,
        severity=_SEVERITY[rule.serious],
        description=result.text,
        metadata={
            "broken": result.broken,
            "rows": result.rows,
            "sample": dg.MetadataValue.md(table),
        },
    )
