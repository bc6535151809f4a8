"""Where Dagster keeps runs and events: PostgreSQL on the hub's server, through one pooled engine.

dagster_home/dagster.yaml ─▶ HubStorage ─▶ DAGSTER_DATABASE_URL, or `<hub database>_dagster`
                                           on the hub's server (configured or embedded)

Every process of Dagster makes one of these: daemon, web server, code server, each run.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any

import psycopg
from dagster import Field
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from psycopg import conninfo, sql
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.warehouse.database import connect, database_name, with_database
from lsats_pipeline.warehouse.location import hub_url

# Kept open per process; a dozen processes stay far below a server's usual 100 connections.
_KEPT = 3
_MORE = 7
# psycopg 3 cannot bind the parameter of Dagster's NOTIFY.
_DRIVER = "postgresql+psycopg2"
# What PostgreSQL says when another process has just made the same database.
_QUICKER = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)


class HubStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage, found from the hub's settings instead of its own.

    Dagster opens a connection for nearly every statement, several hundred a run; with one pool
    per process a run of 60 steps takes a third of the time.
    """

    def __init__(self, url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(url, inst_data=inst_data)
        engine = _engine(url, os.getpid())
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part._engine = engine

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Nothing to configure here."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HubStorage:
        """Made by Dagster's instance; `config_value` is empty."""
        return cls(storage_url(load(HubSettings)), inst_data)


def storage_url(settings: HubSettings) -> str:
    """SQLAlchemy's URL of Dagster's database, which exists and stays up as long as the process."""
    if settings.dagster_database_url is not None:
        return _sqlalchemy(settings.dagster_database_url.get_secret_value())
    hub = _hub_url_for_process(settings, os.getpid())
    name = f"{database_name(hub)}_dagster"
    _ensure_database(hub, name)
    return _sqlalchemy(with_database(hub, name))


_holds: dict[tuple[object, int], str] = {}
_stack = ExitStack()


def _hub_url_for_process(settings: HubSettings, process: int) -> str:
    """The hub's URL; an embedded server is kept running until the process ends."""
    place = (settings.database_url or settings.lsats_home, process)
    if place not in _holds:
        if not _holds:
            atexit.register(_stack.close)
        _holds[place] = _stack.enter_context(hub_url(settings))
    return _holds[place]


@cache
def _engine(url: str, process: int) -> Engine:
    """One engine per process: a forked child must not share its parent's connections."""
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=_KEPT,
        max_overflow=_MORE,
        pool_pre_ping=True,  # the server may have been restarted since
    )
    _stack.callback(engine.dispose)
    return engine


def _ensure_database(hub: str, name: str) -> None:
    with connect(hub, autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone():
            return
        try:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except _QUICKER:
            pass
        except psycopg.errors.InsufficientPrivilege:
            raise ConfigurationError(
                f"Dagster's database {name!r} does not exist and this login may not create it:"
                " create it, or set DAGSTER_DATABASE_URL"
            ) from None


def _sqlalchemy(url: str) -> str:
    """A URL or connection string as SQLAlchemy takes it, with Dagster's driver."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items()}
    # Host and port travel as options: a host may be the folder of a socket.
    place = URL.create(
        _DRIVER,
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        database=parts.pop("dbname", None),
        query={"application_name": "dagster", **parts},
    )
    return place.render_as_string(hide_password=False)
