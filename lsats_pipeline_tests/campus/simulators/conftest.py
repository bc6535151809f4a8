"""A campus with no one in it, the simulators on top of it, and an editor of its tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import httpx
import ldap3
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.campus.simulators.process import SimulatorProcess, start_simulators
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

DAY = dt.date(2026, 3, 2)
_WORLD = files("lsats_pipeline.campus")
CAMPUS = "".join((_WORLD / name).read_text("utf-8") for name in ("schema.sql", "keys.sql"))
NEW_WORLD = """
insert into campus.world (seed, people, first_day, day, served_day)
values (1, 200, %(day)s, %(day)s, %(day)s)
"""

KeyLookupJson = tuple[str, str, Any]


class CampusEditor:
    """Changes the campus while the simulators serve it."""

    def __init__(self, database_url: str, environment: dict[str, str]) -> None:
        self.database_url = database_url
        self.environment = environment

    def execute(self, statement: str, values: Any = None) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def serve(self, day: dt.date) -> None:
        self.execute("update campus.world set served_day = %s", [day])

    def fault(self, name: str, **setting: Any) -> None:
        self.execute("insert into campus.faults values (%s, %s)", [name, Jsonb(setting)])

    def put(self, system: str, entity: str, *records: KeyLookupJson, fault: str = "") -> None:
        """Put records there as (key, lookup, JSON); JSON may be text already."""
        rows = [(key, lookup, DAY, _text(value), fault) for key, lookup, value in records]
        with (
            psycopg.connect(self.database_url) as connection,
            connection.cursor().copy(
                "copy campus.records"
                " (system, entity, record_key, lookup, valid_from, payload, fault) from stdin"
            ) as copy,
        ):
            for row in rows:
                copy.write_row((system, entity, *row))

    def http(self) -> httpx.Client:
        return httpx.Client(timeout=20)


@pytest.fixture(scope="session")
def served(postgres: str) -> Iterator[tuple[str, SimulatorProcess]]:
    name = "simulators_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    url = database_on(postgres, name)
    try:
        with psycopg.connect(url) as connection:
            connection.execute(CAMPUS.encode())
        with start_simulators(url) as process:
            yield url, process
    finally:
        drop_database(postgres, name)


@pytest.fixture
def campus(served: tuple[str, SimulatorProcess]) -> CampusEditor:
    """An empty campus at `DAY`, without faults."""
    url, process = served
    editor = CampusEditor(url, process.environment)
    editor.execute("truncate campus.records, campus.world, campus.faults")
    editor.execute(NEW_WORLD, {"day": DAY})
    return editor


@pytest.fixture
def tdx(campus: CampusEditor) -> Iterator[httpx.Client]:
    """A client that has logged in; paths start with the empty application id."""
    env = campus.environment
    with httpx.Client(base_url=env["TDX_BASE_URL"], timeout=20) as client:
        login = {"BEID": env["TDX_BEID"], "WebServicesKey": env["TDX_WEB_SERVICES_KEY"]}
        token = client.post(env["TDX_BASE_URL"] + "//auth/loginadmin", json=login).text
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.fixture
def mcommunity(campus: CampusEditor) -> Iterator[ldap3.Connection]:
    with connect(campus.environment, "MCOMMUNITY_LDAP_URL", "MCOMMUNITY_LDAP_") as connection:
        yield connection


@pytest.fixture
def active_directory(campus: CampusEditor) -> Iterator[ldap3.Connection]:
    with connect(campus.environment, "AD_LDAP_URL", "AD_") as connection:
        yield connection


@contextmanager
def connect(
    environment: dict[str, str], url: str, prefix: str, **options: Any
) -> Iterator[ldap3.Connection]:
    """A connection, bound unless `options` say otherwise; ldap3 alone would leave it open."""
    given = {
        "user": environment[f"{prefix}USER"],
        "password": environment[f"{prefix}PASSWORD"],
        "auto_bind": True,
        "receive_timeout": 20,
    }
    server = ldap3.Server(environment[url], get_info=ldap3.NONE)
    connection = ldap3.Connection(server, **{**given, **options})
    try:
        yield connection
    finally:
        connection.unbind()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
