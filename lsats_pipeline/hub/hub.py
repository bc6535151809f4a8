"""The hub put together: settings, database, sources (real or simulated), and its three verbs.

open_hub ─▶ database (configured or embedded) ─▶ migrations, declared tables ─▶ Hub
Hub.ingest(stream)   Hub.enrich(detail)   Hub.build(table)      each returns a Report
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from lsats_pipeline.core.errors import FixConfiguration
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import (
    SIMULATED,
    SOURCE_SETTINGS,
    DocumentSettings,
    HubSettings,
    SourceSettings,
    TdxSettings,
    from_variables,
    load,
)
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.bronze.views import declare_views
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.consumers import declare_silver
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.safety import require_synthetic_database

log = logging.getLogger(__name__)


class Hub:
    """An opened hub. One process may open several; each keeps its own clients and simulators."""

    def __init__(self, settings: HubSettings, warehouse: Warehouse) -> None:
        self.settings = settings
        self.warehouse = warehouse
        self._open = ExitStack()
        self._clients: dict[str, Any] = {}
        self._simulated: Mapping[str, str] | None = None

    def ingest(
        self,
        stream: Stream,
        day: dt.date | None = None,
        *,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> Report:
        """Read one stream and land what differs (bronze)."""
        return ingest(
            self.warehouse,
            self.settings,
            stream,
            lambda: self.client(stream.source_system),
            day or self.settings.today(),
            accept_removals=accept_removals,
            dagster_run_id=dagster_run_id,
        )

    def enrich(
        self, detail: Detail, day: dt.date | None = None, *, dagster_run_id: str | None = None
    ) -> Report:
        """Fetch the most urgent details of one stream and land them."""
        return enrich(
            self.warehouse,
            self.settings,
            detail,
            lambda: self.client(detail.source_system),
            day or self.settings.today(),
            calls_per_minute=self._calls_per_minute(detail.source_system),
            dagster_run_id=dagster_run_id,
        )

    def build(
        self,
        table: Table,
        day: dt.date | None = None,
        *,
        full: bool = False,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> Report:
        """Bring one silver table up to date; `full` works every row out again."""
        return build(
            self.warehouse,
            self.settings,
            table,
            day or self.settings.today(),
            full=full,
            accept_removals=accept_removals,
            dagster_run_id=dagster_run_id,
        )

    def client(self, system: str) -> Any:
        """The connected client of a source, opened once and kept until the hub closes."""
        if system not in self._clients:
            settings = self.source_settings(system)
            self._clients[system] = self._open.enter_context(source(system).connect(settings))
        return self._clients[system]

    def source_settings(self, system: str) -> SourceSettings:
        """A source's settings; with nothing at all configured, those of the simulated campus."""
        cls = SOURCE_SETTINGS[system]
        shared = {name: getattr(self.settings, name) for name in _shared_with_hub(cls)}
        settings = load(cls, **shared)
        if settings.configured and _says_real(settings):
            return settings
        if not any_source_configured():
            return from_variables(cls, self._campus(), **shared)
        if settings.configured:
            self._refuse_simulated(settings)
            return settings
        raise FixConfiguration(f"{source(system).title} is not configured: {settings.remedy}")

    def _refuse_simulated(self, settings: SourceSettings) -> None:
        """Documents that a simulated campus left behind must not get into a real hub."""
        if isinstance(settings, DocumentSettings) and (settings.folder / SIMULATED).exists():
            try:
                require_synthetic_database(self.warehouse.name)
            except FixConfiguration:
                raise FixConfiguration(
                    f"{settings.folder} was filled by a simulated campus: remove what is in it,"
                    f" {SIMULATED} included, or name another folder in LSATS_DATA_FOLDER"
                ) from None

    def close(self) -> None:
        """Close clients, then simulators."""
        self._clients.clear()
        self._open.close()

    def _campus(self) -> Mapping[str, str]:
        if self._simulated is None:
            # The world is large to import and only the simulated hub needs it.
            from lsats_pipeline.campus.simulation import simulated_campus

            self._simulated = self._open.enter_context(
                simulated_campus(self.warehouse, self.settings)
            )
        return self._simulated

    def _calls_per_minute(self, system: str) -> int:
        settings = self.source_settings(system)
        return settings.calls_per_minute if isinstance(settings, TdxSettings) else 60


def any_source_configured() -> bool:
    """Whether the environment names any real source; if not, the campus is simulated."""
    loaded = (load(SOURCE_SETTINGS[s.system]) for s in SOURCES)
    return any(settings.configured and _says_real(settings) for settings in loaded)


def _says_real(settings: SourceSettings) -> bool:
    """Whether being configured tells a real source; files of a simulated one arrive likewise."""
    return bool(settings.required)


def _shared_with_hub(cls: type[SourceSettings]) -> set[str]:
    return cls.model_fields.keys() & HubSettings.model_fields.keys()


@contextmanager
def open_hub(settings: HubSettings | None = None) -> Iterator[Hub]:
    """The hub on what is configured, its database up to date with the code."""
    settings = settings or load(HubSettings)
    with hub_url(settings) as url, Warehouse(url) as warehouse:
        prepare(warehouse)
        hub = Hub(settings, warehouse)
        try:
            yield hub
        finally:
            hub.close()


def prepare(warehouse: Warehouse) -> None:
    """Bring the database to what the code declares: migrations, bronze views, silver tables."""
    if migrate(warehouse.url):
        log.info("🆕 database %s brought up to date", warehouse.name)
    with warehouse.owner() as connection:
        declare_views(connection, SOURCES)
        declare_silver(connection, SILVER_TABLES)
