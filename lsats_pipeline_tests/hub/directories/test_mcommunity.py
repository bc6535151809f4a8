"""MCommunity, whatever its server limits: everybody arrives once, also over cut connections."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.settings import from_variables
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.mcommunity.client import McommunityClient, connect
from lsats_pipeline.hub.sources.mcommunity.settings import McommunitySettings
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline_tests.campus.simulators.conftest import DAY
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.conftest import database_on, drop_database, execute
from lsats_pipeline_tests.hub.directories import slapd
from lsats_pipeline_tests.hub.directories.conftest import MANY, WITH_SAMBA
from lsats_pipeline_tests.hub.directories.people import GROUPS, PEOPLE, PublicEntry, fill_public
from lsats_pipeline_tests.hub.directories.proxy import proxied
from lsats_pipeline_tests.hub.directories.public_servers import (
    READERS,
    PublicServer,
    on_simulator,
    on_slapd,
)
from lsats_pipeline_tests.hub.directories.server import plain_dn
from lsats_pipeline_tests.hub.directories.test_active_directory import listed

HOME = {"user": PEOPLE, "group": GROUPS}
CUTS = 10


@pytest.fixture(scope="module")
def everybody() -> list[PublicEntry]:
    return fill_public(max(MANY, 400))  # more than the simulator gives out at once


@pytest.fixture(scope="module")
def of_simulator(postgres: str, everybody: list[PublicEntry]) -> Iterator[PublicServer]:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with on_simulator(database_on(postgres, name), everybody) as server:
            yield server
    finally:
        drop_database(postgres, name)


@pytest.fixture(scope="module")
def of_slapd(
    tmp_path_factory: pytest.TempPathFactory, everybody: list[PublicEntry]
) -> Iterator[dict[str, PublicServer]]:
    if not slapd.INSTALLED and not WITH_SAMBA:
        pytest.skip("OpenLDAP's slapd is not installed")
    with on_slapd(tmp_path_factory.mktemp("public"), everybody) as servers:
        yield servers


@pytest.fixture(scope="module", params=["simulator", *READERS])
def server(request: pytest.FixtureRequest) -> PublicServer:
    if request.param == "simulator":
        found: PublicServer = request.getfixturevalue("of_simulator")
    else:
        found = request.getfixturevalue("of_slapd")[request.param]
    return found


@contextmanager
def client(server: PublicServer, clock: Clock, port: int = 0) -> Iterator[McommunityClient]:
    there = {"MCOMMUNITY_LDAP_URL": f"ldap://127.0.0.1:{port}"} if port else {}
    with connect(from_variables(McommunitySettings, server.variables | there), clock) as connected:
        yield connected


def read(connected: McommunityClient, entity: str) -> list[dict[str, Any]]:
    pages = stream(f"mcommunity_ldap_{entity}").read(connected, ReadRequest(DAY))
    return [json.loads(record) for page in pages for record in page.records]


@pytest.mark.parametrize("entity", HOME)
def test_everybody_arrives_once_with_the_right_values(
    server: PublicServer, everybody: list[PublicEntry], entity: str, waits: Waits
) -> None:
    with client(server, waits.clock) as connected:
        records = read(connected, entity)
    wanted = {plain_dn(e.dn).lower(): e for e in everybody if e.kind == entity}
    assert Counter(plain_dn(r["dn"]).lower() for r in records) == Counter(wanted.keys())
    for record in records:
        given = wanted[plain_dn(record["dn"]).lower()].values
        found = {name: sorted(listed(value)) for name, value in record.items() if name != "dn"}
        for name in given:
            spelled = plain_dn if name in ("member", "owner") else str
            assert sorted(map(spelled, found[name])) == sorted(map(spelled, given[name])), name
        assert found.keys() == given.keys()


def test_the_filled_is_what_ldap3_sees(of_slapd: dict[str, PublicServer], waits: Waits) -> None:
    server = of_slapd["limited"]
    for entity, below in HOME.items():
        held = server.held(below)
        with client(server, waits.clock) as connected:
            for record in read(connected, entity):
                there = held[record.pop("dn")]
                assert {name: listed(value) for name, value in record.items()} == there


@pytest.mark.parametrize("entity", HOME)
def test_cut_at_a_random_entry_ten_times(server: PublicServer, entity: str, waits: Waits) -> None:
    address = urlsplit(server.variables["MCOMMUNITY_LDAP_URL"])
    there = (str(address.hostname), address.port or 389)
    with proxied(*there) as proxy:
        with client(server, waits.clock, proxy.port) as connected:
            [before] = proxy.passed
            whole = read(connected, entity)
        after = sum(proxy.passed)
    picked = random.Random(entity)
    # Each connection gets through a part of what is left: ten of them are surely cut.
    cuts = [picked.randint(before + 1, before + (after - before) // CUTS) for _ in range(CUTS)]
    with proxied(*there, cuts) as proxy, client(server, waits.clock, proxy.port) as connected:
        found = read(connected, entity)
    assert proxy.cut == CUTS
    assert sorted(map(str, found)) == sorted(map(str, whole))
