"""What a run covers: which assets a choice means, and (for a dry run) what each would do.

layer, source, entity ─▶ chosen assets ─▶ what each would read or build; nothing is written
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze import ingest
from lsats_pipeline.hub.configuration import Configuration
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
    layers: Sequence[str] = LAYERS, systems: Sequence[str] = (), entities: Sequence[str] = ()
) -> list[Chosen]:
    """The assets of some layers, of some sources, of some entities (`user`, `tdx_user`, `users`).

    None named means all. A source means its streams and its own silver tables, not those merged
    from several. ConfigurationError names what is known when a choice is empty.
    """
    for system in systems:
        source(system)
    candidates = [c for c in _all() if c.asset.layer in layers]
    possible = [c for c in candidates if not systems or _system(c.declared) in systems]
    for system in systems:
        if not any(_system(c.declared) == system for c in possible):
            raise ConfigurationError(f"source {system!r} has nothing to do in {', '.join(layers)}")
    for entity in entities:
        if not any(entity in _names(c) for c in possible):
            raise ConfigurationError(_unknown(entity, layers, possible))
    return [c for c in possible if not entities or not _names(c).isdisjoint(entities)]


def require_configured(
    chosen: Iterable[Chosen],
    found: Configuration,
    systems: Sequence[str] = (),
    entities: Sequence[str] = (),
) -> None:
    """Raise ConfigurationError, before anything runs, that names every variable to set or correct.

    What is half set is a mistake for all that reads it. What is not set is one only for whom asks
    for it by name, as a source or an entity.
    """
    chosen = list(chosen)
    found.require(dict.fromkeys(s for c in chosen if (s := _read_from(c))))
    asked = [system for system in systems if found.lacks(system)]
    for entity in entities:
        needed = [s for c in chosen if entity in _names(c) and (s := _read_from(c))]
        if needed and all(map(found.lacks, needed)):
            asked += needed
    if asked:
        raise ConfigurationError(
            "\n".join(
                f"{source(system).title} is not configured: {found.remedies[system]}"
                for system in dict.fromkeys(asked)
            )
        )


def unreadable(
    connection: Connection | None,
    settings: HubSettings,
    chosen: Iterable[Chosen],
    days: Sequence[dt.date],
    found: Configuration,
) -> dict[str, list[dt.date]]:
    """The days of each asset that its source cannot answer for, where there are any.

    A directory or the gateway can only be read as it is now; a day that was observed once is no
    work and no harm. `connection` None: there is no hub yet, nothing was observed.
    """
    today = settings.today()
    refused = {}
    for one in chosen:
        system = _read_from(one)
        if system is None or found.lacks(system):
            continue
        wrong = [day for day in days if day > today]
        if isinstance(one.declared, Stream) and not one.declared.answers_for_past_days:
            wrong += [
                day
                for day in days
                if day < today
                and not (connection is not None and observed(connection, one.asset, day))
            ]
        if wrong:
            refused[str(one.asset)] = wrong
    return refused


def refusal(refused: Mapping[str, Sequence[dt.date]], today: dt.date) -> str:
    """Why a run of these assets and days does not start."""
    if all(day > today for days in refused.values() for day in days):
        return f"{min(map(min, refused.values()))} has not come yet; today is {today}"
    lines = [
        f"{asset} can only be read as it is now, and {_few(days)} {_was(days)} not observed"
        for asset, days in refused.items()
    ]
    return "\n".join(lines)


def _few(days: Sequence[dt.date]) -> str:
    """Days in a few words."""
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"


def _was(days: Sequence[dt.date]) -> str:
    return "was" if len(days) == 1 else "were"


def plan_run(
    connection: Connection | None,
    settings: HubSettings,
    chosen: Iterable[Chosen],
    days: Sequence[dt.date],
    found: Configuration,
    *,
    full: bool = False,
) -> Iterator[Step]:
    """What a run of these assets and days would do; `connection` None: there is no hub yet."""
    for one in chosen:
        declared, system = one.declared, _read_from(one)
        if system and found.lacks(system):
            yield Step(str(one.asset), f"nothing, not configured: {found.remedies[system]}")
        elif isinstance(declared, Stream):
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


def _read_from(one: Chosen) -> str | None:
    """The system that the asset asks; silver asks none."""
    return one.declared.source_system if isinstance(one.declared, (Stream, Detail)) else None


def _names(one: Chosen) -> set[str]:
    names = {one.asset.entity, str(one.asset)}
    if isinstance(one.declared, Stream):
        return names | {one.declared.entity_type}
    if isinstance(one.declared, Detail):
        return names | {one.declared.of.entity_type, one.declared.name}
    if isinstance(one.declared, StagingTable):
        return names | {one.declared.stream.name, one.declared.stream.entity_type}
    return names


def _unknown(entity: str, layers: Sequence[str], possible: list[Chosen]) -> str:
    known = sorted({one.asset.entity for one in possible})
    near = difflib.get_close_matches(entity, {n for c in possible for n in _names(c)}, n=3)
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
