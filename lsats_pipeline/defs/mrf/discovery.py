"""Which price files there are: an asset that reads the lists, and its checks.

LSATS_MRF_SOURCES ─▶ `mrf/file_list` ─▶ catalogue ─▶ `mrf_files_sensor` ─▶ a run for each due
"""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.core.settings import load
from lsats_pipeline.defs.automation import PRICE_LIST_FRESHNESS
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.code_references import code_references, place_of
from lsats_pipeline.defs.failures import RETRIES, StepResult, as_dagster_failure
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.defs.mrf.files import FILE_LIST, PriceFilesResource
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.discovery import Discovery, find

SOURCES_READ = Rule("sources_read", about="Every source of LSATS_MRF_SOURCES could be read.")


def file_list(
    context: dg.AssetExecutionContext, price_files: PriceFilesResource
) -> Iterator[StepResult]:
    """Every price file that tables of contents, folders and lists name."""
    settings = load(MrfSettings)
    with as_dagster_failure(), log_to_run(context):
        found = find(price_files.warehouse(), settings, price_files.settings.lsats_home)
    for source, error in found.errors:
        context.log.warning(f"⚠️ {source}: {error}")
    yield dg.MaterializeResult(metadata=_metadata(found))
    yield check_result(FILE_LIST, _sources_read(found, len(settings.source_list)))


file_list_asset = dg.asset(
    key=FILE_LIST,
    group_name="mrf",
    kinds={"postgres"},
    owners=owners("mrf"),
    tags={"layer": "mrf", "source": "price_files"},
    metadata=code_references(place_of(file_list)),
    retry_policy=RETRIES,
    freshness_policy=PRICE_LIST_FRESHNESS,
    check_specs=[check_spec(FILE_LIST, SOURCES_READ)],
)(file_list)


def _metadata(found: Discovery) -> dict[str, int]:
    counts = {
        name: sum(one.counts[name] for one in found.results)
        for name in ("new", "changed", "unsupported")
    }
    return {
        "sources": len(found.results),
        "sources read anew": sum(one.read for one in found.results),
        **counts,
        "due": found.due_count,
    }


def _sources_read(found: Discovery, named: int) -> Result:
    text = "; ".join(f"{source}: {error}" for source, error in found.errors)
    if not named:
        text = "LSATS_MRF_SOURCES names no table of contents, folder, list or file"
    count = len(found.errors)
    values = {"sources": named, "unreadable": count}
    return Result(SOURCES_READ, not count, text, named, count, values=values)
