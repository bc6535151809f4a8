"""Columns and their lineage from the declarations; personal columns carry the tag `personal`."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.hub.metadata.subject import Subject
from lsats_pipeline.hub.bronze.views import COLUMNS
from lsats_pipeline.hub.silver.ddl import Field
from lsats_pipeline.hub.silver.glossary import described, meaning
from lsats_pipeline.hub.silver.lineage import lineage
from lsats_pipeline.hub.silver.spec import Column, StagingTable, Table

_PERSONAL = {"personal": ""}


def schema(subject: Subject) -> dg.TableSchema:
    """The columns of a silver table, or those of a stream and the members read from its records."""
    if subject.table is not None:
        return dg.TableSchema([_silver(subject.table, field) for field in described(subject.table)])
    envelope = [dg.TableColumn(name, kind, about) for name, kind, about in COLUMNS]
    return dg.TableSchema([*envelope, *_members(subject)])


def column_lineage(table: Table) -> dg.TableColumnLineage:
    """Which columns above each column is made from."""
    return dg.TableColumnLineage(
        {
            name: [
                dg.TableColumnDep(dg.AssetKey([made.layer, made.entity]), made.column)
                for made in origins
            ]
            for name, origins in lineage(table).items()
        }
    )


def _silver(table: Table, field: Field) -> dg.TableColumn:
    identity = field.name == table.identity
    required = identity or (isinstance(table, StagingTable) and field.name in table.key)
    return dg.TableColumn(
        field.name,
        field.sql_type,
        field.about,
        dg.TableColumnConstraints(nullable=not required, unique=identity),
        _PERSONAL if field.personal else None,
    )


def _members(subject: Subject) -> list[dg.TableColumn]:
    """A record's members by their own names; lineage points at them."""
    known = {column.name for column in COLUMNS}
    readers: dict[str, list[tuple[str, Column]]] = {}
    for table, column in subject.readers():
        if column.path not in known:
            readers.setdefault(column.path, []).append((table.name, column))
    return [
        dg.TableColumn(
            path,
            "json",
            _member(reads),
            tags=_PERSONAL if any(column.personal for _, column in reads) else None,
        )
        for path, reads in readers.items()
    ]


def _member(reads: list[tuple[str, Column]]) -> str:
    """What a member of the record means, by the column that reads it, and who reads it."""
    table, column = reads[0]
    about = meaning(table, column.name, column.about)
    by = ", ".join(f"silver.{table}.{column.name}" for table, column in reads)
    return f"{about}; read by {by}" if about else f"read by {by}"
