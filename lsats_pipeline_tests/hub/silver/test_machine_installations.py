"""Machines that were set up anew, copies that only look like it, and names that were cut."""

from __future__ import annotations

from typing import Any

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand
from lsats_pipeline_tests.hub.silver.machines import Row, account, asset, known
from lsats_pipeline_tests.hub.silver.test_computer_matches import (
    DOCK,
    M1,
    M2,
    M3,
    Matching,
    matching,
)

__all__ = ["matching"]

SERIAL = "5CG0412QRV"
OLD, NEW = "2026-01-10T08:00:00Z", "2026-03-01T08:00:00Z"


def before(name: str, *macs: str, serial: str = SERIAL, session: str | None = OLD) -> Row:
    return known(name, serial, *macs) | {
        "last_session": session, "base_audit": "2024-01-01T00:00:00Z",
    }  # fmt: skip


def after(name: str, *macs: str, serial: str = SERIAL, since: str = "2026-02-01T00:00:00Z") -> Row:
    return known(name, serial, *macs) | {"last_session": NEW, "base_audit": since}


def flags(matching: Matching) -> dict[str, set[str]]:
    """The flags about records of computers that are one machine or look like it."""
    kinds = {"former_record", "duplicate_serial", "duplicate_name", "name_disagreement"}
    return {
        row["computer_name"]: set(row["quality_flags"]) & kinds
        for row in matching.rows("computers")
    }


def test_the_newer_row_is_the_machine_and_the_older_name_is_kept(matching: Matching) -> None:
    found = matching.machines(keyconfigure=[before("OLD", M1), after("NEW", M1)])
    assert found == [{f"NEW-{SERIAL}", f"OLD-{SERIAL}"}]
    [row] = matching.rows("computers")
    assert (row["computer_id"], row["computer_name"]) == (f"SN-{SERIAL}", "NEW")
    assert (row["computer_name_aliases"], row["former_names"]) == (["NEW"], ["OLD"])
    assert row["kc_computer_id"] == f"NEW-{SERIAL}"
    assert flags(matching) == {"NEW": {"former_record"}}
    [pair] = matching.rows("computer_matches")
    assert (pair["left_name"], pair["right_name"], pair["decision"], pair["reason"]) == (
        "NEW", "OLD", "accepted", "former record of the same machine",
    )  # fmt: skip
    assert [e["kind"] for e in pair["evidence"]] == [
        "serial", "mac", "last seen before the other was first seen",
    ]  # fmt: skip


def test_another_card_is_enough_when_one_ended_before_the_other_began(matching: Matching) -> None:
    found = matching.machines(keyconfigure=[before("OLD", M1), after("NEW", M2)])
    assert found == [{f"NEW-{SERIAL}", f"OLD-{SERIAL}"}]


def test_all_older_rows_are_of_the_newest(matching: Matching) -> None:
    rows = [
        before("FIRST", M1, session="2025-01-10T08:00:00Z"),
        before("SECOND", M1) | {"base_audit": "2025-06-01T00:00:00Z"},
        after("THIRD", M1),
    ]
    assert len(matching.machines(keyconfigure=rows)) == 1
    [row] = matching.rows("computers")
    assert (row["computer_name"], row["former_names"]) == ("THIRD", ["FIRST", "SECOND"])


def test_one_name_and_two_spellings_are_one(matching: Matching) -> None:
    rows = [after("PC1", M1, serial="MXL-4401-ZQ"), after("PC1", M2, serial="MXL4401ZQ")]
    assert len(matching.machines(keyconfigure=rows)) == 1
    assert matching.rows("computers")[0]["former_names"] == ["PC1"]


def test_two_in_use_at_the_same_time_are_flagged(matching: Matching) -> None:
    rows = [after("ONE", M1), after("TWO", M2)]
    assert len(matching.machines(keyconfigure=rows)) == 2
    assert flags(matching) == {"ONE": {"duplicate_serial"}, "TWO": {"duplicate_serial"}}
    [pair] = matching.rows("computer_matches")
    assert (pair["decision"], pair["reason"]) == ("rejected", "in use at the same time")
    # Nor does a card in common help: copies of one disk may have it, too.
    rows = [after("ONE", M1), after("TWO", M1)]
    assert len(matching.machines(keyconfigure=rows)) == 2
    assert set(flags(matching)["ONE"]) == {"duplicate_serial"}


def test_many_of_one_serial_number_are_many(matching: Matching) -> None:
    rows = [
        before(f"PC{n}", f"0A000000001{n}", session=f"2025-0{n}-01T00:00:00Z")
        | {"base_audit": f"2025-0{n}-01T00:00:00Z"}
        for n in range(1, 7)
    ]
    assert len(matching.machines(keyconfigure=rows)) == 6
    assert set(map(frozenset, flags(matching).values())) == {frozenset({"duplicate_serial"})}


def test_a_dock_does_not_make_two_one(matching: Matching) -> None:
    """Two that share a dock, which others use as well, and the serial number of their board."""
    rows = [
        before("ONE", M1, DOCK, session="2026-02-20T08:00:00Z"),
        after("TWO", M2, DOCK),
        known("OTHER", "SER0009", M3, DOCK),
    ]
    assert len(matching.machines(keyconfigure=rows)) == 3
    assert flags(matching)["ONE"] == {"duplicate_serial"}


def test_a_copy_of_a_virtual_machine_is_another(matching: Matching) -> None:
    """The template was switched off before its copy was first seen."""
    serial = "VMware-56 4d 4a 11 0c 22 33 44-55 66 77 88 99 0a ab bc"
    rows = [before("TEMPLATE", M1, serial=serial), after("COPY", M2, serial=serial)]
    assert len(matching.machines(keyconfigure=rows)) == 2
    assert flags(matching)["COPY"] == {"duplicate_serial"}


def test_two_spellings_of_a_virtual_machine_are_one(matching: Matching) -> None:
    spellings = (
        "VMware-56 4d 4a 11 0c 22 33 44-55 66 77 88 99 0a ab bc",
        "VMware-564d4a110c2233445566778899 0aabbc",
        "114A4D56-220C-4433-5566-7788990AABBC",
    )
    for one in spellings:
        for other in spellings:
            found = matching.machines(
                tdx=[asset(1, "vm in tdx", one)],
                keyconfigure=[known("VM", other, M1) | {"computer_id": "VM"}],
            )
            assert found == [{"1", "VM"}]
            assert "serial_disagreement" not in matching.rows("computers")[0]["quality_flags"]


def test_two_active_assets_speak_against_one_machine(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "OLD", SERIAL), asset(2, "NEW", SERIAL)],
        keyconfigure=[before("OLD", M1), after("NEW", M1)],
    )
    assert found == [{"1", f"OLD-{SERIAL}"}, {"2", f"NEW-{SERIAL}"}]
    assert flags(matching)["OLD"] == {"duplicate_serial"}


def test_the_asset_and_the_old_account_are_of_the_same_machine(matching: Matching) -> None:
    """TeamDynamix has not heard of the new name; the old account was switched off."""
    found = matching.machines(
        tdx=[asset(1, "OLD", "", M1)],
        keyconfigure=[before("OLD", M1), after("NEW", M2)],
        ad=[account(1, "OLD") | {"is_enabled": False}, account(2, "NEW") | {"is_enabled": True}],
    )
    assert found == [{"1", f"NEW-{SERIAL}", f"OLD-{SERIAL}", "0001", "0002"}]
    [row] = matching.rows("computers")
    assert row["ad_object_guid"].int == 2
    assert row["former_names"] == ["OLD"]


def test_an_account_in_use_is_of_another_machine(matching: Matching) -> None:
    """It may be that of a second system on it, or of the next machine of that name."""
    found = matching.machines(
        tdx=[asset(1, "OLD", SERIAL)],
        keyconfigure=[after("NEW", M1)],
        ad=[account(1, "OLD") | {"is_enabled": True}, account(2, "NEW") | {"is_enabled": True}],
    )
    assert found == [{"0001"}, {"0002", "1", f"NEW-{SERIAL}"}]
    rows = matching.rows("computers")
    assert [row["computer_name"] for row in rows] == ["OLD", "OLD"]
    assert all("duplicate_name" in row["quality_flags"] for row in rows)


def test_two_assets_of_one_machine_are_flagged(matching: Matching) -> None:
    matching.machines(tdx=[asset(1, "pc1", SERIAL), asset(2, "pc1", SERIAL, status="Inactive")])
    rows = matching.rows("computers")
    assert len(rows) == 2
    assert all({"duplicate_serial", "duplicate_name"} <= set(r["quality_flags"]) for r in rows)


def test_a_name_cut_at_15_is_the_long_one(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "LSA-CHEM-LAPTOP-ROOM12", "")],
        keyconfigure=[known("LSA-CHEM-LAPTOP", SERIAL, M1)],
        ad=[account(1, "LSA-CHEM-LAPTOP", dns="LSA-CHEM-LAPTOP-ROOM12")],
    )
    assert found == [{"1", f"LSA-CHEM-LAPTOP-{SERIAL}", "0001"}]
    assert flags(matching) == {"LSA-CHEM-LAPTOP-ROOM12": set()}
    # Whose it is when two have the same beginning nobody can say.
    found = matching.machines(
        tdx=[asset(1, "LSA-CHEM-LAPTOP-ROOM12", ""), asset(2, "LSA-CHEM-LAPTOP-ROOM13", "")],
        keyconfigure=[known("LSA-CHEM-LAPTOP", SERIAL, M1)],
    )
    assert len(found) == 3


def test_a_scanned_label_is_the_number_after_its_letter(matching: Matching) -> None:
    """Apple's newest numbers have no form; the other record bears witness to the letter."""
    for scanned, bare in (("SC02ZK1ABMD6T", "C02ZK1ABMD6T"), ("SXK7Q9LM2P4", "XK7Q9LM2P4")):
        found = matching.machines(
            tdx=[asset(1, "scanned", scanned)], keyconfigure=[known("MAC-1", bare, M1)]
        )
        assert found == [{"1", f"MAC-1-{bare}"}]
        [row] = matching.rows("computers")
        assert "serial_disagreement" not in row["quality_flags"]
    # Without a witness it stays a number of its own.
    assert len(matching.machines(tdx=[asset(1, "a", "SXK7Q9LM2P4")])) == 1
    assert matching.rows("computers")[0]["serial_number"] == "SXK7Q9LM2P4"


# --- through bronze ------------------------------------------------------------------------------


def card(mac: Any, name: str, serial: Any, **fields: Any) -> Row:
    return {
        "MAC": mac,
        "Name": name,
        "OEM SN": serial,
        "Last Session": "2026-03-01 08:00:00",
        **fields,
    }


def test_several_addresses_in_one_cell_are_all_of_the_machine(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    hub = ByHand(warehouse, hub_settings, COMPUTERS)
    rows = hub.silver(
        "keyconfigure_computers",
        key_client_computer=[
            card("00:11:22:33:44:88, 00:11:22:33:44:99", "PC1", "SER0001"),
            card("00:11:22:33:44:AA 00:11:22:33:44:AB", "PC2", "SER0002"),
            card(1122334455, "PC3", "SER0003"),  # a number, its zeros are gone
            card("00:00:00:00:00:00", "PC4", "SER0004"),
            card("00-00-00-00-00-00", "PC5", "SER0005"),
            card("1.23E+11", "PC6", "SER0006"),
            card("00:11:22:33:44:01", "PC7", 1.23456789012346e17),
            card("00:11:22:33:44:02", "PC8", "1.23E+11"),
        ],
    )
    found = {row["computer_name"]: row for row in rows}
    assert {name: row["mac_addresses"] for name, row in found.items()} == {
        "PC1": ["001122334488", "001122334499"],
        "PC2": ["0011223344AA", "0011223344AB"],
        "PC3": ["001122334455"],
        "PC4": [],
        "PC5": [],
        "PC7": ["001122334401"],
        "PC8": ["001122334402"],
    }
    assert found["PC1"]["nic_count"] == 2
    assert not any(row["is_mac_shared"] for row in rows)
    for name in ("PC7", "PC8"):
        assert "damaged_serial_number" in found[name]["quality_flags"]
        assert "placeholder_serial_number" not in found[name]["quality_flags"]
        assert found[name]["computer_id"] == name
    [reject] = warehouse.query("select reason from meta.rejects where resolution = 'open'")
    assert reject == ("missing_key",)


def test_two_addresses_with_a_blank_between_join_asset_and_inventory(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    hub = ByHand(warehouse, hub_settings, COMPUTERS)
    hub.take_in(
        tdx_asset=[
            {"ID": 1, "Name": "by hand", "FormName": "Computer Form", "StatusName": "Active"}
        ],
        key_client_computer=[card("8C:04:BA:10:20:3F", "PC1", "SER0001")],
    )
    value = "00:1B:63:A4:B5:C6 8C:04:BA:10:20:3F"
    attribute = {"ID": 1, "Name": "MAC Address(es)", "Value": value, "ValueText": value}
    hub.complete("tdx_asset_detail", {"1": {"ID": 1, "Attributes": [attribute]}})
    hub.build()
    [row] = hub.rows("computers")
    assert row["mac_addresses"] == ["001B63A4B5C6", "8C04BA10203F"]
    assert row["sources"] == ["tdx", "keyconfigure"]
