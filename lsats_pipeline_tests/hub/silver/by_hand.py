"""Silver out of records that a test writes down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.spec import IntegratedTable, SqlModel, Table
from lsats_pipeline.hub.sources import detail, stream
from lsats_pipeline.hub.sources.source import Page
from lsats_pipeline.warehouse import Warehouse

Row = dict[str, Any]


def with_upstream(*tables: Table) -> tuple[Table, ...]:
    """The tables and all that they are made of, in the order of building."""
    found: dict[str, Table] = {}
    for table in tables:
        if isinstance(table, IntegratedTable | SqlModel):
            found |= {t.name: t for t in with_upstream(*table.upstream)}
        found[table.name] = table
    return tuple(found.values())


class ByHand:
    """Some silver tables, and whole sources in the hands of a test."""

    def __init__(self, warehouse: Warehouse, settings: HubSettings, *tables: Table) -> None:
        self.warehouse = warehouse
        self.settings = settings.model_copy(update={"lsats_reject_share": 1.0})
        self.tables = with_upstream(*tables)
        self.reports: dict[str, Report] = {}
        with warehouse.owner() as connection:
            declare_tables(connection, self.tables)

    def take_in(self, **records: Iterable[Row]) -> None:
        """Each stream now has exactly these records: `take_in(tdx_asset=[...])`."""
        for name, rows in records.items():
            pages = [Page([json.dumps(row).encode() for row in rows])]
            fake = replace(stream(name), read=lambda client, request: iter(client), find_by_id=None)
            ingest(
                self.warehouse, self.settings, fake, partial(list, pages), self.settings.today(),
                accept_removals=True,
            )  # fmt: skip

    def complete(self, name: str, details: dict[str, Row]) -> None:
        """Fetch details: `complete("tdx_asset_detail", {"5": {...}})`."""
        known = {key: json.dumps(row).encode() for key, row in details.items()}
        fake = replace(detail(name), fetch=lambda client, key: known.get(key))
        enrich(self.warehouse, self.settings, fake, lambda: None, self.settings.today())

    def build(self, **options: Any) -> None:
        """Bring all tables up to date; `reports` says how."""
        for table in self.tables:
            self.reports[table.name] = build(
                self.warehouse, self.settings, table, self.settings.today(),
                accept_removals=True, **options,
            )  # fmt: skip

    def rows(self, name: str) -> list[Row]:
        """A table, by its first column."""
        query = sql.SQL("select * from {} order by 1").format(sql.Identifier("silver", name))
        with self.warehouse.connection() as opened, opened.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def silver(self, name: str, **records: Iterable[Row]) -> list[Row]:
        """Take in, build everything, and look at one table."""
        self.take_in(**records)
        self.build()
        return self.rows(name)
