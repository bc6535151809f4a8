"""The hub put together: settings, database, sources (real or simulated), and its three verbs.

open_hub ─▶ database (configured or embedded) ─▶ migrations, declared tables ─▶ Hub
Hub.ingest(stream)   Hub.enrich(detail)   Hub.build(table)      each returns a Report
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings, from_variables, load
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.bronze.views import declare_views
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.consumers import declare_silver
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.settings import SIMULATED, DocumentSettings, SourceSettings
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.safety import require_synthetic_database

log = logging.getLogger(__name__)


class Simulation(Protocol):
    """What stands in for the sources when none is configured; campus/simulation.py has one."""

    def served(
        self, warehouse: Warehouse, settings: HubSettings
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Variables that point at simulated systems, which answer as long as the block lasts."""

    def describe(self, connection: Connection) -> str | None:
        """What the database holds of it, for people; None when there is nothing yet."""


class Hub:
    """An opened hub. One process may open several; each keeps its own clients and simulators."""

    def __init__(
        self, settings: HubSettings, warehouse: Warehouse, simulation: Simulation | None = None
    ) -> None:
        self.settings = settings
        self.warehouse = warehouse
        self._simulation = simulation
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
        self,
        detail: Detail,
        day: dt.date | None = None,
        *,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> Report:
        """Fetch the most urgent details of one stream and land them."""
        return enrich(
            self.warehouse,
            self.settings,
            detail,
            lambda: self.client(detail.source_system),
            day or self.settings.today(),
            calls_per_minute=self.source_settings(detail.source_system).rate_limit,
            accept_removals=accept_removals,
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
        cls = source(system).settings
        shared = {name: getattr(self.settings, name) for name in _shared_with_hub(cls)}
        settings = load(cls, **shared)
        if settings.configured and _is_real(settings):
            return settings
        if self._simulation is not None and not any_source_configured():
            return from_variables(cls, self._simulated_by(self._simulation), **shared)
        if settings.configured:
            self._refuse_simulated(settings)
            return settings
        raise ConfigurationError(f"{source(system).title} is not configured: {settings.remedy}")

    def _refuse_simulated(self, settings: SourceSettings) -> None:
        """Documents that a simulated campus left behind must not get into a real hub."""
        if isinstance(settings, DocumentSettings) and (settings.folder / SIMULATED).exists():
            try:
                require_synthetic_database(self.warehouse.name)
            except ConfigurationError:
                raise ConfigurationError(
                    f"{settings.folder} was filled by a simulated campus: remove what is in it,"
                    f" {SIMULATED} included, or name another folder in LSATS_DATA_FOLDER"
                ) from None

    def close(self) -> None:
        """Close clients, then simulators."""
        self._clients.clear()
        self._open.close()

    def _simulated_by(self, simulation: Simulation) -> Mapping[str, str]:
        if self._simulated is None:
            self._simulated = self._open.enter_context(
                simulation.served(self.warehouse, self.settings)
            )
        return self._simulated


def any_source_configured() -> bool:
    """Whether the environment names any real source; if not, the campus is simulated."""
    loaded = (load(declared.settings) for declared in SOURCES)
    return any(settings.configured and _is_real(settings) for settings in loaded)


def _is_real(settings: SourceSettings) -> bool:
    """Whether a configured source is a real one; simulated documents look configured too."""
    return bool(settings.required)


def _shared_with_hub(cls: type[SourceSettings]) -> set[str]:
    return cls.model_fields.keys() & HubSettings.model_fields.keys()


@contextmanager
def open_hub(
    settings: HubSettings | None = None, simulation: Simulation | None = None
) -> Iterator[Hub]:
    """The hub on what is configured, its database up to date with the code.

    `simulation` stands in when no source is configured; without one, sources have to be.
    """
    settings = settings or load(HubSettings)
    with hub_url(settings) as url, Warehouse(url) as warehouse:
        prepare(warehouse)
        hub = Hub(settings, warehouse, simulation)
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
