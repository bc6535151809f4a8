"""Column schemas from the declarations; personal columns carry the tag `personal`."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.hub.metadata.subject import Subject
from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.spec import Coalesce, Column, IntegratedTable, StagingTable, Table

# What every view of a stream has (bronze/views.py).
_ENVELOPE = (
    ("external_id", "text", "identity in the source"),
    ("raw_data", "jsonb", "the record as the source gave it; its members are listed below"),
    ("raw_id", "uuid", "this version"),
    ("partition_key", "date", "the day it was observed"),
    ("ingested_at", "timestamptz", "when it was observed"),
    ("ingestion_run_id", "uuid", "the run that brought it"),
)
_PERSONAL = {"personal": ""}


def schema(subject: Subject) -> dg.TableSchema:
    """The columns of a silver table, or those of a stream and the members read from its records."""
    if subject.table is not None:
        return dg.TableSchema([_silver(subject.table, field) for field in fields(subject.table)])
    envelope = [dg.TableColumn(name, kind, about) for name, kind, about in _ENVELOPE]
    return dg.TableSchema([*envelope, *_members(subject)])


def _silver(table: Table, field: Field) -> dg.TableColumn:
    identity = field.name == table.identity
    required = identity or (isinstance(table, StagingTable) and field.name in table.key)
    return dg.TableColumn(
        field.name,
        field.sql_type,
        field.about or _origins(table).get(field.name),
        dg.TableColumnConstraints(nullable=not required, unique=identity),
        _PERSONAL if field.personal else None,
    )


def _origins(table: Table) -> dict[str, str]:
    """For merged columns without a word of their own: who may give the value, in order."""
    if not isinstance(table, IntegratedTable):
        return {}
    firsts = [column for column in table.columns if isinstance(column, Coalesce)]
    return {c.name: "from " + ", then ".join(source for source, _ in c.pairs()) for c in firsts}


def _members(subject: Subject) -> list[dg.TableColumn]:
    """A record's members by their own names; lineage points at them."""
    known = {name for name, _, _ in _ENVELOPE}
    readers: dict[str, list[tuple[str, Column]]] = {}
    for table, column in subject.readers():
        if column.path not in known:
            readers.setdefault(column.path, []).append((table.name, column))
    return [
        dg.TableColumn(
            path,
            "json",
            "read by " + ", ".join(f"silver.{table}.{column.name}" for table, column in reads),
            tags=_PERSONAL if any(column.personal for _, column in reads) else None,
        )
        for path, reads in readers.items()
    ]
