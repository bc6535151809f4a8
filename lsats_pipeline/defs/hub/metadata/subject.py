"""What a step is about: the view of a stream or detail, or a silver table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsats_pipeline.core.declaration import Place
from lsats_pipeline.hub.silver.spec import Column, StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES


@dataclass(frozen=True)
class Subject:
    """`layer.name` in SQL, `layer/name` in Dagster. `table`: the declaration of a silver table.

    `place`: the line where the stream, detail or table is declared.
    """

    layer: str
    name: str
    source_system: str
    entity_type: str
    table: Table | None = None
    place: Place | None = None

    @property
    def sql_name(self) -> str:
        """The table or view that people query."""
        return f"{self.layer}.{self.name}"

    def readers(self) -> Iterator[tuple[StagingTable, Column]]:
        """Silver columns that read this stream's or detail's records."""
        for table in SILVER_TABLES:
            if isinstance(table, StagingTable) and table.stream.name == self.name:
                for column in table.columns:
                    if column.detail == (self.layer == "enrichment"):
                        yield table, column
