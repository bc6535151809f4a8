"""The hub put together: settings, database, sources (real or simulated), and its three verbs.

open_hub ─▶ database (configured or embedded) ─▶ migrations, declared tables ─▶ Hub
Hub.ingest(stream)   Hub.enrich(detail)   Hub.build(table)      each returns a Report
Hub.read_ahead(streams)   begins to read what `ingest` will land, several sources side by side
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cached_property, partial
from threading import Lock, RLock
from typing import Any, Protocol
from urllib.parse import quote

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Asset, Counts, Report
from lsats_pipeline.core.settings import HubSettings, from_variables, load
from lsats_pipeline.hub.bronze.ingest import Ingestion, ingest, read_anew, read_stream
from lsats_pipeline.hub.bronze.ingest import asset_of as bronze_asset
from lsats_pipeline.hub.bronze.read_ahead import ReadAhead
from lsats_pipeline.hub.bronze.views import declare_views
from lsats_pipeline.hub.configuration import (
    NO_OVERRIDES,
    SourceOverrides,
    configuration,
    load_source,
    require_simulated,
    shared_with_hub,
)
from lsats_pipeline.hub.enrichment import asset_of as enrichment_asset
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.consumers import declare_silver
from lsats_pipeline.hub.silver.sources_in_use import live_systems, reduced
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.settings import SIMULATED, DocumentSettings, SourceSettings
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection, declared, remember_declaration
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.safety import require_synthetic_database

log = logging.getLogger(__name__)
# Under this name the database remembers that its records are simulated.
_RECORDS = "bronze records"

# Opens the client of a source on its settings, whose waits are the clock's: they end with the hub.
Connect = Callable[[Any, Clock], AbstractContextManager[Any]]


class Simulation(Protocol):
    """What stands in for the sources when none is configured; campus/simulation.py has one."""

    def served(
        self, warehouse: Warehouse, settings: HubSettings
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Variables that point at simulated systems, which answer as long as the block lasts."""

    def describe(self, connection: Connection) -> str | None:
        """What the database holds of it, for people; None when there is nothing yet."""


class Hub:
    """An opened hub. One process may open several; each keeps its own clients and simulators.

    `overrides`: what is set for a source, by system, over the environment.
    """

    def __init__(
        self,
        settings: HubSettings,
        warehouse: Warehouse,
        simulation: Simulation | None = None,
        overrides: Mapping[str, SourceOverrides] | None = None,
    ) -> None:
        self.settings = settings
        self.warehouse = warehouse
        self.configuration = configuration(settings)
        self._overrides: dict[str, SourceOverrides] = {}
        self._connects: dict[str, Connect] = {}
        self._simulation = simulation
        self._open = ExitStack()
        self._clients: dict[str, Any] = {}
        # By system: one thread at a time uses a client.
        self._in_use = {source.system: RLock() for source in SOURCES}
        self._simulating = Lock()
        self._ahead = ReadAhead(self._in_use)
        self._clock = Clock(sleep=self._ahead.sleep)
        self._simulated: Mapping[str, str] | None = None
        for system, chosen in (overrides or {}).items():
            self.override(system, chosen)

    def ingest(
        self,
        stream: Stream,
        day: dt.date | None = None,
        *,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> Report:
        """Read one stream and land what differs (bronze)."""
        day = day or self.settings.today()
        if self.configuration.lacks(stream.source_system):
            return self._not_configured(bronze_asset(stream), day)
        if (read := self._ahead.take(stream, day)) is not None:
            with read as ingestion:
                return ingestion.land()
        with self._in_use[stream.source_system]:
            return ingest(
                self.warehouse,
                self._limited(stream.source_system),
                stream,
                lambda: self.client(stream.source_system),
                day,
                accept_removals=accept_removals,
                dagster_run_id=dagster_run_id,
                origin=self._overrides.get(stream.source_system, NO_OVERRIDES).origin,
            )

    def read_ahead(
        self,
        streams: Iterable[Stream],
        days: Sequence[dt.date],
        *,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> None:
        """Begin to read several sources side by side, for `ingest` with the same options to land.

        Of several days, each stream the first that has to be read. The first call of a hub counts,
        others add nothing.
        """
        today = self.settings.today()
        wanted: dict[Stream, dt.date] = {}
        for stream in streams:
            to_read = (d for d in days if read_anew(stream, d, today))
            if not self.configuration.lacks(stream.source_system) and (day := next(to_read, None)):
                wanted[stream] = day

        def read(stream: Stream, day: dt.date) -> AbstractContextManager[Ingestion]:
            return read_stream(
                self.warehouse,
                self._limited(stream.source_system),
                stream,
                lambda: self.client(stream.source_system),
                day,
                accept_removals=accept_removals,
                dagster_run_id=dagster_run_id,
                origin=self._overrides.get(stream.source_system, NO_OVERRIDES).origin,
                stop=partial(self._ahead.sleep, 0),
            )

        self._ahead.start(wanted, read)

    def enrich(
        self,
        detail: Detail,
        day: dt.date | None = None,
        *,
        accept_removals: bool = False,
        dagster_run_id: str | None = None,
    ) -> Report:
        """Fetch the most urgent details of one stream and land them."""
        day = day or self.settings.today()
        if self.configuration.lacks(detail.source_system):
            return self._not_configured(enrichment_asset(detail), day)
        with self._in_use[detail.source_system]:
            return enrich(
                self.warehouse,
                self._limited(detail.source_system),
                detail,
                lambda: self.client(detail.source_system),
                day,
                calls_per_minute=self.source_settings(detail.source_system).rate_limit,
                accept_removals=accept_removals,
                dagster_run_id=dagster_run_id,
                origin=self._overrides.get(detail.source_system, NO_OVERRIDES).origin,
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
        """Bring one silver table up to date; `full` works every row out again.

        Rules about sources that the site does not have do not apply.
        """
        return build(
            self.warehouse,
            self.settings,
            reduced(table, self.systems_in_use),
            day or self.settings.today(),
            full=full,
            accept_removals=accept_removals,
            dagster_run_id=dagster_run_id,
        )

    def client(self, system: str) -> Any:
        """The connected client of a source, opened once and kept until the hub closes."""
        with self._in_use[system]:
            if system not in self._clients:
                connect: Connect = self._connects.get(system, source(system).connect)
                opened = connect(self.source_settings(system), self._clock)
                self._clients[system] = self._open.enter_context(opened)
            return self._clients[system]

    def connect_with(self, system: str, connect: Connect) -> None:
        """Have the client of a source opened by this, from now on."""
        self._connects[system] = connect

    def override(self, system: str, overrides: SourceOverrides) -> None:
        """Set this for a source over the environment, before its client is opened.

        ConfigurationError when the campus is simulated and this may be real.
        """
        if overrides == self._overrides.get(system, NO_OVERRIDES):
            return
        if not self.configuration.is_real:
            require_simulated(overrides)
        self._overrides[system] = overrides
        self.configuration = configuration(self.settings, self._overrides)

    def source_settings(self, system: str) -> SourceSettings:
        """A source's settings; with nothing at all configured, those of the simulated campus."""
        cls, values = source(system).settings, self._overrides.get(system, NO_OVERRIDES).values
        if self._simulation is not None and not self.configuration.is_real:
            shared = shared_with_hub(cls, self.settings)
            if "lsats_home" in shared:
                shared["lsats_home"] = self.settings.simulated_home
            simulated = from_variables(cls, self._simulated_by(self._simulation), **shared)
            return load(cls, **{**dict(simulated), **values}) if values else simulated
        settings = load_source(cls, self.settings, values)
        if not settings.configured:
            raise ConfigurationError(f"{source(system).title} is not configured: {settings.remedy}")
        self._refuse_simulated(settings)
        return settings

    def _limited(self, system: str) -> HubSettings:
        """The hub's settings as they hold for one source."""
        limit = self._overrides.get(system, NO_OVERRIDES).record_limit
        return (
            self.settings
            if limit is None
            else self.settings.model_copy(update={"max_records": limit})
        )

    @cached_property
    def systems_in_use(self) -> frozenset[str] | None:
        """The systems of a real site, read or with records still; documents count once they came.

        None, on a simulated campus: all of them. The same as long as the hub is open.
        """
        if not self.configuration.is_real:
            return None
        read = {s.system for s in SOURCES if not issubclass(s.settings, DocumentSettings)}
        with self.warehouse.connection() as connection:
            live = live_systems(connection, (s.system for s in SOURCES))
        return live | (read - self.configuration.remedies.keys())

    def _not_configured(self, asset: Asset, day: dt.date) -> Report:
        """Nothing was read, and nothing is wrong."""
        remedy = self.configuration.remedies[asset.source_system]
        return Report(
            asset,
            day,
            Counts(),
            0.0,
            note=f"not configured: {remedy}",
            metadata={"configured": False},
        )

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
        """End what is being read, close clients, then simulators."""
        self._ahead.close()
        self._clients.clear()
        self._open.close()

    def _simulated_by(self, simulation: Simulation) -> Mapping[str, str]:
        with self._simulating:
            if self._simulated is None:
                self._simulated = self._open.enter_context(
                    simulation.served(self.warehouse, self.settings)
                )
                with self.warehouse.owner() as connection:
                    remember_declaration(connection, _RECORDS, "simulated")
            return self._simulated


@contextmanager
def open_hub(
    settings: HubSettings | None = None,
    simulation: Simulation | None = None,
    *,
    url: str | None = None,
    overrides: Mapping[str, SourceOverrides] | None = None,
) -> Iterator[Hub]:
    """The hub on what is configured, its database up to date with the code.

    `simulation` stands in when no source is configured; without one, sources have to be.
    `url`: of another database than the configured one. What a hub keeps next to its database
    (documents, pages not landed yet) is then apart too, in `databases/<name>` of LSATS_HOME.
    """
    settings = settings or load(HubSettings)
    with (
        nullcontext(url) if url else hub_url(settings) as found,
        Warehouse(found) as warehouse,
    ):
        if url:
            settings = _apart(settings, warehouse.name)
        prepare(warehouse)
        hub = Hub(settings, warehouse, simulation, overrides)
        refuse_mixture(hub)
        try:
            yield hub
        finally:
            hub.close()


def _apart(settings: HubSettings, database: str) -> HubSettings:
    """Settings of a hub that takes nothing from the one of the environment."""
    home = settings.lsats_home / "databases" / quote(database, safe="").replace(".", "%2E")
    return settings.model_copy(update={"lsats_home": home, "lsats_data_folder": None})


def refuse_mixture(hub: Hub) -> None:
    """Raise ConfigurationError where simulated people would be merged with real ones."""
    with hub.warehouse.owner() as connection:
        simulated = declared(connection, _RECORDS) == "simulated"
    if simulated and hub.configuration.is_real:
        real = ", ".join(s.title for s in SOURCES if s.system not in hub.configuration.remedies)
        raise ConfigurationError(
            f"database {hub.warehouse.name!r} holds the records of a simulated campus, and a real"
            f" source is configured ({real}): real and simulated records stay apart. Start a hub of"
            " your own: LSATS_HOME=another/folder, or DATABASE_URL of another database"
        )


def prepare(warehouse: Warehouse) -> None:
    """Bring the database to what the code declares: migrations, bronze views, silver tables."""
    if migrate(warehouse.url):
        log.info("🆕 database %s brought up to date", warehouse.name)
    with warehouse.owner() as connection:
        # Steps that are processes of their own start at once; "create or replace" is not safe then.
        connection.execute("select pg_advisory_xact_lock(hashtextextended('lsats:prepare', 0))")
        declare_views(connection, SOURCES)
        declare_silver(connection, SILVER_TABLES)
