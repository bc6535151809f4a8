"""A campus, the simulators that serve it, and clients of the hub connected to them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.campus import lifecycle as campus_world
from lsats_pipeline.campus.simulators.documents import drop
from lsats_pipeline.campus.simulators.process import start_simulators
from lsats_pipeline.campus.simulators.record_store import on_the_wire
from lsats_pipeline.core.settings import load
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.hub.sources.source import Detail, Page, ReadRequest, Stream
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

DAY = dt.date(2026, 3, 2)
PEOPLE = 700  # about twice the entries that MCommunity gives out per search

Client = Any


class Served:
    """The campus as its systems show it, and faults to make them misbehave."""

    def __init__(self, database_url: str, environment: dict[str, str]) -> None:
        self.database_url = database_url
        self.environment = environment

    def fault(self, name: str, **setting: Any) -> None:
        self._execute("insert into campus.faults values (%s, %s)", name, Jsonb(setting))

    def repair(self) -> None:
        self._execute("delete from campus.faults")

    def records(self, name: str) -> dict[str, bytes]:
        """What a stream must deliver: record key to JSON, as on the wire."""
        declared = stream(name)
        rows = self._rows(declared.source_system, declared.entity_type)
        return {key: wire for key, wire, _ in rows}

    def details(self, system: str, entity: str) -> dict[str, bytes | None]:
        """Detail by key; None where the system answers that there is none."""
        return {k: None if f else wire for k, wire, f in self._rows(system, f"{entity}_detail")}

    def _rows(self, system: str, entity: str) -> list[tuple[str, bytes, str]]:
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute(
                "select record_key, convert_to(payload, 'UTF8'), fault from campus.records"
                " where system = %s and entity = %s and valid_to is null",
                [system, entity],
            ).fetchall()
        return [(key, on_the_wire(payload), fault) for key, payload, fault in rows]

    def _execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)


@pytest.fixture(scope="session")
def campus_of_the_session(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    name, home = "sources_test", tmp_path_factory.mktemp("home")
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    url = database_on(postgres, name)
    try:
        with psycopg.connect(url) as connection:
            campus_world.create(connection, seed=11, people=PEOPLE, first_day=DAY)
            drop(connection, home / "inbox", ZoneInfo("America/Detroit"))
        documents = {"LSATS_HOME": str(home), "LSATS_DATA_FOLDER": str(home / "inbox")}
        with start_simulators(url) as process:
            yield Served(url, process.environment | documents)
    finally:
        drop_database(postgres, name)


@pytest.fixture
def campus(
    campus_of_the_session: Served, monkeypatch: pytest.MonkeyPatch, clean_environment: None
) -> Iterator[Served]:
    """The campus of the session, without faults, in this test's environment."""
    for name, value in campus_of_the_session.environment.items():
        monkeypatch.setenv(name, value)
    yield campus_of_the_session
    campus_of_the_session.repair()


@pytest.fixture
def connect(campus: Served) -> Iterator[Callable[[str], Client]]:
    """Connects to a system as the hub does."""
    with ExitStack() as stack:

        def to(system: str, **options: Any) -> Client:
            settings = load(source(system).settings)
            return stack.enter_context(source(system).connect(settings, **options))

        yield to


def pages(name: str, client: Client, **request: Any) -> list[Page]:
    return list(stream(name).read(client, ReadRequest(DAY, **request)))


def read(name: str, client: Client, **request: Any) -> list[bytes]:
    return [record for page in pages(name, client, **request) for record in page.records]


def lenient(record: bytes) -> dict[str, Any]:
    """The record, whatever bytes its texts hold."""
    loaded: dict[str, Any] = json.loads(record.decode("utf-8", "surrogateescape"))
    return loaded


def key_of(record: bytes, declared: Stream | Detail) -> str | None:
    """What identifies it in bronze; None when it has no key."""
    loaded = lenient(record)
    if isinstance(declared, Stream) and declared.identify is not None:
        return declared.identify(loaded)
    values = [loaded.get(name) for name in declared.key]
    return None if any(v in (None, "") for v in values) else "-".join(map(str, values))


def field(record: bytes, name: str) -> Any:
    """One field of a record, whatever bytes the others hold."""
    return msgspec.json.decode(record.replace(b"\xff", b"?")).get(name)
