"""Whether anything in the hub is left for a person, as checks of its run log."""

# No postponed annotations here: Dagster reads those of check functions as they stand.

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.core.declaration import place
from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.code_references import code_references
from lsats_pipeline.defs.failures import as_dagster_failure
from lsats_pipeline.defs.hub.warehouse import WarehouseResource
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.defs.partitions import HUB_DAYS
from lsats_pipeline.hub.health import HEALTH_RULES, health
from lsats_pipeline.hub.plan import choose

# Older days cannot be read again any more.
_LOOK_BACK_DAYS = 7
RUN_LOG = dg.AssetKey(["meta", "ingestion_runs"])
DAYS_GREEN = Rule(
    "days_green", about=f"No day of the last {_LOOK_BACK_DAYS} is left failed in Dagster."
)

run_log = dg.AssetSpec(
    RUN_LOG,
    group_name="meta",
    kinds={"postgres"},
    owners=owners("meta"),
    tags={"layer": "meta", "source": "hub"},
    description="Every run of every stream and table; its checks say what is left to do.",
    metadata={"dagster/table_name": "meta.ingestion_runs", **code_references(place())},
)


@dg.multi_asset_check(
    name="nothing_left",
    specs=[check_spec(RUN_LOG, rule, blocking=False) for rule in (*HEALTH_RULES, DAYS_GREEN)],
    description="Whether anything is left failed, held back or waiting.",
)
def nothing_left(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.AssetCheckResult]:
    """Each rule with how many, and which."""
    hub = warehouse.opened()
    today = hub.settings.today()
    with as_dagster_failure(), hub.warehouse.connection() as connection:
        results = list(health(connection, today))
    for result in (*results, _days_green(context, today)):
        yield check_result(RUN_LOG, result)


def _days_green(context: dg.AssetCheckExecutionContext, today: dt.date) -> Result:
    """What Dagster shows red: a day of an asset whose last run failed."""
    since = today - dt.timedelta(days=_LOOK_BACK_DAYS)
    keys = [key for key in HUB_DAYS.get_partition_keys() if key >= since.isoformat()]
    assets = [dg.AssetKey(str(one.asset).split("/")) for one in choose()]
    red = []
    for asset in assets:
        states = context.instance.get_status_by_partition(asset, keys, HUB_DAYS) or {}
        failed = [key for key, state in states.items() if state and state.value == "FAILED"]
        if failed:
            red.append(f"{asset.to_user_string()}: {', '.join(failed)}")
    number = len(assets) * len(keys)
    text = "; ".join(red) or "none"
    return Result(DAYS_GREEN, not red, text, values={"left": len(red), "of": number})


hub_health = dg.define_asset_job(
    "hub_health",
    selection=dg.AssetSelection.checks(nothing_left),
    description="Whether anything is left for a person: failed, held back, waiting, unread.",
)
