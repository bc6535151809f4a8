"""Rules of assets, inventory and awards on records that the campus does not have."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.keyconfigure_computers import KEYCONFIGURE_COMPUTERS
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

GUID = "00000000-0000-4000-8000-0000000000{:02}"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(
        warehouse,
        hub_settings,
        TDX_ASSETS,
        KEYCONFIGURE_COMPUTERS,
        LAB_AWARDS,
    )


# --- assets ------------------------------------------------------------------------------------


def asset(n: int = 5, **fields: Any) -> Row:
    whole = {"Name": "PC", "SerialNumber": "C02XY", "OwningCustomerID": GUID.format(1)}
    return {"ID": n, "OwningDepartmentID": 7, **whole, **fields}


def attribute(name: str, value: Any, text: Any = None) -> Row:
    return {"ID": 1, "Name": name, "Value": value, "ValueText": text}


def enriched(hub: ByHand, *attributes: Any) -> Row:
    hub.take_in(tdx_asset=[asset()])
    hub.complete("tdx_asset_detail", {"5": asset(Attributes=list(attributes))})
    hub.build()
    [row] = hub.rows("tdx_assets")
    return row


def test_what_stands_for_nothing_in_an_asset_is_null(hub: ByHand) -> None:
    nothing = asset(
        Name="None",
        Tag=" ",
        LocationID=0,
        OwningDepartmentID=0,
        OwningCustomerID=NOBODY,
        PurchaseCost=0,
        AcquisitionDate="0001-01-01T00:00:00Z",
        ExternalID="x-1",
    )
    [row] = hub.silver("tdx_assets", tdx_asset=[nothing])
    columns = ("name", "tag", "location_id", "owning_department_id", "owning_customer_id")
    assert {row[c] for c in (*columns, "purchase_cost", "acquisition_date")} == {None}
    assert (row["external_id"], row["tdx_external_id"]) == ("5", "x-1")
    assert row["quality_flags"] == [
        "missing_name",
        "missing_owner",
        "missing_department",
        "not_enriched",
    ]
    assert row["data_quality_score"] == Decimal("0.75")


def test_custom_attributes_are_found_by_exact_name(hub: ByHand) -> None:
    row = enriched(
        hub,
        attribute("MAC Address(es)", "aa:bb:cc:dd:ee:01; AABBCCDDEE02, x,aabb.ccdd.ee01"),
        attribute("mac address(es)", "not this one"),
        attribute("Function", "27316", "Research"),
        attribute("Operating System", 0, "None"),
        attribute("Financial Owner/Responsible", GUID.format(2), "Somebody"),
        attribute("Support Group(s)", "12, 7", "Desk, Server"),
        attribute("Last Inventoried Date", "2026-02-03T00:00:00Z"),
        attribute("Purchase Shortcode", "123456"),
    )
    assert row["mac_addresses"] == ["AABBCCDDEE01", "AABBCCDDEE02"]
    assert (row["attr_function_id"], row["attr_function_name"]) == (27316, "Research")
    assert (row["attr_operating_system_id"], row["attr_operating_system_name"]) == (None, None)
    assert row["attr_financial_owner_uid"] == UUID(GUID.format(2))
    assert row["attr_support_groups_ids"] == [12, 7]
    assert row["attr_support_groups_text"] == "Desk, Server"
    assert row["attr_last_inventoried_date"] == dt.datetime(2026, 2, 3, tzinfo=dt.UTC)
    assert row["attr_purchase_shortcode"] == "123456"
    assert row["quality_flags"] == []
    assert len(row["attributes"]) == 8


def test_custom_attributes_that_do_not_fit_become_flags(hub: ByHand) -> None:
    row = enriched(
        hub,
        "not an object",
        {"ID": 1},
        attribute("Function", "Research"),
        attribute("Financial Owner/Responsible", "somebody"),
        attribute("Support Group(s)", "1,,2"),
        attribute("Last Inventoried Date", "soon"),
        attribute("MAC Address(es)", "unknown"),
    )
    assert row["quality_flags"] == [
        "invalid_attr_last_inventoried_date",
        "invalid_attr_function_id",
        "invalid_attr_financial_owner_uid",
        "invalid_attr_support_groups_ids",
        "malformed_mac_address",
    ]
    assert row["attr_mac_address"] == "unknown"
    assert row["mac_addresses"] == []


def test_attributes_that_are_no_list(hub: ByHand) -> None:
    odd = {"1": None, "2": "text", "3": {"Name": "Memory", "Value": "8"}}
    hub.take_in(tdx_asset=[asset(int(n)) for n in odd])
    hub.complete("tdx_asset_detail", {n: asset(int(n), Attributes=v) for n, v in odd.items()})
    hub.build()
    rows = hub.rows("tdx_assets")
    assert [(row["attr_memory"], row["quality_flags"]) for row in rows] == [
        (None, ["missing_mac_address"])
    ] * 3


def test_a_reused_tag_costs_no_asset(hub: ByHand) -> None:
    """The predecessor dropped the second one (domain/hub.md 4.5)."""
    assert len(hub.silver("tdx_assets", tdx_asset=[asset(1, Tag="7"), asset(2, Tag="7")])) == 2


def test_placeholders_are_no_serial_number(hub: ByHand) -> None:
    serials = ["0000", "N/A ", "to be filled by O.E.M.", "AB1", "C02XY"]
    assets = [asset(n, SerialNumber=serial) for n, serial in enumerate(serials, 1)]
    rows = hub.silver("tdx_assets", tdx_asset=assets)
    flagged = ["placeholder_serial_number" in row["quality_flags"] for row in rows]
    assert flagged == [True, True, True, True, False]


# --- inventory ---------------------------------------------------------------------------------


def card(mac: str, name: Any = "pc1", serial: Any = "C02XY", **fields: Any) -> Row:
    return {"MAC": mac, "Name": name, "OEM SN": serial, **fields}


def test_cards_of_one_machine_fold(hub: ByHand) -> None:
    dock, own = "AA:BB:CC:DD:EE:01", "aabb.ccdd.ee02"
    cards = [
        card(
            dock, **{"Last Session": "2026-01-02T00:00:00", "Last Addr": "10.0.0.1", "CPU": "old"}
        ),
        card(
            own,
            "PC1",
            "c02xy ",
            **{
                "Last Session": "2026-02-02T00:00:00",
                "Last Startup": "2026-01-01T00:00:00",
                "Base Audit": "2025-01-01T00:00:00",
                "Last Addr": "10.0.0.2",
                "CPU": "new",
                "#": 8.0,
                "Disk": 0.5,
            },
        ),
        card(dock, "pc2", "SN-2", **{"Base Audit": "2024-01-01T00:00:00"}),
    ]
    one, two = hub.silver("keyconfigure_computers", key_client_computer=cards)
    assert (one["computer_id"], two["computer_id"]) == ("PC1-C02XY", "PC2-SN-2")
    assert one["mac_addresses"] == ["AABBCCDDEE02", "AABBCCDDEE01"]
    assert one["primary_mac_address"] == "AABBCCDDEE02"
    assert one["ip_addresses"] == ["10.0.0.2", "10.0.0.1"]
    assert (one["nic_count"], one["cpu"], one["cpu_cores"]) == (2, "new", 8)
    assert one["disk_gb"] == Decimal("0.50")
    assert one["last_session"] == dt.datetime(2026, 2, 2, tzinfo=dt.UTC)
    assert one["base_audit"] == dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert len(one["consolidated_raw_ids"]) == 2
    assert "shared_mac_address" in one["quality_flags"]
    assert "shared_mac_address" in two["quality_flags"]


def test_history_is_no_network_card(hub: ByHand) -> None:
    """domain/hub.md 7.2 #16: versions were counted, and retired addresses stayed."""
    mac, spare = "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:02"
    hub.silver("keyconfigure_computers", key_client_computer=[card(mac), card(spare)])
    [row] = hub.silver("keyconfigure_computers", key_client_computer=[card(mac, CPU="x")])
    assert (row["nic_count"], row["mac_addresses"]) == (1, ["AABBCCDDEE01"])
    assert len(row["consolidated_raw_ids"]) == 1


def test_a_machine_that_stops_sharing_a_dock(hub: ByHand) -> None:
    dock = "AA:BB:CC:DD:EE:01"
    mine, theirs = card(dock, "pc1"), card(dock, "pc2", "SN-2")
    shared = hub.silver("keyconfigure_computers", key_client_computer=[mine, theirs])
    assert [row["is_mac_shared"] for row in shared] == [True, True]
    [row] = hub.silver("keyconfigure_computers", key_client_computer=[mine])
    assert not row["is_mac_shared"]


CALLED = [
    (" pc1 ", None, "PC1"),
    ("pc2", "N/A", "PC2"),
    ("pc3", "unknown", "PC3"),
    ("pc4", 7654321, "PC4-7654321"),
    ("pc5", "7654321.0", "PC5-7654321"),
    (None, "C02XY", "SERIAL-C02XY"),
    (None, "None", "MAC-AABBCCDDEE06"),
]


def test_what_a_machine_is_called(hub: ByHand) -> None:
    cards = [
        card(f"AA:BB:CC:DD:EE:0{n}", name, serial) for n, (name, serial, _) in enumerate(CALLED)
    ]
    rows = hub.silver("keyconfigure_computers", key_client_computer=cards)
    assert {row["computer_id"] for row in rows} == {called for *_, called in CALLED}
    nameless = [row for row in rows if "missing_computer_name" in row["quality_flags"]]
    assert len(nameless) == 2


# --- awards ------------------------------------------------------------------------------------


def award(**fields: Any) -> Row:
    dates = {"Award Project Start Date": "1/2/2026", "Award Project End Date": "12/31/2027"}
    person = {"Person Uniqname": " Ada", "Person Role": "UM Principal Investigator"}
    place = {"Person Appt Department Id": "175000.0", "Award Title": "T"}
    return {"Award Id": "AWD1", **person, **place, **dates, **fields}


def test_award_rows_that_share_award_person_and_role_all_stay(hub: ByHand) -> None:
    """domain/hub.md 7.2 #9: they overwrote each other in random order."""
    rows = hub.silver(
        "lab_awards",
        lab_awards_lab_award=[
            award(),
            award(**{"Person Appt Department Id": "180000"}),
            award(**{"Project/Grant": "F2"}),
            award(**{"Person Appt Department Id": ""}),
        ],
    )
    assert sorted(str(row["person_appt_department_id"]) for row in rows) == [
        "175000",
        "175000",
        "180000",
        "None",
    ]
    assert {row["person_uniqname"] for row in rows} == {"ada"}
    assert not [c for c in hub.reports["lab_awards"].checks if c.blocking]


def test_money_percent_and_dates(hub: ByHand) -> None:
    [row] = hub.silver(
        "lab_awards",
        lab_awards_lab_award=[
            award(
                **{
                    "Award Total Dollars": "$1,234,567.50",
                    "Award Direct Dollars": "($500)",
                    "Award Indirect Dollars": "a lot",
                    "Facilities & Admin Rate (%)": "55.5%",
                    "Award Project Start Date": "2/3/26",
                    "Award Project End Date": "2/30/2026",
                    "Pre NCE Project End Date": "2026-04-05",
                    "Award Publish Date": "",
                }
            )
        ],
    )
    assert row["award_total_dollars"] == Decimal("1234567.50")
    assert row["award_direct_dollars"] == Decimal("-500.00")
    assert row["award_indirect_dollars"] is None
    assert row["facilities_admin_rate"] == Decimal("55.50")
    assert row["award_start_date"] == dt.date(2026, 2, 3)
    assert row["award_end_date"] is None
    assert row["pre_nce_end_date"] == dt.date(2026, 4, 5)
    assert row["quality_flags"] == [
        "invalid_award_indirect_dollars",
        "invalid_award_end_date",
        "missing_award_dates",
    ]


def test_flags_of_awards(hub: ByHand) -> None:
    odd = award(
        **{
            "Person Uniqname": "2fast",
            "Person Appt Department Id": "Physics",
            "Person Role": "",
            "Award Title": None,
            "Award Project End Date": "1/1/2026",
        }
    )
    [row] = hub.silver("lab_awards", lab_awards_lab_award=[odd])
    assert row["quality_flags"] == [
        "malformed_department_id",
        "missing_person_role",
        "missing_award_title",
        "malformed_uniqname",
        "ends_before_start",
    ]
    assert row["data_quality_score"] == Decimal("0.75")
