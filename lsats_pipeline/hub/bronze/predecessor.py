"""Imports the predecessor's bronze: every version, in its order, through the real lander.

its raw_entities ─ per stream ─ first versions ─▶ a recorded run
                               second versions ─▶ the next one ─▶ ...   (one version each a run)

It mixed its own keys (with an underscore) into the records; they move to `ingestion_metadata`.
A record that it had enriched is what the detail call gave, so it lands as the detail too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import Any, NamedTuple

import msgspec
import psycopg

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import asset_of
from lsats_pipeline.hub.bronze.landing import Landing
from lsats_pipeline.hub.bronze.records import identity, preparer
from lsats_pipeline.hub.sources.source import Detail, Source, Stream
from lsats_pipeline.warehouse import Counts, Run, Warehouse, recorded_run
from lsats_pipeline.warehouse.database import Connection, connect

log = logging.getLogger(__name__)

# What its enrichment left in a record (domain/hub.md 3).
_ENRICHED = {"_content_hash_enriched", "_enriched_at", "_enrichment_timestamp"}
_VERSIONS = """
select version, raw_id::text, ingested_at::text, raw_data::text
from (
    select raw_id, ingested_at, raw_data,
        row_number() over (
            -- By what identifies the record here: its own id was made up anew for some.
            partition by array(select raw_data ->> field from unnest(%(key)s::text[]) as field)
            order by ingested_at, raw_id
        ) as version
    from bronze.raw_entities
    where source_system = %(source_system)s and entity_type = %(entity_type)s
        and (not %(enriched)s or raw_data ?| %(marks)s)
) as numbered
order by version
"""
_KINDS = "select source_system, entity_type, count(*) from bronze.raw_entities group by 1, 2"


class _Row(NamedTuple):
    version: int
    raw_id: str
    ingested_at: str
    text: str


def import_bronze(
    warehouse: Warehouse, settings: HubSettings, sources: Sequence[Source], url: str
) -> Iterator[Report]:
    """Yield a report per stream that the other database has rows of.

    Raises ConfigurationError for a database without that table, and for a stream that has runs
    already: what is imported is older than what is there and must not come after it.
    """
    with connect(url) as other:
        kinds = _kinds(other)
        chosen = [d for d in _declared(sources) if (d.source_system, _list_type(d)) in kinds]
        _refuse_used(warehouse, chosen)
        _log_unknown(kinds, chosen)
        for declared in chosen:
            yield _import(warehouse, settings, declared, other)


def _declared(sources: Sequence[Source]) -> Iterator[Stream | Detail]:
    for source in sources:
        yield from source.streams
        yield from source.details


def _import(
    warehouse: Warehouse, settings: HubSettings, declared: Stream | Detail, other: Connection
) -> Report:
    asset, started, total = _asset(declared), time.monotonic(), Counts()
    for version, rows in groupby(_rows(declared, other), key=lambda row: row.version):
        with recorded_run(warehouse, asset, settings.today()) as run:
            _land(run, settings, declared, rows, version)
            _add(total, run.counts)
    seconds = time.monotonic() - started
    return Report(asset, settings.today(), total, seconds, note="imported")


def _land(
    run: Run, settings: HubSettings, declared: Stream | Detail, rows: Iterator[_Row], version: int
) -> None:
    with run.connection.transaction():
        landing = Landing(run, preparer(_tolerant(declared)), settings.now())
        while batch := list(islice(rows, settings.batch_size)):
            payloads, origins = zip(*map(_apart, batch), strict=True)
            landing.add(payloads, origins)
        landing.finish()
        run.metadata |= {"imported": True, "version": version, "complete": False}
        run.complete()


def _rows(declared: Stream | Detail, other: Connection) -> Iterator[_Row]:
    scope = {
        "source_system": declared.source_system,
        "entity_type": _list_type(declared),
        "enriched": isinstance(declared, Detail),
        "marks": list(_ENRICHED),
        "key": list(declared.key),
    }
    with other.transaction(), other.cursor("versions") as cursor:
        cursor.itersize = 2000
        for row in cursor.execute(_VERSIONS, scope):
            yield _Row(*row)


def _apart(row: _Row) -> tuple[bytes, str]:
    """The record as its source gave it, and what the predecessor knew of it."""
    mixed = msgspec.json.decode(row.text)
    # It kept a heading of two lines; the documents are read with single blanks now.
    record = {" ".join(k.split()): v for k, v in mixed.items() if not k.startswith("_")}
    known = {k: v for k, v in mixed.items() if k.startswith("_")}
    known |= {"raw_id": row.raw_id, "ingested_at": row.ingested_at}
    return msgspec.json.encode(record), msgspec.json.encode({"imported": known}).decode()


def _tolerant(declared: Stream | Detail) -> Stream | Detail:
    """The same stream, with GUIDs in braces understood (domain/hub.md 1.4)."""
    if isinstance(declared, Detail) or declared.source_system != "active_directory":
        return declared

    def identify(record: dict[str, Any]) -> str | None:
        written = identity(record, declared.key)
        return written.strip("{}").lower() if written else None

    return replace(declared, identify=identify)


def _kinds(other: Connection) -> dict[tuple[str, str], int]:
    try:
        return {(row[0], row[1]): row[2] for row in other.execute(_KINDS).fetchall()}
    except psycopg.errors.UndefinedTable:
        raise ConfigurationError(
            f"database {other.info.dbname!r} has no bronze.raw_entities to import from"
        ) from None


def _refuse_used(warehouse: Warehouse, chosen: Sequence[Stream | Detail]) -> None:
    names = [str(_asset(declared)) for declared in chosen]
    used = warehouse.query(
        "select distinct layer || '/' || entity from meta.ingestion_runs"
        " where layer || '/' || entity = any(%s) and status = 'completed' order by 1",
        [names],
    )
    if used:
        raise ConfigurationError(
            f"{', '.join(row[0] for row in used)} already ran in this hub: import into a new one,"
            " before its first run"
        )


def _log_unknown(kinds: dict[tuple[str, str], int], chosen: Sequence[Stream | Detail]) -> None:
    known = {(d.source_system, _list_type(d)) for d in chosen}
    for (system, entity), count in kinds.items():
        if (system, entity) not in known:
            log.warning("⚠️ no stream for %s rows of %s/%s: left out", f"{count:,}", system, entity)


def _list_type(declared: Stream | Detail) -> str:
    return declared.of.entity_type if isinstance(declared, Detail) else declared.entity_type


def _asset(declared: Stream | Detail) -> Asset:
    if isinstance(declared, Detail):
        return Asset("enrichment", declared.source_system, declared.entity_type, declared.of.name)
    return asset_of(declared)


def _add(total: Counts, more: Counts) -> None:
    for name, value in vars(more).items():
        setattr(total, name, getattr(total, name) + value)
