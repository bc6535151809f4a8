"""Synthetic worlds: an asset per table, `retail/customers`; edges are its foreign keys.

Large tables are partitioned by block: a fixed range of rows, always the same for the same seed. A
run without a partition makes all of them. Any block can be made first, and any number of runs side
by side (docs/decisions/0040): a run makes what its rows refer to and what is not there yet. Every
rule of a table is a check; those over whole tables are evaluated once all blocks are in.
"""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import logging
from collections.abc import Iterator, Sequence

import dagster as dg

from lsats_pipeline.defs.check_results import check_result, check_spec, with_optional_checks
from lsats_pipeline.defs.failures import RETRIES, StepResult, as_dagster_failure
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.defs.worlds.metadata import about, defined, recorded
from lsats_pipeline.defs.worlds.options import (
    WorldResource,
    block_keys,
    keys_of,
    options_key,
    partitioned_tables,
)
from lsats_pipeline.synthetic.dry_run import plan_seeding
from lsats_pipeline.synthetic.parts import (
    MadeParent,
    clear_once,
    results_of,
    seed_missing_parents,
    seed_part,
)
from lsats_pipeline.synthetic.spec import World, WorldTable
from lsats_pipeline.synthetic.validation import Results, rules_of
from lsats_pipeline.synthetic.validators import is_over_whole_table
from lsats_pipeline.synthetic.worlds import WORLDS, world

log = logging.getLogger(__name__)


def world_assets(declared: World) -> list[dg.AssetsDefinition]:
    """The assets of a world; those of several blocks by default are partitioned."""
    partitions = dg.StaticPartitionsDefinition(block_keys(declared))
    return [world_asset(declared, table, partitions) for table in declared.tables]


def world_asset(
    declared: World, table: WorldTable, partitions: dg.StaticPartitionsDefinition
) -> dg.AssetsDefinition:
    """The asset of one table."""
    key, resource = asset_key(declared, table.name), options_key(declared.name)
    is_partitioned = table.name in partitioned_tables(declared)

    @dg.asset(
        key=key,
        deps=[_dependency(declared, parent) for parent in table.parents],
        group_name=declared.name,
        kinds={"synthetic", "postgres"},
        owners=owners(declared.name),
        tags={"layer": "synthetic", "source": declared.name},
        description=about(declared, table),
        metadata=defined(declared, table),
        partitions_def=partitions if is_partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if is_partitioned else None,
        retry_policy=RETRIES,
        required_resource_keys={resource},
        check_specs=[
            check_spec(
                key,
                rule,
                description=f"{rule.about}.",
                # Nothing waits for what a block cannot show.
                blocking=not (is_partitioned and is_over_whole_table(rule)),
            )
            for rule in rules_of(table)
        ],
    )
    def seeded(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
        chosen: WorldResource = getattr(context.resources, resource)
        parts = context.partition_keys if is_partitioned else None
        with as_dagster_failure(), log_to_run(context):
            if chosen.dry_run:
                plan = plan_seeding(chosen.seeding(table, parts), chosen.where.url)
                log.info("🔎 a dry run: %s", *plan.lines)
                results: list[StepResult] = [dg.MaterializeResult()]
            else:
                results = _make(context, table, chosen, parts)
        yield from results

    return with_optional_checks(seeded)


def asset_key(declared: World, table: str) -> dg.AssetKey:
    """As in SQL: `retail/customers`."""
    return dg.AssetKey([declared.name, table])


def _dependency(declared: World, parent: str) -> dg.AssetDep:
    """Rows of any block may refer to rows of any other."""
    mapping = dg.AllPartitionMapping() if parent in partitioned_tables(declared) else None
    return dg.AssetDep(asset_key(declared, parent), partition_mapping=mapping)


def _make(
    context: dg.AssetExecutionContext,
    table: WorldTable,
    chosen: WorldResource,
    parts: Sequence[str] | None,
) -> list[StepResult]:
    """Make the step's part of a table, with what its rows refer to; what is to be recorded."""
    where, seeding = chosen.where, chosen.seeding(table, parts)
    if chosen.clear and where.in_database:
        tables = [each.name for each in _tables_of_run(context, chosen.world)]
        # Whoever executes a run again wants the rest of it, not its beginning deleted.
        first = context.run.root_run_id or context.run.run_id
        clear_once(chosen.world, chosen.options, where.url, tables, first)
    report, numbers = None, seeding.blocks.get(table.name)
    if numbers == []:
        log.info("🫙 %s has no block in %s", table.name, ", ".join(parts or ()))
    else:
        if where.in_database:
            made = seed_missing_parents(seeding, where.url)
            _record_parents(context, chosen, made)
        report = seed_part(seeding, where)
    found = results_of(seeding, where, report)
    key = asset_key(chosen.world, table.name)
    metadata = recorded(chosen.world, table, chosen.options, where, report, found)
    return [dg.MaterializeResult(metadata=metadata), *_check_results(key, table, found)]


def _check_results(
    key: dg.AssetKey, table: WorldTable, found: Results | None
) -> Iterator[dg.AssetCheckResult]:
    """A result for every rule that applies: those over whole tables wait for the last block."""
    for rule in rules_of(table):
        if found and (result := found.rule(rule.name)):
            numbers = {"rows": result.rows, "violations": result.broken}
            yield check_result(key, result, description=result.line, metadata=numbers)


def _record_parents(
    context: dg.AssetExecutionContext, chosen: WorldResource, made: Sequence[MadeParent]
) -> None:
    """Tables that were made because rows refer to them show as made, too."""
    for parent in made:
        keys: list[str | None] = [None]
        if parent.table.name in partitioned_tables(chosen.world):
            of = len(block_keys(chosen.world))
            keys = [*keys_of(parent.table, chosen.options, parent.blocks, of)]
        for key in keys:
            context.log_event(
                dg.AssetMaterialization(
                    asset_key(chosen.world, parent.table.name),
                    partition=key,
                    description="made because rows of another table refer to it",
                    metadata={"rows made": parent.rows},
                )
            )


def _tables_of_run(context: dg.AssetExecutionContext, declared: World) -> list[WorldTable]:
    """The world's tables that a run is about, parents first: all, where it names none."""
    named = {
        key.path[-1] for key in context.run.asset_selection or () if key.path[0] == declared.name
    }
    return [table for table in declared.tables if not named or table.name in named]


synthetic_assets = [asset for name in WORLDS for asset in world_assets(world(name))]
