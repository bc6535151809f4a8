"""A view per stream under its asset's name: `bronze.tdx_user`, `enrichment.tdx_user`.

What every stream says now, one row per live record: for people who look, not for the engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import LiteralString, NamedTuple

from psycopg import sql

from lsats_pipeline.hub.sources.source import Detail, Source, Stream
from lsats_pipeline.warehouse.comments import Words, comment, fingerprint_of
from lsats_pipeline.warehouse.database import Connection, declared, remember_declaration


class ViewColumn(NamedTuple):
    """A column that every view has."""

    name: str
    sql_type: LiteralString
    about: str


COLUMNS = (
    ViewColumn("external_id", "text", "identity in the source"),
    ViewColumn("raw_data", "jsonb", "the record as the source gave it"),
    ViewColumn("raw_id", "uuid", "this version in bronze.raw_entities"),
    ViewColumn("partition_key", "date", "the day it was observed"),
    ViewColumn("ingested_at", "timestamptz", "when it was observed"),
    ViewColumn("ingestion_run_id", "uuid", "the run that brought it"),
)
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


def summary(source: Source, declared: Stream | Detail) -> str:
    """What a stream or detail is, in a sentence."""
    title = f"{source.title[0].upper()}{source.title[1:]}"
    if isinstance(declared, Detail):
        return f"{title}: what the list of {_words_of(declared.of)}s leaves out of each."
    return f"{title}: every {_words_of(declared)} as it came, unchanged and for ever."


def _words_of(stream: Stream) -> str:
    return stream.entity_type.replace("_", " ")


def declare_views(connection: Connection, sources: Iterable[Source]) -> None:
    """Create the view of every stream and detail, when they or the words about them change."""
    views = list(streams_of(sources))
    words = [_words(source, stream) for source, stream in views]
    fingerprint = fingerprint_of(words)
    if declared(connection, "bronze views") == fingerprint:
        return
    for (_, stream), about in zip(views, words, strict=True):
        view = sql.Identifier(about.schema, about.name)
        system, entity = sql.Literal(stream.source_system), sql.Literal(stream.entity_type)
        connection.execute(_VIEW.format(view=view, system=system, entity=entity))
        connection.execute(sql.SQL("grant select on {} to lsats_etl").format(view))
    comment(connection, words)
    remember_declaration(connection, "bronze views", fingerprint)


def streams_of(sources: Iterable[Source]) -> Iterator[tuple[Source, Stream | Detail]]:
    """Every stream and detail with its source: what has a view."""
    for source in sources:
        yield from ((source, stream) for stream in source.streams)
        yield from ((source, detail) for detail in source.details)


def _words(source: Source, stream: Stream | Detail) -> Words:
    layer, name = (
        ("enrichment", stream.of.name) if isinstance(stream, Detail) else ("bronze", stream.name)
    )
    columns = {column.name: column.about for column in COLUMNS}
    return Words("view", layer, name, summary(source, stream), columns)
