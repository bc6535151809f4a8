"""A view per stream under its asset's name: `bronze.tdx_user`, `enrichment.tdx_user`.

What every stream says now, one row per live record: for people who look, not for the engines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from psycopg import sql

from lsats_pipeline.hub.sources.source import Source
from lsats_pipeline.warehouse.database import Connection, declared, remember_declaration

_VIEW = sql.SQL(
    """
    create or replace view {view} as
    select raw.external_id, raw.raw_data, raw.raw_id, raw.partition_key, raw.ingested_at,
        raw.ingestion_run_id
    from bronze.heads head
    join bronze.raw_entities raw using (raw_id)
    where head.source_system = {system} and head.entity_type = {entity} and not head.is_removed
    """
)


def declare_views(connection: Connection, sources: Iterable[Source]) -> None:
    """Create the view of every stream and detail, when the list of them has changed."""
    streams = [
        *(("bronze", s.name, s.source_system, s.entity_type) for x in sources for s in x.streams),
        *(
            ("enrichment", d.of.name, d.source_system, d.entity_type)
            for x in sources
            for d in x.details
        ),
    ]
    fingerprint = json.dumps(streams)
    if declared(connection, "bronze views") == fingerprint:
        return
    for layer, name, system, entity in streams:
        view = sql.Identifier(layer, name)
        connection.execute(
            _VIEW.format(view=view, system=sql.Literal(system), entity=sql.Literal(entity))
        )
        connection.execute(sql.SQL("grant select on {} to lsats_etl").format(view))
    remember_declaration(connection, "bronze views", fingerprint)
