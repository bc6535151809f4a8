"""Checks between silver tables, as a step of its own."""

# No postponed annotations here: Dagster reads those of check functions as they stand.

from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.core.rules import Result
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.hub.warehouse import WarehouseResource
from lsats_pipeline.hub.silver.cross_checks import CROSS_CHECKS, CrossCheck, cross_check


def _asset(table: str) -> dg.AssetKey:
    return dg.AssetKey(["silver", table])


@dg.multi_asset_check(
    specs=[check_spec(_asset(rule.table), rule, blocking=False) for rule in CROSS_CHECKS],
    description="What must hold between silver tables; nothing waits for it.",
    can_subset=True,
)
def between_tables(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.AssetCheckResult]:
    """Every rule that was asked for, evaluated on one state of the hub."""
    wanted = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
    hub = warehouse.opened()
    with hub.warehouse.connection() as connection:
        for result in cross_check(connection, systems=hub.systems_in_use):
            if (_asset(result.subject), result.name) in wanted:
                yield _as_check_result(result)


def _as_check_result(result: Result) -> dg.AssetCheckResult:
    assert isinstance(result.rule, CrossCheck)
    some = "\n".join(f"- {example}" for example in result.examples)
    if result.rule.personal and some:
        some = "may name people: `lsats doctor` shows it where the rule does not hold"
    sample = {"sample": dg.MetadataValue.md(some)} if some else {}
    return check_result(_asset(result.subject), result, metadata={**result.values, **sample})
