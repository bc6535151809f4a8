"""From a directory through bronze to silver, also after something went away or was renamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.warehouse import Counts, Warehouse
from lsats_pipeline_tests.hub.directories.entries import FOREIGN, PEOPLE, USER, Entry
from lsats_pipeline_tests.hub.directories.server import DirectoryServer, plain_dn
from lsats_pipeline_tests.hub.directories.test_active_directory import KINDS, expected
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

TABLES = ("ad_users", "ad_groups", "ad_computers", "ad_organizational_units", "group_members")
OF_ENTITY = dict(zip(KINDS, TABLES, strict=False))
# How a column says what an attribute says.
SAME = {
    "ad_users": {
        "sam_account_name": "sAMAccountName", "object_sid": "objectSid", "cn": "cn",
        "primary_email": "mail", "display_name": "displayName", "first_name": "givenName",
        "work_phone": "telephoneNumber", "user_account_control": "userAccountControl",
        "sam_account_type": "sAMAccountType", "description": "description",
    },
    "ad_groups": {
        "sam_account_name": "sAMAccountName", "object_sid": "objectSid", "cn": "cn",
        "group_email": "mail", "managed_by": "managedBy", "group_type": "groupType",
    },
    "ad_computers": {
        "sam_account_name": "sAMAccountName", "object_sid": "objectSid", "computer_name": "cn",
        "dns_hostname": "dNSHostName", "operating_system": "operatingSystem",
        "managed_by": "managedBy", "usn_created": "uSNCreated",
    },
    "ad_organizational_units": {
        "ou_name": "ou", "description": "description", "usn_created": "uSNCreated",
    },
}  # fmt: skip
LISTS = {
    "ad_users": {"member_of": "memberOf", "proxy_addresses": "proxyAddresses"},
    "ad_groups": {"members": "member", "member_of": "memberOf"},
    "ad_computers": {
        "service_principal_names": "servicePrincipalName", "member_of_groups": "memberOf",
    },
    "ad_organizational_units": {"object_class": "objectClass"},
}  # fmt: skip
GUIDS = {"ad_users": "ad_user_guid", "ad_groups": "ad_group_guid"}

Take = Callable[[], dict[str, Counts]]


@pytest.fixture
def silver(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, *map(table, TABLES))


@pytest.fixture
def take(server: DirectoryServer, silver: ByHand) -> Take:
    """Read all streams of the directory into the hub and build silver; what bronze counted."""

    def taken() -> dict[str, Counts]:
        counts = {}
        for entity in KINDS:
            declared = stream(f"active_directory_{entity}")
            with server.client() as client:
                given = partial(_given, client)
                report = ingest(
                    silver.warehouse, silver.settings, declared, given, silver.settings.today()
                )
            counts[entity] = report.counts
        silver.build()
        return counts

    return taken


def _given(client: Any) -> Any:
    return client


def text_of(value: Any) -> str | None:
    return None if value is None else str(value)


def test_all_of_it_and_what_goes_or_is_renamed(
    server: DirectoryServer, entries: list[Entry], silver: ByHand, take: Take
) -> None:
    """One test for all of it: to fill and build a hub is what takes the time."""
    _, mover = added = person("leaverx", 1), person("moverx", 2)
    there = [*added]
    server.fill(there)
    try:
        counts = take()
        assert {entity: counts[entity].created for entity in KINDS} == {
            entity: len(expected([*entries, *added], entity)) for entity in KINDS
        }
        assert_rows_are_what_is_held(silver, server.held())
        assert_conflicts_are_flagged(silver, entries)
        assert_everybody_is_a_user(silver, [*entries, *added])
        assert_members_are_known(silver, entries)
        before = {row["sam_account_name"]: row for row in silver.rows("ad_users")}
        server.delete(there.pop(0))
        server.rename(mover, "movedx")
        there = [replace(mover, rdn="CN=movedx")]
        user = take()["user"]
    finally:
        for entry in there:
            server.delete(entry)
    after = {row["sam_account_name"]: row for row in silver.rows("ad_users")}
    assert (user.created, user.updated, user.removed) == (0, 1, 1)
    assert before.keys() - after.keys() == {"leaverx", "moverx"}
    assert after.keys() - before.keys() == {"movedx"}
    assert after["movedx"]["ad_user_guid"] == before["moverx"]["ad_user_guid"]
    assert after["movedx"]["distinguished_name"].lower() == f"cn=movedx,{PEOPLE}".lower()
    assert tombstones(silver.warehouse) == [str(before["leaverx"]["ad_user_guid"])]


def person(name: str, number: int) -> Entry:
    given = {"sAMAccountName": [name], "userAccountControl": ["544"], "displayName": [name]}
    return Entry("person", USER, name, f"CN={name}", PEOPLE, 900_000 + number, given)


def tombstones(warehouse: Warehouse) -> list[str]:
    found = warehouse.query(
        "select external_id from bronze.heads where entity_type = 'user' and is_removed"
    )
    return [key for (key,) in found]


def assert_rows_are_what_is_held(silver: ByHand, held: dict[str, dict[str, list[str]]]) -> None:
    for name in OF_ENTITY.values():
        for row in silver.rows(name):
            there = held[str(row[GUIDS.get(name, "object_guid")])]
            for column, attribute in SAME[name].items():
                given = there.get(attribute, [None])[0]
                wanted = given if given is None else given.strip(" ")
                if column == "display_name":  # names of people lose what nobody sees
                    wanted = wanted and " ".join(wanted.split())
                assert text_of(row[column]) == wanted, (name, column)
            for column, attribute in LISTS[name].items():
                assert sorted(row[column]) == sorted(there.get(attribute, [])), (name, column)
            created = there["whenCreated"][0].replace("Z", "+00:00")
            assert row["when_created"].isoformat() == created


def assert_conflicts_are_flagged(silver: ByHand, entries: list[Entry]) -> None:
    of_people = {row["ad_object_guid"] for row in silver.rows("users")}
    for entity, name in OF_ENTITY.items():
        flagged = [row for row in silver.rows(name) if "conflict_object" in row["quality_flags"]]
        spare = [entry for entry in expected(entries, entity) if entry.is_conflict]
        assert len(flagged) == len(spare) == 1, name
        assert flagged[0].get("ad_user_guid") not in of_people


def assert_everybody_is_a_user(silver: ByHand, entries: list[Entry]) -> None:
    found = sorted(row["ad_sam_account_name"] for row in silver.rows("users"))
    people = (entry for entry in entries if entry.kind == "person" and not entry.is_conflict)
    assert found == sorted(entry.identity for entry in people)


def assert_members_are_known(silver: ByHand, entries: list[Entry]) -> None:
    """However their names are spelled; what is no object of this domain stays a member."""
    found: dict[str, list[Row]] = {}
    for row in silver.rows("group_members"):
        found.setdefault(row["group_id"], []).append(row)
    for group in (entry for entry in entries if entry.kind == "group" and not entry.is_conflict):
        members = found.get(group.name, [])
        listed = {plain_dn(dn) for row in members for dn in row["member_dns"]}
        assert listed == {plain_dn(dn) for dn in group.given.get("member", [])}
        unknown = [row["member_dns"] for row in members if not row["is_known"]]
        assert unknown == [[dn] for dn in group.given.get("member", []) if dn == FOREIGN]
        assert {row["member_type"] for row in members} <= {"user", "group", "computer", "unknown"}
