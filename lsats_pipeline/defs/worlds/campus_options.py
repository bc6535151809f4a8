"""The resource `campus_options`: which campus, on which day, and the database that it is in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import dagster as dg
from pydantic import Field, PrivateAttr

from lsats_pipeline.campus import lifecycle
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.failures import as_dagster_failure
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import database_name
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.safety import require_synthetic_database


class WantedCampus(NamedTuple):
    """The campus that a run asks for."""

    people: int
    seed: int
    day: dt.date


class CampusResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Which campus a run asks for; what is not set is as it is there, or as the demo has it."""

    people: int | None = Field(
        default=None,
        description=f"People on its first day, {lifecycle.LEAST_PEOPLE:,} to"
        f" {lifecycle.MOST_PEOPLE:,}. Empty: those that it has, or LSATS_DEMO_PEOPLE",
    )
    seed: int | None = Field(
        default=None,
        description="The same seed, the same campus. Empty: its own, or LSATS_DEMO_SEED",
    )
    day: str | None = Field(
        default=None,
        description="YYYY-MM-DD: a new campus begins on this day, one that is there is advanced"
        " to it. Empty: today",
    )

    _warehouse: Warehouse = PrivateAttr()
    _wanted: WantedCampus = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[CampusResource]:
        """Open as long as the run lasts; what cannot be is refused before any step."""
        with ExitStack() as stack:
            with as_dagster_failure():
                self._warehouse = self._opened(stack, load(HubSettings))
                self._wanted = self._chosen(load(HubSettings))
            yield self

    @property
    def warehouse(self) -> Warehouse:
        """The hub's database, which is one for synthetic data."""
        return self._warehouse

    @property
    def wanted(self) -> WantedCampus:
        """The campus that this run asks for."""
        return self._wanted

    def _opened(self, stack: ExitStack, settings: HubSettings) -> Warehouse:
        configuration(settings).refuse_real("the campus is simulated only where there are none")
        if settings.database_url is not None:
            require_synthetic_database(database_name(settings.database_url.get_secret_value()))
        warehouse = stack.enter_context(Warehouse(stack.enter_context(hub_url(settings))))
        require_synthetic_database(warehouse.name)
        return warehouse

    def _chosen(self, settings: HubSettings) -> WantedCampus:
        with self._warehouse.owner() as connection:
            there = lifecycle.world(connection)
        people = there.people if there else settings.lsats_demo_people
        seed = there.seed if there else settings.lsats_demo_seed
        return WantedCampus(
            people if self.people is None else self.people,
            seed if self.seed is None else self.seed,
            self._day() or settings.today(),
        )

    def _day(self) -> dt.date | None:
        try:
            return dt.date.fromisoformat(self.day) if self.day else None
        except ValueError:
            raise ConfigurationError(f"day {self.day!r}: write it like 2026-03-02") from None
