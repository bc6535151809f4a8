"""What a machine's row says, and how its story is found. Through bronze, from records."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.history import histories
from lsats_pipeline.hub.silver.tables.computer_groups import COMPUTER_GROUPS
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

ADA, BOB, EVE = (str(uuid.UUID(int=n)) for n in (1, 2, 3))
GUIDS = [str(uuid.UUID(int=n)) for n in range(100, 108)]
MACS = ["0A-00-00-00-00-01", "0A0000000002", "0a:00:00:00:00:03", "0A0000000004"]
FOLDER = "OU=Physics,OU=North,OU=Workstations,OU=LSA,OU=Organizations,OU=UMICH,DC=x"
GROUP = "CN=lsa-pool,OU=Users and Groups,OU=LSA,OU=Organizations,OU=UMICH,DC=x"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    """People ada and bob, the departments Physics (100001) and Chemistry (100002)."""
    made = ByHand(warehouse, hub_settings, COMPUTERS, COMPUTER_GROUPS)
    made.take_in(
        tdx_user=[person(ADA, "ada"), person(BOB, "bob")],
        tdx_department=[
            {"ID": 1, "Code": "100001", "Name": "Physics", "IsActive": True},
            {"ID": 2, "Code": "100002", "Name": "Chemistry", "IsActive": True},
            {"ID": 3, "Code": "100001", "Name": "Physics, old", "IsActive": False},
        ],
    )
    return made


def person(uid: str, uniqname: str) -> Row:
    return {"UID": uid, "AlternateID": uniqname, "IsActive": True}


def asset(n: int = 1, **fields: Any) -> Row:
    return {
        "ID": n, "Name": "pc1", "Tag": f"T{n}", "SerialNumber": "SER0001",
        "FormName": "Computer Form", "StatusID": 38, "StatusName": "Active",
        "ModifiedDate": "2026-01-05T00:00:00Z", **fields,
    }  # fmt: skip


def card(**fields: Any) -> Row:
    return {
        "MAC": MACS[0], "Name": "PC1", "OEM SN": "SER0001", "OS": "Windows 11", "RAM": 8192,
        "Last Session": "2026-03-01 08:00:00", "Last User": "ada", **fields,
    }  # fmt: skip


def account(n: int = 0, **fields: Any) -> Row:
    name = fields.get("cn", "PC1")
    return {
        "objectGUID": GUIDS[n], "cn": name, "sAMAccountName": f"{name}$",
        "dNSHostName": f"{name}.x".lower(), "dn": f"CN={name},{FOLDER}",
        "distinguishedName": f"CN={name},{FOLDER}", "userAccountControl": "4096", **fields,
    }  # fmt: skip


def one(hub: ByHand, **records: list[Row]) -> Row:
    [row] = hub.silver("computers", **records)
    return row


def test_a_machine_of_a_conflict_alone_says_so(hub: ByHand) -> None:
    left = account(1, cn="PC1\nCNF:x", sAMAccountName="$DUPLICATE-1")
    rows = hub.silver("computers", active_directory_computer=[account(), left])
    flagged = [str(r["ad_object_guid"]) for r in rows if "conflict_object" in r["quality_flags"]]
    assert flagged == [GUIDS[1]]


def test_values_are_those_of_the_first_system_that_has_them(hub: ByHand) -> None:
    row = one(
        hub,
        tdx_asset=[asset(ManufacturerName="Dell", OwningCustomerID=ADA, OwningDepartmentID=2)],
        key_client_computer=[card(Owner="bob")],
        active_directory_computer=[account(operatingSystem="Windows 10")],
    )
    assert row["computer_id"] == "TDX-1"
    assert (row["computer_name"], row["computer_name_aliases"]) == ("pc1", ["PC1"])
    assert (row["os_name"], row["os_family"], row["ram_mb"]) == ("Windows 11", "Windows", 8192)
    assert (row["mac_address"], row["mac_addresses"]) == ("0A0000000001", ["0A0000000001"])
    assert (row["owner_uniqname"], row["owner_department_id"]) == ("ada", "100002")
    assert row["sources"] == ["tdx", "keyconfigure", "ad"]
    assert row["source_system"] == "ad+keyconfigure+tdx"
    assert row["field_sources"]["os_name"] == "keyconfigure"
    assert row["field_sources"]["owner_department_id"] == "tdx"
    assert set(row["source_raw_ids"]) == {"tdx", "keyconfigure", "ad"}
    assert (row["data_quality_score"], row["quality_flags"]) == (Decimal("1.00"), [])


def test_owners_fall_through_to_those_the_hub_knows(hub: ByHand) -> None:
    row = one(
        hub,
        tdx_asset=[asset(OwningCustomerID=EVE)],
        key_client_computer=[card(Owner="Bob")],
        active_directory_computer=[account(managedBy="CN=ada,OU=People,DC=x")],
    )
    assert (row["owner_uniqname"], row["field_sources"]["owner_uniqname"]) == (
        "bob",
        "keyconfigure",
    )
    assert "invalid_owner_tdx_uid" in row["quality_flags"]
    row = one(hub, key_client_computer=[card(Owner="nobody")])
    assert (row["owner_uniqname"], row["field_sources"]["owner_uniqname"]) == ("ada", "ad")
    # Whoever comes to be known later is the owner then, though no machine changed.
    people = [person(ADA, "ada"), person(BOB, "bob"), person(EVE, "eve")]
    assert one(hub, tdx_user=people)["owner_uniqname"] == "eve"
    row = one(hub, tdx_user=[person(BOB, "bob")], active_directory_computer=[account()])
    assert row["owner_uniqname"] is None
    assert "no_valid_owner" in row["quality_flags"]


def test_departments_fall_through_as_well(hub: ByHand) -> None:
    row = one(
        hub,
        tdx_asset=[asset(OwningDepartmentID=9)],
        active_directory_computer=[account()],
        key_client_computer=[card(Owner="100002")],
    )
    assert (row["owner_department_id"], row["field_sources"]["owner_department_id"]) == (
        "100001", "ad",
    )  # fmt: skip
    assert "invalid_department_tdx_id" in row["quality_flags"]
    assert one(hub, active_directory_computer=[])["owner_department_id"] == "100002"
    # A closed account of the same department is that department.
    assert one(hub, tdx_asset=[asset(OwningDepartmentID=3)])["owner_department_id"] == "100001"


@pytest.mark.parametrize(
    ("status", "is_active"),
    [
        ((38, "Active"), True),
        ((39, "Inactive"), False),
        ((None, "Active"), True),
        ((None, None), False),
    ],
)
def test_inactive_has_the_word_active_in_it(
    hub: ByHand, status: tuple[int | None, str | None], is_active: bool
) -> None:
    row = one(hub, tdx_asset=[asset(StatusID=status[0], StatusName=status[1])])
    assert row["is_active"] is is_active


def test_a_machine_that_tdx_does_not_know_is_taken_to_be_active(hub: ByHand) -> None:
    assert one(hub, key_client_computer=[card()])["is_active"] is True


def test_more_systems_never_score_less(hub: ByHand) -> None:
    """Whatever they add, be it another name and another serial number (domain/hub.md 7.2)."""
    parts = {
        "tdx_asset": [asset(Name="other", SerialNumber="N/A", OwningCustomerID=EVE)],
        "key_client_computer": [card(**{"OEM SN": "SER0009"})],
        "active_directory_computer": [account()],
    }
    hub.complete("tdx_asset_detail", {})
    scores = {}
    for chosen in range(1, 8):
        given = {
            name: rows if chosen >> i & 1 else [] for i, (name, rows) in enumerate(parts.items())
        }
        scores[chosen] = max(r["data_quality_score"] for r in hub.silver("computers", **given))
    for fewer in scores:
        for more in scores:
            if fewer & more == fewer:
                assert scores[fewer] <= scores[more]


def test_recent_is_a_question_of_the_day(hub: ByHand) -> None:
    given = {"key_client_computer": [card(**{"Last Session": "2026-01-05 08:00:00"})]}
    assert one(hub, **given)["has_recent_activity"] is True
    hub.settings = hub.settings.model_copy(update={"lsats_today": dt.date(2026, 4, 6)})
    row = one(hub)
    assert row["has_recent_activity"] is False
    assert "no_recent_activity" in row["quality_flags"]
    hub.build()
    assert {r.note for r in hub.reports.values()} == {"nothing new upstream"}


def test_groups_are_those_of_now(hub: ByHand) -> None:
    group = {"dn": GROUP, "objectGUID": GUIDS[7], "cn": "lsa-pool", "distinguishedName": GROUP}
    other = "CN=elsewhere,DC=y"
    given = [account(memberOf=[GROUP.replace("CN=lsa-pool", "cn=LSA-Pool"), other])]
    rows = hub.silver("computer_groups", active_directory_computer=given, tdx_asset=[asset()])
    assert [(r["computer_id"], r["group_id"], r["group_cn"]) for r in rows] == [
        ("TDX-1", None, "elsewhere"), ("TDX-1", None, "LSA-Pool"),
    ]  # fmt: skip
    rows = hub.silver("computer_groups", active_directory_group=[group])
    assert [r["group_id"] for r in rows] == [None, "lsa-pool"]
    assert hub.silver("computer_groups", active_directory_computer=[account(memberOf=other)])
    assert [r["group_cn"] for r in hub.rows("computer_groups")] == ["elsewhere"]
    assert hub.silver("computer_groups", active_directory_computer=[]) == []


def test_a_renamed_machine_has_one_story(hub: ByHand) -> None:
    hub.silver(
        "computers",
        tdx_asset=[asset(Name="old-1")],
        key_client_computer=[card(Name="OLD-1")],
        active_directory_computer=[account(cn="OLD-1")],
    )
    hub.silver(
        "computers",
        key_client_computer=[card(Name="NEW-1")],
        active_directory_computer=[account(cn="NEW-1")],
    )
    hub.silver("computers", tdx_asset=[asset(Name="new-1")])
    ways = [
        "old-1",
        "NEW-1",
        "ser0001",
        "T1",
        "1",
        GUIDS[0],
        "0A0000000001",
        "TDX-1",
        "new-1-ser0001",
    ]
    for key in ways:
        with hub.warehouse.connection() as connection:
            [story] = histories(connection, COMPUTERS, key)
        assert story.key == "TDX-1", key
        assert [v.values["computer_name"] for v in story.versions] == ["old-1", "old-1", "new-1"]
    middle, last = story.versions[1:]
    assert middle.values["computer_name_aliases"] == ["OLD-1", "NEW-1"]
    assert "name_disagreement" in middle.values["quality_flags"]
    assert next(c.source for c in last.changes if c.column == "computer_name") == "tdx"
    assert last.evidence["keyconfigure"].stream == "key_client_computer"


NAMES = ["pc1", "pc2", "pc3"]
SERIALS = ["SER0001", "SER0002", "N/A", None]


def edited(random: Random, records: dict[str, dict[int, Row]]) -> None:
    """A few records of every system come, change or go."""
    makers = {
        "tdx_asset": lambda n: asset(
            n,
            Name=random.choice(NAMES),
            SerialNumber=random.choice(SERIALS),
            StatusName=random.choice(["Active", "Inactive"]),
            StatusID=None,
            OwningCustomerID=random.choice([ADA, BOB, EVE]),
            OwningDepartmentID=random.choice([0, 1, 2, 3]),
        ),
        "key_client_computer": lambda n: card(
            MAC=MACS[n % 4],
            Name=random.choice(NAMES),
            **{"OEM SN": random.choice(SERIALS), "Owner": random.choice(["ada", "eve", "100001"])},
            **{"Last Session": random.choice(["2025-01-01 00:00:00", "2025-12-05 00:00:00", None])},
        ),
        "active_directory_computer": lambda n: account(
            n,
            cn=random.choice([*NAMES, "pc1\nCNF:x"]),
            managedBy=random.choice(["CN=eve,DC=x", "CN=bob,DC=x", None]),
            memberOf=random.choice([GROUP, "CN=a,DC=y", None]),
        ),
        "active_directory_group": lambda n: {
            "dn": GROUP, "distinguishedName": GROUP, "objectGUID": GUIDS[7],
            "cn": random.choice(["lsa-pool", "LSA-Pool"]),
        },
        "tdx_user": lambda n: person((ADA, BOB, EVE)[n % 3], random.choice(["ada", "bob", "eve"])),
        "tdx_department": lambda n: {
            "ID": n % 3 + 1, "Code": random.choice(["100001", "100002"]),
            "Name": random.choice(["Physics", "Chemistry"]), "IsActive": True,
        },
    }  # fmt: skip
    for name, maker in makers.items():
        for _ in range(random.choice([0, 0, 1, 2])):
            n = random.randrange(3 if name in ("tdx_user", "tdx_department") else 6)
            if name == "active_directory_group":
                n = 0
            if random.random() < 0.3:
                records[name].pop(n, None)
            else:
                records[name][n] = maker(n)


@pytest.mark.parametrize("seed", range(2))
def test_incremental_equals_full_rebuild(
    warehouse: Warehouse, hub_settings: HubSettings, seed: int
) -> None:
    hub = ByHand(warehouse, hub_settings, COMPUTERS, COMPUTER_GROUPS)
    random = Random(seed)
    records: dict[str, dict[int, Row]] = {
        name: {}
        for name in (
            "tdx_asset", "key_client_computer", "active_directory_computer",
            "active_directory_group", "tdx_user", "tdx_department",
        )
    }  # fmt: skip
    for step in range(7):
        day = dt.date(2026, 3, 1) + dt.timedelta(days=step)
        hub.settings = hub.settings.model_copy(update={"lsats_today": day})
        edited(random, records)
        hub.take_in(**{name: list(rows.values()) for name, rows in records.items()})
        hub.build()
        hub.build(full=True)
        assert not {n: r.counts for n, r in hub.reports.items() if r.counts.changed}
        rows = hub.rows("computer_records")
        assert {r["computer_id"] for r in rows} == {r["computer_id"] for r in hub.rows("computers")}
