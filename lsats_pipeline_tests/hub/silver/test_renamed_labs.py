"""A lab stays what it is when its leader gets another uniqname (decision 31)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from random import Random
from typing import NamedTuple

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.lab_computers import LAB_COMPUTERS
from lsats_pipeline.hub.silver.tables.lab_managers import LAB_MANAGERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row
from lsats_pipeline_tests.hub.silver.test_labs import LABS, PEOPLE, Hub, chance, fill
from lsats_pipeline_tests.hub.silver.test_renamed_people import UID, everywhere, person, put

UNIT = "OU={},OU=Physics,OU=Research and Instrumentation,OU=LSA,OU=Organizations,OU=UMICH,DC=x"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, LAB_MANAGERS, LAB_COMPUTERS)


def award(number: str, uniqname: str, role: str = "UM Principal Investigator") -> Row:
    return {"Award Id": number, "Person Uniqname": uniqname, "Person Role": role,
            "Project/Grant": f"F{number}", "Award Total Dollars": "100",
            "Person Appt Department Id": "100001",
            "Award Project End Date": "12/31/2040"}  # fmt: skip


def things(name: str, member: str = "bob") -> dict[str, list[Row]]:
    """Awards, a unit, a group and machines of a lab that goes by a name."""
    unit, group = UNIT.format(name), f"lsa-{name}-share"
    machine = f"LSA-{name.upper()}-1"
    return {
        "tdx_department": [{"ID": 7, "Name": "Physics", "Code": "100001", "IsActive": True}],
        "lab_awards_lab_award": [
            award("A1", name),
            award("A1", member, "Participating Investigator"),
            award("A2", name),
        ],
        "active_directory_organizational_unit": [
            {"dn": unit, "distinguishedName": unit, "objectGUID": UID.format(71), "ou": name}
        ],
        "active_directory_group": [
            {"objectGUID": UID.format(72), "cn": group, "sAMAccountName": group,
             "dn": f"CN={group},DC=x", "distinguishedName": f"CN={group},DC=x",
             "member": [f"CN={member},OU=People,OU=Accounts,DC=x"]}
        ],
        "active_directory_computer": [
            {"dn": f"CN={cn},{place}", "distinguishedName": f"CN={cn},{place}",
             "objectGUID": UID.format(n), "cn": cn}
            for n, cn, place in ((73, machine, "OU=Other,DC=x"), (74, "PC-IN-UNIT", unit))
        ],
        "tdx_asset": [
            {"ID": 75, "Name": "PC-OWNED", "StatusID": 38, "FormName": "Computer Form",
             "OwningCustomerID": UID.format(1)}
        ],
    }  # fmt: skip


def manager(**names: str) -> list[Row]:
    """Whose title makes them one."""
    account, *others = person(2, **names)
    return [account | {"title": "Lab Manager"}, *others]


BOB = manager(**everywhere("bob"))


class Lab(NamedTuple):
    """What a lab has, without the uniqname of its leader."""

    row: Row
    members: dict[str, tuple[list[str], list[str]]]
    awards: list[str]
    machines: dict[str, list[str]]


OF_THE_LAB = (
    "award_count", "active_award_count", "total_award_dollars", "ad_ou_dn", "computer_count",
    "primary_department_id", "lab_name", "data_source", "investigator_count", "member_count",
)  # fmt: skip


def lab_of(hub: ByHand, leader: str, others: Collection[str] = ()) -> Lab:
    """The lab of a leader; the only one, but for those of others."""
    rows = {row["lab_id"]: row for row in hub.rows("labs")}
    assert set(rows) == {leader, *others}
    names = {row["computer_id"]: row["computer_name"] for row in hub.rows("computers")}
    members = {
        row["member_uniqname"]: (row["source_award_ids"], row["source_group_ids"])
        for row in hub.rows("lab_members")
        if row["lab_id"] == leader
    }
    awards, _ = members.pop(leader)
    machines = {
        names[row["computer_id"]]: row["association_methods"]
        for row in hub.rows("lab_computers")
        if row["lab_id"] == leader
    }
    return Lab({name: rows[leader][name] for name in OF_THE_LAB}, members, awards, machines)


def test_a_lab_follows_its_leader(hub: ByHand) -> None:
    """Active Directory first, TeamDynamix later; awards, unit, group and machines never."""
    put(hub, person(1, **everywhere("ada")), BOB, **things("ada"))
    before = lab_of(hub, "ada")
    assert before.row["award_count"] == 2
    assert before.row["ad_ou_dn"] == UNIT.format("ada")
    assert before.members["bob"] == (["A1"], ["lsa-ada-share"])
    assert before.awards == ["A1", "A2"]
    assert before.machines == {
        "LSA-ADA-1": ["name_pattern_pi"],
        "PC-IN-UNIT": ["ad_ou_nested"],
        "PC-OWNED": ["owner_is_pi"],
    }  # fmt: skip
    with hub.warehouse.owner() as connection:
        connection.execute("update silver.labs set tdx_ci_id = 77")
        connection.execute("update silver.lab_managers set is_verified = true")
    managers = len(hub.rows("lab_managers"))
    assert managers == 1
    for now in (
        {"ad": "byron", "tdx": "ada", "umapi": "ada", "mcom": "ada"},
        {"ad": "byron", "tdx": "byron", "umapi": "ada", "mcom": "ada"},
        everywhere("byron"),
    ):
        rows = put(hub, person(1, **now), BOB)
        assert rows["byron"]["is_pi"]
        assert lab_of(hub, "byron") == before
        assert [row["tdx_ci_id"] for row in hub.rows("labs")] == [77]
        assert [r["is_verified"] for r in hub.rows("lab_managers")] == [True]
    assert "rename_under_way" not in rows["byron"]["quality_flags"]
    # What follows follows, without a lab in between.
    put(hub, person(1, **everywhere("byron")), BOB, **things("byron"))
    after = lab_of(hub, "byron")
    assert after.row["ad_ou_dn"] == UNIT.format("byron")
    assert after.awards == ["A1", "A2"]
    assert [row["tdx_ci_id"] for row in hub.rows("labs")] == [77]


def test_awards_that_come_by_the_former_name(hub: ByHand) -> None:
    """The office that writes them does not know yet."""
    lab = things("ada")
    put(hub, person(1, **everywhere("ada")), BOB, **lab)
    put(hub, person(1, **everywhere("byron")), BOB)
    lab["lab_awards_lab_award"] += [award("A3", "ada")]
    put(hub, person(1, **everywhere("byron")), BOB, **lab)
    assert lab_of(hub, "byron").awards == ["A1", "A2", "A3"]
    lab["lab_awards_lab_award"] = [award("A3", "byron")]
    put(hub, person(1, **everywhere("byron")), BOB, **lab)
    assert lab_of(hub, "byron").awards == ["A3"]


def test_who_gets_the_name_does_not_get_the_lab(hub: ByHand) -> None:
    put(hub, person(1, **everywhere("ada")), BOB, **things("ada"))
    before = lab_of(hub, "ada")
    put(hub, person(1, **everywhere("byron")), BOB)
    people = [person(1, **everywhere("byron")), BOB, person(3, **everywhere("ada"))]
    rows = put(hub, *people)
    assert (rows["byron"]["is_pi"], rows["ada"]["is_pi"]) == (True, False)
    assert lab_of(hub, "byron") == before
    # Their own lab, in time: awards and the unit stay where they are, a name alone is theirs now.
    lab = things("ada")
    lab["lab_awards_lab_award"] += [award("A9", "ada")]
    put(hub, *people, **lab)
    own = lab_of(hub, "ada", {"byron"})
    assert own.awards == ["A9"]
    assert own.row["ad_ou_dn"] is None
    kept = lab_of(hub, "byron", {"ada"})
    assert kept.awards == ["A1", "A2"]
    assert kept.row == before.row | {"investigator_count": 0, "member_count": 0}
    assert set(kept.machines) == {"PC-IN-UNIT", "PC-OWNED"}
    assert set(own.machines) == {"LSA-ADA-1"}


def test_a_member_of_an_award_is_renamed(hub: ByHand) -> None:
    lab = things("ada")
    put(hub, person(1, **everywhere("ada")), BOB, **lab)
    before = lab_of(hub, "ada")
    with hub.warehouse.owner() as connection:
        connection.execute("update silver.lab_managers set is_verified = true")
    put(hub, person(1, **everywhere("ada")), manager(**everywhere("bob") | {"ad": "rob"}))
    after = lab_of(hub, "ada")
    assert after.members == {"rob": before.members["bob"]}
    assert after.row == before.row
    [row] = hub.rows("lab_managers")
    assert (row["manager_uniqname"], row["is_verified"]) == ("rob", True)


def test_two_people_by_conflict_share_no_lab(hub: ByHand) -> None:
    """The account became one person, the appointment another: the lab stays with its name."""
    put(hub, person(1, ad="ada", umapi="ada", mcom="ada"), BOB, **things("ada"))
    put(hub, person(1, ad="byron", umapi="cecil", mcom="ada"), BOB)
    assert {row["lab_id"] for row in hub.rows("labs")} == {"ada"}


def renamed_by_chance(random: Random, former: str) -> Row:
    """What is known of a former uniqname: always the same person's, else by chance."""
    present = PEOPLE[(PEOPLE.index(former) + 7) % len(PEOPLE)]
    records = [f"{table}/{n}" for table in ("lab_awards", "ad_units") for n in range(20)]
    known = random.choice(["latest", "latest", "reused", "conflict"])
    return {
        "former_uniqname_id": f"{former}/{present}",
        "former_uniqname": former,
        "uniqname": present,
        "left_at": dt.datetime(2026, 1, random.randrange(1, 4), tzinfo=dt.UTC),
        "is_latest": known == "latest",
        "is_reused": known == "reused",
        "is_conflict": known == "conflict",
        "records": [] if known == "conflict" else random.sample(records, random.randrange(40)),
    }


def test_labs_after_any_renames_are_those_of_a_full_build(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    random = Random(2)
    hub = Hub(warehouse, hub_settings)
    fill(hub, random)
    hub.put("former_uniqnames", [renamed_by_chance(random, name) for name in PEOPLE[::2]])
    hub.build()
    for _ in range(6):
        world = chance(random)
        for unit in world["ad_organizational_units"]:
            name = unit["ou_name"].lower()
            unit["extracted_uniqname"] = name.removeprefix("chem-").removesuffix("-lab")
        world["former_uniqnames"] = [renamed_by_chance(random, name) for name in PEOPLE]
        for name in world:
            if random.random() < 0.4:
                hub.edit(random, name, world[name])
        for name in LABS:
            hub.update(name)
        changed = {name: hub.update(name, full=True) for name in LABS}
        assert changed == dict.fromkeys(LABS, 0)
