"""Each directory, started once a session and filled with the same entries."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from psycopg import sql

from lsats_pipeline_tests.conftest import database_on, drop_database, execute
from lsats_pipeline_tests.hub.directories import samba, simulator, slapd
from lsats_pipeline_tests.hub.directories.entries import Entry, fill
from lsats_pipeline_tests.hub.directories.server import DirectoryServer

# With Samba, and how many people then.
WITH_SAMBA = os.environ.get("LSATS_TEST_SAMBA", "")
MANY = int(WITH_SAMBA or 150)
# Not collected without, so that nothing is ever skipped.
collect_ignore = [] if WITH_SAMBA else ["test_samba.py"]
SERVERS = ("simulator", "slapd", *(("samba",) if WITH_SAMBA else ()))


@pytest.fixture(scope="session")
def entries() -> list[Entry]:
    return fill(MANY)


@pytest.fixture(scope="session")
def of_simulator(postgres: str, entries: list[Entry]) -> Iterator[simulator.Simulator]:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with simulator.start(database_on(postgres, name)) as server:
            server.fill(entries)
            yield server
    finally:
        drop_database(postgres, name)


@pytest.fixture(scope="session")
def of_slapd(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> Iterator[slapd.Slapd]:
    if not slapd.INSTALLED and not WITH_SAMBA:
        pytest.skip("OpenLDAP's slapd is not installed")
    with slapd.start(tmp_path_factory.mktemp("slapd"), entries) as server:
        yield server


@pytest.fixture(scope="session")
def of_samba(entries: list[Entry]) -> Iterator[samba.Samba]:
    with samba.start(entries) as server:
        yield server


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> DirectoryServer:
    found: DirectoryServer = request.getfixturevalue(f"of_{request.param}")
    return found
