"""What a run covers: which assets a choice means, and (for a dry run) what each would do.

layer, source, entity ─▶ chosen assets ─▶ what each would read or build; nothing is written
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.bronze import ingest
from lsats_pipeline.hub.enrichment.enrich import asset_of as enrichment_asset
from lsats_pipeline.hub.enrichment.enrich import waiting
from lsats_pipeline.hub.silver import build
from lsats_pipeline.hub.silver.spec import StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline.warehouse.runs import consumed_since, observed

LAYERS = ("bronze", "enrichment", "silver")


@dataclass(frozen=True)
class Chosen:
    """An asset of a run with its declaration."""

    asset: Asset
    declared: Stream | Detail | Table


@dataclass(frozen=True)
class Step:
    """What a run would do to one asset. `amount`: runs or records, where it can be known before."""

    asset: str
    would: str
    amount: int | None = None


def choose(
    layers: Sequence[str] = LAYERS, system: str | None = None, entity: str | None = None
) -> list[Chosen]:
    """The assets of some layers, of one source, of one entity (`user`, `tdx_user`, `users`).

    A source means its streams and its own silver tables, not those merged from several.
    ConfigurationError names what is known when the choice is empty.
    """
    if system is not None:
        source(system)
    candidates = [c for c in _all() if c.asset.layer in layers]
    of_system = [c for c in candidates if system in (None, _system(c.declared))]
    chosen = [c for c in of_system if entity is None or entity in _names(c)]
    if not chosen:
        raise ConfigurationError(_nothing(layers, system, entity, of_system))
    return chosen


def require_configured(chosen: Iterable[Chosen]) -> None:
    """Raise ConfigurationError, before anything runs, that names every variable to set or correct.

    With no source configured at all the campus is simulated, and nothing is missing.
    """
    wrong: list[str] = []
    configured: dict[str, bool] = {}
    for declared in SOURCES:
        try:
            configured[declared.system] = load(declared.settings).configured
        except ConfigurationError as error:
            wrong.append(str(error))
    # A folder of documents needs no variables, so it says nothing about the hub being real.
    if any(is_set and source(system).settings.required for system, is_set in configured.items()):
        needed = {
            one.declared.source_system
            for one in chosen
            if isinstance(one.declared, (Stream, Detail))
        }
        wrong += [
            _unset(system)
            for system in configured
            if system in needed and not configured[system] and source(system).settings.required
        ]
    if wrong:
        raise ConfigurationError("\n".join(wrong))


def _unset(system: str) -> str:
    settings = source(system).settings
    prefix = settings.model_config.get("env_prefix", "")
    names = ", ".join(f"{prefix}{name}".upper() for name in settings.required)
    return f"{source(system).title} is not configured: set {names}, or run others with --source"


def plan_run(
    connection: Connection | None,
    settings: HubSettings,
    chosen: Iterable[Chosen],
    days: Sequence[dt.date],
    *,
    full: bool = False,
) -> Iterator[Step]:
    """What a run of these assets and days would do; `connection` None: there is no hub yet."""
    for one in chosen:
        declared = one.declared
        if isinstance(declared, Stream):
            for day in days:
                yield _plan_stream(connection, settings, one.asset, declared, day)
        elif isinstance(declared, Detail):
            yield _plan_detail(connection, settings, one.asset, declared)
        else:
            yield _plan_build(connection, one.asset, declared, full)


def _all() -> Iterator[Chosen]:
    for system in SOURCES:
        for stream in system.streams:
            yield Chosen(ingest.asset_of(stream), stream)
    for system in SOURCES:
        for detail in system.details:
            yield Chosen(enrichment_asset(detail), detail)
    for table in SILVER_TABLES:
        yield Chosen(build.asset_of(table), table)


def _system(declared: Stream | Detail | Table) -> str | None:
    if isinstance(declared, (Stream, Detail)):
        return declared.source_system
    return declared.stream.source_system if isinstance(declared, StagingTable) else None


def _names(one: Chosen) -> set[str]:
    names = {one.asset.entity, str(one.asset)}
    if isinstance(one.declared, Stream):
        return names | {one.declared.entity_type}
    if isinstance(one.declared, Detail):
        return names | {one.declared.of.entity_type, one.declared.name}
    if isinstance(one.declared, StagingTable):
        return names | {one.declared.stream.name, one.declared.stream.entity_type}
    return names


def _nothing(
    layers: Sequence[str], system: str | None, entity: str | None, possible: list[Chosen]
) -> str:
    known = sorted({one.asset.entity for one in possible})
    if entity is None or not known:
        return f"source {system!r} has nothing to do in {', '.join(layers)}"
    near = difflib.get_close_matches(entity, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(known)}"
    return f"no entity {entity!r} in {', '.join(layers)}{hint}"


def _plan_stream(
    connection: Connection | None,
    settings: HubSettings,
    asset: Asset,
    stream: Stream,
    day: dt.date,
) -> Step:
    today = settings.today()
    if day > today:
        return Step(str(asset), f"{day}: refused, it has not come yet")
    if stream.documents:
        return Step(str(asset), f"{day}: read the newest new file that had arrived by then")
    if day == today:
        return Step(str(asset), f"{day}: read the whole stream, land what differs")
    if stream.modified:
        return Step(str(asset), f"{day}: read, land what was modified on that day")
    if connection is not None and observed(connection, asset, day):
        return Step(str(asset), f"{day}: nothing, already observed and not readable again")
    return Step(str(asset), f"{day}: refused, can only be read as it is now")


def _plan_detail(
    connection: Connection | None, settings: HubSettings, asset: Asset, detail: Detail
) -> Step:
    would = f"fetch details new, changed in the list, or older than {detail.refresh_days} days"
    if connection is None:
        return Step(str(asset), would)
    due = waiting(connection, settings, detail)
    return Step(str(asset), f"{would}; due now:", due)


def _plan_build(connection: Connection | None, asset: Asset, table: Table, full: bool) -> Step:
    if full or connection is None:
        return Step(str(asset), "work every row out again" if full else "work every row out")
    runs = consumed_since(connection, str(asset), build.producers(table))
    return Step(str(asset), "use completed runs upstream; waiting now:", len(runs))
