"""A connection that is cut ten times in the middle of one read: that read has everything."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.active_directory.client import ActiveDirectoryClient
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline_tests.campus.simulators.conftest import DAY
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.directories.proxy import proxied
from lsats_pipeline_tests.hub.directories.server import DirectoryServer

CUTS = 10


def records(client: ActiveDirectoryClient, entity: str) -> dict[str, Any]:
    pages = stream(f"active_directory_{entity}").read(client, ReadRequest(DAY))
    found = [json.loads(record) for page in pages for record in page.records]
    by_key = {record["objectGUID"]: record for record in found}
    assert len(by_key) == len(found)
    return by_key


@pytest.mark.parametrize("entity", ["user", "group", "computer"])
def test_cut_at_a_random_entry_ten_times(
    server: DirectoryServer, entity: str, waits: Waits
) -> None:
    address = urlsplit(server.variables["AD_LDAP_URL"])
    port = address.port or {"ldap": 389, "ldaps": 636}[address.scheme]
    there = (str(address.hostname), port)
    with proxied(*there) as proxy:
        url = f"{address.scheme}://127.0.0.1:{proxy.port}"
        with server.client(waits.clock, AD_LDAP_URL=url) as client:
            [before] = proxy.passed
            whole = records(client, entity)
        [after] = proxy.passed
    picked = random.Random(entity)
    # At any byte of the answers, so between two entries or within one.
    cuts = [picked.randint(before + 1, after - 1) for _ in range(CUTS)]
    with proxied(*there, cuts) as proxy:
        url = f"{address.scheme}://127.0.0.1:{proxy.port}"
        with server.client(waits.clock, AD_LDAP_URL=url) as client:
            found = records(client, entity)
    assert proxy.cut == CUTS
    assert found == whole
