"""Dagster's database: DAGSTER_DATABASE_URL, or `<hub database>_dagster` on the hub's server.

The hub's server may be the embedded one, which then stays up as long as the process.
"""

from __future__ import annotations

import atexit
import os
import time
from contextlib import ExitStack
from functools import cache
from typing import Any

import psycopg
from psycopg import conninfo, sql
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.warehouse.database import connect, database_name, with_database
from lsats_pipeline.warehouse.location import hub_url

# Kept open per process; a dozen processes stay far below a server's usual 100 connections.
_KEPT = 3
_MORE = 7
# A connection that has lain idle for longer is tried before it is used: the server may have been
# restarted since. Trying it every time, as `pool_pre_ping` does, is a statement for a statement.
_IDLE_SECONDS = 5
# psycopg 3 cannot bind the parameter of Dagster's NOTIFY.
_DRIVER = "postgresql+psycopg2"
# What PostgreSQL says when another process has just made the same database.
_QUICKER = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)


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
def engine_of_process(url: str, process: int) -> Engine:
    """One engine per process: a forked child must not share its parent's connections."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=_KEPT, max_overflow=_MORE)
    event.listen(engine, "checkin", _note_the_time)
    event.listen(engine, "checkout", _try_if_idle)
    _stack.callback(engine.dispose)
    return engine


def _note_the_time(connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _try_if_idle(connection: Any, record: Any, proxy: Any) -> None:
    if time.monotonic() - record.info.get("used", time.monotonic()) < _IDLE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except connection.OperationalError:
        raise DisconnectionError from None  # the pool opens another one


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
