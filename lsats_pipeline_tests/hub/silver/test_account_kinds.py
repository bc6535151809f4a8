"""What landed before it was known to be no person and no computer, or is one of two."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

HUMAN = ["top", "person", "organizationalPerson"]
USER, MACHINE, TRUST = "805306368", "805306369", "805306370"
SCHEMA = "CN=Schema,CN=Configuration,DC=x"
LABS = "OU=Research and Instrumentation,OU=LSA,OU=Organizations,OU=UMICH,DC=x"


@pytest.fixture
def directory(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    names = "ad_users", "ad_computers", "ad_organizational_units", "group_members"
    return ByHand(warehouse, hub_settings, *map(table, names))


def found(name: str, number: int, classes: list[str] | None, kind: str, **more: Any) -> Row:
    return {
        "dn": f"CN={name},OU=Lab,{LABS}",
        "cn": name,
        "objectGUID": str(uuid.UUID(int=number)),
        **({"objectClass": classes} if classes else {}),
        **({"sAMAccountType": kind} if kind else {}),
        **more,
    }


def test_accounts_of_services_are_no_computers(directory: ByHand) -> None:
    machine = [*HUMAN, "user", "computer"]
    directory.take_in(
        active_directory_computer=[
            found("PC1", 1, machine, MACHINE, objectCategory=f"CN=Computer,{SCHEMA}"),
            found("PC2", 2, None, MACHINE),
            found("PC3", 3, machine, ""),
            found("PC4", 4, None, ""),
            found("gmsa", 5, [*machine, "msDS-GroupManagedServiceAccount"], MACHINE),
            found("smsa", 6, [*machine, "msDS-ManagedServiceAccount"], MACHINE),
            found("dmsa", 7, [*machine, "msds-delegatedmanagedserviceaccount"], MACHINE),
            found(
                "hidden",
                8,
                None,
                MACHINE,
                objectCategory=f"CN=ms-DS-Group-Managed-Service-Account,{SCHEMA}",
            ),
        ]
    )
    directory.build()
    rows = {row["computer_name"]: row["quality_flags"] for row in directory.rows("ad_computers")}
    assert rows.keys() == {"PC1", "PC2", "PC3", "PC4"}
    assert {name for name, flags in rows.items() if "class_unreadable" in flags} == {"PC2", "PC4"}
    assert directory.reports["ad_computers"].counts.rejected == 0


def test_contacts_trusts_and_machines_are_no_people(directory: ByHand) -> None:
    user = [*HUMAN, "user"]
    directory.take_in(
        active_directory_user=[
            found("ada", 1, user, USER),
            found("bea", 2, None, USER),
            found("cam", 3, user, ""),
            found("dee", 4, HUMAN, ""),
            found("inet", 5, [*user, "inetOrgPerson"], USER),
            found("outside", 6, [*HUMAN, "contact"], ""),
            found("DOMAIN$", 7, user, TRUST),
            found("hidden$", 8, None, TRUST),
            found("PC1", 9, None, MACHINE),
            found("S-1-5-21-1-2-3-1104", 10, ["top", "foreignSecurityPrincipal"], ""),
        ]
    )
    directory.build()
    rows = {row["cn"] for row in directory.rows("ad_users")}
    assert rows == {"ada", "bea", "cam", "dee", "inet"}


def test_a_person_who_turns_out_to_be_a_contact_leaves(directory: ByHand) -> None:
    directory.take_in(active_directory_user=[found("ada", 1, None, "")])
    directory.build()
    assert [row["cn"] for row in directory.rows("ad_users")] == ["ada"]
    directory.take_in(active_directory_user=[found("ada", 1, [*HUMAN, "contact"], "")])
    directory.build()
    assert directory.rows("ad_users") == []


def test_units_left_over_by_a_conflict_carry_a_flag(directory: ByHand) -> None:
    unit = ["top", "organizationalUnit"]
    spare = f"chem-ada\nCNF:{uuid.UUID(int=9)}"
    directory.take_in(
        active_directory_organizational_unit=[
            found("chem-ada", 1, unit, "", ou="chem-ada"),
            found("chem-ada\\0ACNF:9", 2, unit, "", ou=spare),
        ]
    )
    directory.build()
    for name in ("ad_units", "ad_organizational_units"):
        flags = {row["ou_name"]: row["quality_flags"] for row in directory.rows(name)}
        flagged = {unit for unit in flags if "conflict_object" in flags[unit]}
        assert (len(flags), flagged) == (2, {spare})


def test_a_foreign_security_principal_stays_a_member(directory: ByHand) -> None:
    foreign = "CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,DC=x"
    directory.take_in(
        active_directory_user=[found("ada", 1, [*HUMAN, "user"], USER)],
        active_directory_group=[
            found("team", 2, ["top", "group"], "", member=[foreign, f"CN=ada,OU=Lab,{LABS}"])
        ],
    )
    directory.build()
    members = {row["member_name"]: row for row in directory.rows("group_members")}
    assert members["s-1-5-21-1-2-3-1104"]["member_type"] == "unknown"
    assert members["s-1-5-21-1-2-3-1104"]["member_dns"] == [foreign]
    assert members["s-1-5-21-1-2-3-1104"]["member_uniqname"] is None
    assert not members["s-1-5-21-1-2-3-1104"]["is_known"]
    assert {row["uniqname"] for row in directory.rows("users")} == {"ada"}
