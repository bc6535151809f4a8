"""A server on loopback, and a hub that may ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.settings import load
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import catalog, discovery
from lsats_pipeline.mrf.sources.catalog import CatalogEntry, FileVersion
from lsats_pipeline.mrf.sources.circuit_breaker import CircuitBreaker
from lsats_pipeline.mrf.sources.discovery import Discovery, find
from lsats_pipeline.mrf.sources.download import RawFile, fetch
from lsats_pipeline.mrf.sources.policy import AddressPolicy
from lsats_pipeline.mrf.sources.transfer import Downloads
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.mrf.bad_server import BadServer, serving


@pytest.fixture
def server() -> Iterator[BadServer]:
    """A server with scripted answers."""
    with serving() as running:
        yield running


@dataclass
class PriceHub:
    """A hub whose waits take no time."""

    warehouse: Warehouse
    home: Path
    hosts: str
    options: dict[str, Any] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)

    @property
    def settings(self) -> MrfSettings:
        """What it may do."""
        options = {"rate": 1000, "ask_minutes": 0, **self.options}
        return load(MrfSettings, hosts=self.hosts, **options)

    @property
    def downloads(self) -> Downloads:
        """Its way out."""
        clock = Clock(sleep=self.slept.append, jitter=lambda: 0.5)
        breaker = CircuitBreaker(self.warehouse, self.settings.rate, clock)
        return Downloads(AddressPolicy(self.settings), breaker, self.settings, clock)

    def find(self, *sources: str | Path, **options: Any) -> Discovery:
        """Look at these."""
        named = [str(source) for source in sources]
        return find(
            self.warehouse, self.settings, self.home, named, downloads=self.downloads, **options
        )

    def add(self, url: str | Path) -> str:
        """Enter one file; its key."""
        with self.warehouse.connection() as connection:
            return discovery.add(connection, str(url))

    def fetch(self, key: str) -> RawFile:
        """The newest version."""
        return fetch(self.warehouse, self.settings, self.home, key, downloads=self.downloads)

    def entry(self, key: str) -> CatalogEntry:
        """What the catalogue says."""
        with self.warehouse.connection() as connection:
            return catalog.known(connection, key)

    def versions(self, key: str) -> list[FileVersion]:
        """Of one file."""
        with self.warehouse.connection() as connection:
            return catalog.versions(connection, key)

    def due(self) -> list[str]:
        """What is to be fetched."""
        with self.warehouse.connection() as connection:
            return [one.key for one in catalog.due(connection)]


@pytest.fixture
def hub(warehouse: Warehouse, server: BadServer, tmp_path: Path) -> PriceHub:
    """A hub of this test alone, which may ask the server."""
    return PriceHub(warehouse, tmp_path / "home", f"{server.place},files.example.com")
