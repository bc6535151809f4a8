"""Synthetic worlds: an asset per table, `retail/customers`; edges are its foreign keys.

Large tables are partitioned by block: a fixed range of rows, always the same for the same seed. A
run without a partition makes all of them. What a run stores is read back and checked: every rule of
the table is a check.
"""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import os
from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.failures import OWNERS, RETRIES, StepResult, as_dagster_failure
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.defs.worlds.metadata import about, defined, recorded
from lsats_pipeline.defs.worlds.options import (
    WorldResource,
    block_counts,
    block_keys,
    numbers_of,
    options_key,
)
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.stored_worlds import verify_database
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline.synthetic.validation import Results, rules_of
from lsats_pipeline.synthetic.worlds import WORLDS, world


def world_assets(declared: World) -> list[dg.AssetsDefinition]:
    """The assets of a world; those of several blocks by default are partitioned."""
    sizes = block_counts(declared)
    partitions = dg.StaticPartitionsDefinition(block_keys(declared))
    return [
        world_asset(declared, table, {n for n in sizes if sizes[n] > 1}, partitions)
        for table in declared.tables
    ]


def world_asset(
    declared: World,
    table: WorldTable,
    partitioned: set[str],
    partitions: dg.StaticPartitionsDefinition,
) -> dg.AssetsDefinition:
    """The asset of one table."""
    key = dg.AssetKey([declared.name, table.name])
    resource = options_key(declared.name)

    @dg.asset(
        key=key,
        deps=[_dependency(declared, parent, partitioned) for parent in table.parents],
        group_name=declared.name,
        kinds={"synthetic", "postgres"},
        owners=OWNERS,
        tags={"layer": "synthetic", "source": declared.name},
        description=about(table),
        metadata=defined(declared, table),
        partitions_def=partitions if table.name in partitioned else None,
        backfill_policy=(dg.BackfillPolicy.single_run() if table.name in partitioned else None),
        retry_policy=RETRIES,
        required_resource_keys={resource},
        check_specs=[
            check_spec(key, rule, description=f"{rule.about}.") for rule in rules_of(table)
        ],
    )
    def seeded(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
        chosen: WorldResource = getattr(context.resources, resource)
        with as_dagster_failure(), log_to_run(context):
            options, url = chosen.options(), chosen.url()
            report = _seed(context, declared, table, options, url)
            found = verify_database(url, declared, [table.name])
        results = list(_check_results(key, table, found))
        yield dg.MaterializeResult(
            metadata=recorded(declared, table, report, found, url), check_results=results
        )

    return seeded


def _dependency(declared: World, parent: str, partitioned: set[str]) -> dg.AssetDep:
    """Rows of any block may refer to rows of any other."""
    mapping = dg.AllPartitionMapping() if parent in partitioned else None
    return dg.AssetDep(dg.AssetKey([declared.name, parent]), partition_mapping=mapping)


def _seed(
    context: dg.AssetExecutionContext,
    declared: World,
    table: WorldTable,
    options: WorldOptions,
    url: str,
) -> SeedReport:
    blocks = {}
    if context.has_partition_key or context.has_partition_key_range:
        of = len(block_keys(declared))
        blocks[table.name] = numbers_of(table, options, context.partition_keys, of)
        if len(blocks[table.name]) == len(list(table.blocks(declared.name, options))):
            blocks = {}
    seeding = Seeding(declared, options, (table.name,), blocks, workers=os.cpu_count() or 1)
    target = DatabaseTarget(Session(url, declared.name), declared, options)
    report = seed(seeding, [target])
    if report.error:
        raise report.error
    return report


def _check_results(
    key: dg.AssetKey, table: WorldTable, found: Results
) -> Iterator[dg.AssetCheckResult]:
    """A result for every rule; rules over whole tables wait until all blocks are in."""
    by_name = {result.name: result for result in found}
    for rule in rules_of(table):
        if result := by_name.get(rule.name):
            numbers = {"rows": result.rows, "violations": result.broken}
            yield check_result(key, result, description=result.line, metadata=numbers)
        else:
            yield dg.AssetCheckResult(
                check_name=rule.name,
                asset_key=key,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description="not checked yet: other blocks of the table are still to come",
            )


synthetic_assets = [asset for name in WORLDS for asset in world_assets(world(name))]
