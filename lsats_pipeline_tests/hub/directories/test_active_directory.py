"""Everything arrives once, with the values that are there."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.active_directory.client import ActiveDirectoryClient
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline_tests.campus.simulators.conftest import DAY
from lsats_pipeline_tests.hub.directories import slapd
from lsats_pipeline_tests.hub.directories.entries import LONG, TEAMS, Entry
from lsats_pipeline_tests.hub.directories.server import NAMES, DirectoryServer, plain_dn

KINDS = {
    "user": "person", "group": "group", "computer": "computer", "organizational_unit": "unit"
}  # fmt: skip
NAMES_OF_OTHERS = {"member", "managedBy"}
BRANCHES = ("OU=Research and Instrumentation,", "OU=Workstations,")


def read(client: ActiveDirectoryClient, entity: str) -> list[dict[str, Any]]:
    pages = stream(f"active_directory_{entity}").read(client, ReadRequest(DAY))
    return [json.loads(record) for page in pages for record in page.records]


def expected(entries: list[Entry], entity: str) -> list[Entry]:
    """What a stream should find of all that there is."""
    found = [entry for entry in entries if entry.kind == KINDS[entity]]
    if entity == "organizational_unit":
        return [e for e in found if any(branch in e.dn + "," for branch in BRANCHES)]
    return found


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("entity", KINDS)
def test_everything_arrives_once(
    server: DirectoryServer, entries: list[Entry], entity: str
) -> None:
    name = "ou" if entity == "organizational_unit" else "sAMAccountName"
    with server.client() as client:
        found = Counter(record[name] for record in read(client, entity))
    assert found == Counter(entry.identity for entry in expected(entries, entity))


def test_with_the_right_values(server: DirectoryServer, entries: list[Entry]) -> None:
    held = server.held()
    with server.client() as client:
        found = {entity: read(client, entity) for entity in KINDS}
    for entity, records in found.items():
        given = {entry.identity: entry.given for entry in expected(entries, entity)}
        assert len(records) == len(given)
        for record in records:
            of_it = {name: sorted(listed(value)) for name, value in record.items()}
            there = held[record["objectGUID"]]
            assert of_it == {name: sorted(there[name]) for name in of_it}
            filled = given[record.get("sAMAccountName") or record["ou"]]
            for name in filled.keys() & {*NAMES} - {"accountExpires"}:
                spelled = plain_dn if name in NAMES_OF_OTHERS else str
                assert sorted(map(spelled, of_it[name])) == sorted(map(spelled, filled[name]))


def test_a_long_list_of_members_is_whole(server: DirectoryServer, entries: list[Entry]) -> None:
    with server.client() as client:
        [record] = [r for r in read(client, "group") if r["sAMAccountName"] == "everyone"]
        people = read(client, "user")
    mine = [r for r in people if f"CN=everyone,{TEAMS}" in listed(r.get("memberOf", []))]
    wanted = min(LONG, sum(entry.kind == "person" for entry in entries))
    assert len(record["member"]) == len(set(record["member"])) == len(mine) == wanted


@pytest.mark.parametrize("entity", ["user", "computer"])
def test_whoever_may_not_read_the_class(
    of_slapd: slapd.Slapd, entries: list[Entry], entity: str
) -> None:
    """To OpenLDAP, too, a condition on what may not be read is neither true nor false."""
    with of_slapd.client(AD_USER=slapd.BLIND) as client:
        records = read(client, entity)
    found = Counter(record["sAMAccountName"] for record in records)
    assert found == Counter(entry.identity for entry in expected(entries, entity))
    assert not any("objectClass" in record for record in records)
