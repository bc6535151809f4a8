"""The simulated campus of a hub without sources: a world in the hub's database, served locally.

The world is large to import, so it is imported only when it is used.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline.warehouse.safety import require_synthetic_database

log = logging.getLogger(__name__)


class SimulatedCampus:
    """The simulated six systems (`hub.hub.Simulation`)."""

    @contextmanager
    def served(self, warehouse: Warehouse, settings: HubSettings) -> Iterator[Mapping[str, str]]:
        """Variables that point at simulators of the campus as it is today, until the block ends.

        Creates the campus when there is none, and advances it to today when it is behind. Exports
        of its systems are written below `simulated_home`, and nowhere else. ConfigurationError when
        the database holds records of others.
        """
        from lsats_pipeline.campus import lifecycle as campus
        from lsats_pipeline.campus.simulators.documents import drop, move_apart
        from lsats_pipeline.campus.simulators.process import start_simulators

        require_synthetic_database(warehouse.name)
        with warehouse.owner() as connection:
            world, today = campus.world(connection), settings.today()
            inbox = settings.simulated_home / "inbox"
            if world is None:
                _refuse_records(connection, warehouse.name)
                people, seed = settings.lsats_demo_people, settings.lsats_demo_seed
                log.info(
                    "🏫 no source is configured: simulating a campus of %s people", f"{people:,}"
                )
                campus.create(connection, seed=seed, people=people, first_day=today)
            elif world.day < today:
                log.info("🏫 advancing the simulated campus from %s to %s", world.day, today)
                campus.advance(connection, today)
            move_apart(connection, settings)
            for path in drop(connection, inbox, settings.zone):
                log.info("📥 %s has arrived in %s", path.name, path.parent)
        # Without a document there is no folder yet, and a source of documents needs one.
        inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        with start_simulators(warehouse.url) as simulators:
            yield {**simulators.environment, "LSATS_DATA_FOLDER": str(inbox)}

    def describe(self, connection: Connection) -> str | None:
        """How many people, which seed, which day; None when there is no campus yet."""
        from lsats_pipeline.campus import lifecycle as campus

        world = campus.world(connection)
        if world is None:
            return None
        return f"{world.people:,} people, seed {world.seed}, at {world.day}"


def _refuse_records(connection: Connection, name: str) -> None:
    """A campus is not simulated on top of what somebody has loaded."""
    made = connection.execute("select to_regclass('bronze.raw_entities')").fetchone()
    if not made or made[0] is None:
        return
    if connection.execute("select true from bronze.raw_entities limit 1").fetchone():
        raise ConfigurationError(
            f"database {name!r} holds records, and no source is configured: set the variables of"
            " your sources in .env, or LSATS_HOME or DATABASE_URL for a simulated campus elsewhere"
        )


def settled_campus(warehouse: Warehouse, *, people: int, seed: int, first_day: dt.date) -> dt.date:
    """Make sure that there is this campus; gives its first day, which may be an earlier one.

    ConfigurationError, saying how to start over, when there is one with other numbers.
    """
    from lsats_pipeline.campus import lifecycle as campus

    require_synthetic_database(warehouse.name)
    with warehouse.owner() as connection:
        world = campus.world(connection)
        if world is None:
            _refuse_records(connection, warehouse.name)
            log.info("🏫 simulating a campus of %s people, seed %s", f"{people:,}", seed)
            campus.create(connection, seed=seed, people=people, first_day=first_day)
            return first_day
    if (world.people, world.seed) != (people, seed):
        raise ConfigurationError(
            f"database {warehouse.name!r} holds a campus of {world.people:,} people, seed"
            f" {world.seed}; {people:,} people, seed {seed} were asked for. Use those numbers, or"
            " start over: LSATS_HOME=another/folder for an embedded database of its own, or"
            " `lsats db stop` and then remove the folder postgres/ in LSATS_HOME"
        )
    return world.first_day
