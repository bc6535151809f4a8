"""Price files, step by step: `mrf/raw_file` ─▶ `mrf/file_index` ─▶ three tables ─▶ profile, parts.

One pass over a file gives all three tables, so they are one step. What a killed run has done
stays done: the same partition again resumes there, and one that is done is only checked.
"""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.core.settings import load
from lsats_pipeline.defs.check_results import check_result
from lsats_pipeline.defs.code_references import code_references, place_of
from lsats_pipeline.defs.failures import RETRIES, StepResult, as_dagster_failure
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.defs.markdown import in_rows
from lsats_pipeline.defs.mrf import file_metadata
from lsats_pipeline.defs.mrf.checks import (
    INDEX_RULES,
    RAW_RULES,
    SAME_BYTES,
    SPLIT_RULES,
    TABLE_RULES,
    WHOLE,
    check_specs,
    index_checks,
    not_requested,
    raw_checks,
    split_checks,
    table_checks,
    unusable,
)
from lsats_pipeline.defs.mrf.files import FILE_LIST, MRF_FILES, PriceFilesResource, progress
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.mrf.database.loading import Loaded, load_file
from lsats_pipeline.mrf.ingest import catalog_ingest
from lsats_pipeline.mrf.profiling import PROFILE_RULES, checks_of, profile
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog
from lsats_pipeline.mrf.sources.download import fetch
from lsats_pipeline.mrf.splitting import folder_of, split

RAW, INDEX, PROFILE, PARTS = (
    dg.AssetKey(["mrf", name]) for name in ("raw_file", "file_index", "file_profile", "split_files")
)
_TABLES = {
    "provider_references": "Who prices are for: a row for every provider group of a reference.",
    "in_network": "What was negotiated: a row for every price.",
    "allowed_amounts": "What was paid out of network: a row for every payment.",
}
TABLES = [dg.AssetKey(["mrf", table]) for table in _TABLES]
_TAGS = {"layer": "mrf", "source": "price_files"}
_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
_MARKS = {(True, _ERROR): "✓", (True, _WARN): "✓", (False, _WARN): "⚠", (False, _ERROR): "✗"}
_KINDS = {"raw_file": {"gzip", "json"}, "file_index": {"gzip", "json"},
          "file_profile": {"duckdb"}, "split_files": {"gzip", "json"}}  # fmt: skip


def price_asset(
    key: dg.AssetKey, rules: Iterable[Rule], deps: Sequence[dg.AssetKey] = ()
) -> Callable[[Callable[..., Iterator[StepResult]]], dg.AssetsDefinition]:
    """A step whose result is not a table."""

    def made(step: Callable[..., Iterator[StepResult]]) -> dg.AssetsDefinition:
        return dg.asset(
            key=key,
            deps=deps,
            group_name="mrf",
            kinds=_KINDS[key.path[1]],
            owners=owners("mrf"),
            tags=_TAGS,
            metadata=code_references(place_of(step)),
            partitions_def=MRF_FILES,
            retry_policy=RETRIES,
            check_specs=check_specs(key, rules),
        )(step)

    return made


def materialized(
    key: dg.AssetKey,
    metadata: Mapping[str, Any],
    checks: Iterable[Result],
    version: str,
) -> dg.MaterializeResult[Any]:
    """A step's result; its check results are in the metadata too, which each partition keeps."""
    results = [check_result(key, result) for result in checks]
    lines = [[_MARKS[r.passed, r.severity], r.check_name, r.description] for r in results]
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            "checks": dg.MetadataValue.md(in_rows(["", "check", "result"], lines)),
            **metadata,
        },
        check_results=results,
        data_version=dg.DataVersion(version),
    )


@price_asset(RAW, RAW_RULES, [FILE_LIST])
def raw_file(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """The file as its insurer published it: fetched, verified whole, and kept under its hash."""
    begun = time.monotonic()
    with as_dagster_failure(), log_to_run(context):
        warehouse, home = price_files.warehouse(), price_files.settings.lsats_home
        watch = progress(context)
        try:
            raw = fetch(
                warehouse, load(MrfSettings), home, context.partition_key,
                watch=lambda done, total: watch("fetch", done, total or done),
            )  # fmt: skip
        except BadFile as error:
            yield unusable(context.asset_key, WHOLE, error)
            raise
        with warehouse.connection() as connection:
            entry = catalog.known(connection, raw.key)
            plans = len(catalog.plans(connection, raw.key))
    yield materialized(
        context.asset_key,
        file_metadata.fetch_metadata(raw, entry, plans, time.monotonic() - begun),
        raw_checks(raw),
        raw.sha256,
    )


@price_asset(INDEX, INDEX_RULES, [RAW])
def file_index(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """What is in the file, and where: its top level, its arrays cut into spans, a CRC for each."""
    begun = time.monotonic()
    with as_dagster_failure(), log_to_run(context):
        warehouse = price_files.warehouse()
        version = catalog_ingest.newest(warehouse, context.partition_key)
        try:
            work = catalog_ingest.index_version(
                warehouse, version, price_files.exports, price_files.options(), progress(context)
            )
        except BadFile as error:
            yield unusable(context.asset_key, SAME_BYTES, error)
            raise
    yield materialized(
        context.asset_key,
        file_metadata.index_metadata(work.index, time.monotonic() - begun),
        index_checks(work.index, version),
        work.index.sha256,
    )


@dg.multi_asset(
    name="mrf__tables",
    specs=[
        dg.AssetSpec(
            ["mrf", table],
            deps=[INDEX],
            description=f"{about}\n\nParquet in the folder {table} of the file's exports; with the"
            " option to_postgres also the table in PostgreSQL. What does not fit is in rejects.",
            group_name="mrf",
            kinds={"parquet", "postgres"},
            owners=owners("mrf"),
            tags=_TAGS,
            metadata=file_metadata.table_definition(table),
        )
        for table, about in _TABLES.items()
    ],
    partitions_def=MRF_FILES,
    retry_policy=RETRIES,
    check_specs=[
        spec for table in _TABLES for spec in check_specs(dg.AssetKey(["mrf", table]), TABLE_RULES)
    ],
)
def tables(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """The three tables of a file, in one pass."""
    with as_dagster_failure(), log_to_run(context):
        warehouse = price_files.warehouse()
        version = catalog_ingest.newest(warehouse, context.partition_key)
        outcome = catalog_ingest.ingest_version(
            warehouse, version, price_files.exports, price_files.options(), progress(context)
        )
        loaded = _loaded(context, price_files, outcome.file) if price_files.to_postgres else None
        with warehouse.connection() as connection:
            source = catalog.known(connection, version.key).address
    folder = price_files.exports / outcome.file
    for table in _TABLES:
        key = dg.AssetKey(["mrf", table])
        yield materialized(
            key,
            file_metadata.table_metadata(table, outcome, folder, loaded, source),
            table_checks(table, outcome.published, folder, loaded),
            outcome.published.sha256,
        )


def _loaded(context: dg.AssetExecutionContext, files: PriceFilesResource, file: str) -> Loaded:
    watch = progress(context)
    return load_file(
        files.warehouse(), files.exports, file,
        connections=files.connections, server=files.server,
        progress=lambda pace: watch("load", pace.text, pace.of_text),
    )  # fmt: skip


@price_asset(PROFILE, PROFILE_RULES, TABLES)
def file_profile(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """What the file says, against what the published schema and good sense allow."""
    with as_dagster_failure(), log_to_run(context):
        file = catalog_ingest.file_of(
            catalog_ingest.newest(price_files.warehouse(), context.partition_key)
        )
        made = profile(file, price_files.exports, price_files.profile_options(), progress(context))
    yield materialized(
        context.asset_key,
        file_metadata.profile_metadata(made),
        checks_of(made),
        made.sha256,
    )


@price_asset(PARTS, SPLIT_RULES, TABLES)
def split_files(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """The file cut into smaller ones, each valid by itself, together the same elements."""
    with as_dagster_failure(), log_to_run(context):
        options = price_files.split_options()
        if options is None:
            yield materialized(
                context.asset_key,
                {"parts": 0, "note": "no parts are wanted (`split_by` is empty)"},
                not_requested(SPLIT_RULES),
                "",
            )
            return
        file = catalog_ingest.file_of(
            catalog_ingest.newest(price_files.warehouse(), context.partition_key)
        )
        made = split(file, price_files.exports, options, progress(context))
        folder = folder_of(file, price_files.exports, options).final
    yield materialized(
        context.asset_key,
        file_metadata.split_metadata(made, folder, sum(part.text for part in made.parts)),
        split_checks(made),
        f"{made.sha256} {made.meaning}",
    )
