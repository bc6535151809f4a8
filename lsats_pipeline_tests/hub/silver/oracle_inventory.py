"""What tier 1 must say of assets, inventory and awards, worked out in Python (oracle_sources)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lsats_pipeline_tests.hub.silver.oracle_sources import (
    Record,
    Row,
    Stored,
    columns,
    moment,
    money,
    records,
    same,
    text,
    uuid,
)

_HEX = re.compile(r"[0-9A-F]{12}")
_NO_SERIAL = re.compile(
    r"NONE|N/A|UNKNOWN|TO BE FILLED.*|DEFAULT.*|SYSTEM.*|NOT .*|(.)\1*|0*12345\d*"
)


def text_or_none(value: Any) -> str | None:
    """A text, unless it is the word None."""
    found = text(value)
    return None if found == "None" else found


def nonzero(value: Any) -> int | None:
    return int(value) if value not in (None, "") and int(value) else None


def cost(value: Any) -> Decimal | None:
    return money(value) or None


def mac(written: Any) -> str | None:
    digits = re.sub(r"[\s.:-]", "", str(written)).upper()
    return digits if _HEX.fullmatch(digits) else None


def addresses(listed: str | None) -> list[str]:
    """The valid ones in a list, each once, in their order."""
    found = (mac(part) for part in re.split(r"[,;\s]+", listed or ""))
    return list(dict.fromkeys(a for a in found if a))


def real_serial(value: str | None) -> str | None:
    """A serial number that is none of the placeholders the campus writes."""
    whole = (value or "").strip().upper()
    digits = re.sub("^VMWARE|[^0-9A-F]", "", whole)
    if len(digits) == 32:
        return digits
    if is_damaged(whole) or len(whole) < 4 or _NO_SERIAL.fullmatch(whole):
        return None
    return re.sub("^S(?=C02)", "", whole)


def is_damaged(value: str | None) -> bool:
    return re.fullmatch(r"\d\.\d+E\+\d+", value or "") is not None


# --- TeamDynamix -------------------------------------------------------------------------------


def tdx_assets(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _tdx_asset(r) for r in records(stored, "tdx", "asset")}


def _tdx_asset(record: Record) -> Row:
    listed, detail = record.listed, record.detail
    row = {
        **columns(listed, text_or_none, """tag Tag, name Name, uri Uri, tdx_external_id ExternalID,
            serial_number SerialNumber, app_name AppName, form_name FormName,
            status_name StatusName, parent_tag ParentTag, parent_name ParentName,
            parent_serial_number ParentSerialNumber, location_name LocationName,
            location_room_name LocationRoomName, owning_customer_name OwningCustomerName,
            owning_department_name OwningDepartmentName,
            requesting_customer_name RequestingCustomerName,
            requesting_department_name RequestingDepartmentName,
            manufacturer_name ManufacturerName, product_model_name ProductModelName,
            supplier_name SupplierName, maintenance_schedule_name MaintenanceScheduleName,
            external_source_name ExternalSourceName, created_full_name CreatedFullName,
            modified_full_name ModifiedFullName"""),
        **columns(listed, nonzero, """tdx_asset_id ID, app_id AppID, form_id FormID,
            status_id StatusID, parent_id ParentID, configuration_item_id ConfigurationItemID,
            location_id LocationID, location_room_id LocationRoomID,
            owning_department_id OwningDepartmentID,
            requesting_department_id RequestingDepartmentID, manufacturer_id ManufacturerID,
            product_model_id ProductModelID, supplier_id SupplierID,
            maintenance_schedule_id MaintenanceScheduleID, external_source_id ExternalSourceID"""),
        **columns(listed, uuid, """owning_customer_id OwningCustomerID,
            requesting_customer_id RequestingCustomerID, created_uid CreatedUid,
            modified_uid ModifiedUid"""),
        **columns(listed, moment, """acquisition_date AcquisitionDate,
            expected_replacement_date ExpectedReplacementDate, created_date CreatedDate,
            modified_date ModifiedDate"""),
        "purchase_cost": cost(listed["PurchaseCost"]),
        **columns(detail, same, "attributes Attributes, attachments Attachments"),
        **_custom(detail["Attributes"] if detail else []),
    }  # fmt: skip
    return row | {"mac_addresses": addresses(row["attr_mac_address"])}


def _custom(attributes: list[Row]) -> Row:
    """Column, what it is read as, name of the attribute and which of its members."""
    by_name = {a["Name"]: a for a in attributes}
    wanted: list[tuple[str, Callable[[Any], Any], str, str]] = [
        ("attr_mac_address", text_or_none, "MAC Address(es)", "Value"),
        ("attr_ip_address", text_or_none, "Reserved IP Address(es)", "Value"),
        ("attr_operating_system_id", nonzero, "Operating System", "Value"),
        ("attr_operating_system_name", text_or_none, "Operating System", "ValueText"),
        ("attr_last_inventoried_date", moment, "Last Inventoried Date", "Value"),
        ("attr_purchase_shortcode", text_or_none, "Purchase Shortcode", "Value"),
        ("attr_function_id", nonzero, "Function", "Value"),
        ("attr_function_name", text_or_none, "Function", "ValueText"),
        ("attr_financial_owner_uid", uuid, "Financial Owner/Responsible", "Value"),
        ("attr_financial_owner_name", text_or_none, "Financial Owner/Responsible", "ValueText"),
        ("attr_support_groups_ids", _integers, "Support Group(s)", "Value"),
        ("attr_support_groups_text", text_or_none, "Support Group(s)", "ValueText"),
        ("attr_memory", text_or_none, "Memory", "Value"),
        ("attr_storage", text_or_none, "Storage", "Value"),
        ("attr_processor_count", text_or_none, "Processor(s)", "Value"),
    ]
    return {
        column: read(by_name[name].get(member)) if name in by_name else None
        for column, read, name, member in wanted
    }


def _integers(value: str) -> list[int]:
    return [int(part) for part in value.split(",")]


def asset_flags(row: Row) -> set[str]:
    serial, listed = row["serial_number"], row["attributes"] is not None
    custom = {a["Name"]: a["Value"] for a in row["attributes"] or []}
    return _raised(
        missing_name=row["name"] is None,
        missing_serial_number=serial is None,
        placeholder_serial_number=serial is not None
        and real_serial(serial) is None
        and not is_damaged(serial),
        damaged_serial_number=is_damaged(serial),
        missing_owner=row["owning_customer_id"] is None,
        missing_department=row["owning_department_id"] is None,
        not_enriched=not listed,
        missing_mac_address=listed and row["attr_mac_address"] is None,
        malformed_mac_address=row["attr_mac_address"] is not None and not row["mac_addresses"],
        invalid_attr_last_inventoried_date="Last Inventoried Date" in custom
        and row["attr_last_inventoried_date"] is None,
    )


# --- KeyConfigure ------------------------------------------------------------------------------


def keyconfigure_cards(stored: list[Stored]) -> dict[str, Row]:
    found = (_card(r.listed) for r in records(stored, "key_client", "computer"))
    return {_identity(row): row for row in found}


def _identity(card: Row) -> str:
    name, serial = card["computer_name"] or "", card["oem_serial_number"] or ""
    return f"{card['mac_address']}|{name.upper()}|{serial.upper()}"


def _card(listed: Row) -> Row:
    row = {
        "mac_address": mac(listed["MAC"]),
        "mac_addresses": [mac(listed["MAC"])],
        **columns(listed, text, """computer_name Name, cpu CPU, os OS, login_type Login,
            owner Owner, keyconfigure_client_version Client"""),
        **columns(listed, same, "cpu_sockets Sockets, ram_mb RAM"),
        "oem_serial_number": text(listed["OEM SN"]),
        "ip_address": text(listed["Last Addr"]),
        "cpu_cores": listed["#"],
        "clock_speed_mhz": listed["Mhz"],
        "disk_gb": money(listed["Disk"]),
        "disk_free_gb": money(listed.get("Free")),
        "os_family": text(listed["OS Family"]),
        "os_version": text(listed["OS vers"]),
        "os_serial_number": text(listed["OS SN"]),
        "os_install_date": _local(listed["OS Install Date"]),
        "last_user": text(listed["Last User"]),
        "last_session": _local(listed["Last Session"]),
        "last_startup": _local(listed["Last Startup"]),
        "last_audit": _local(listed["Last Audit"]),
        "base_audit": _local(listed["Base Audit"]),
    }  # fmt: skip
    return row | {"computer_id": _called(row)}


def _called(card: Row) -> str:
    serial = real_serial(card["oem_serial_number"])
    if card["computer_name"]:
        return "-".join(part for part in (card["computer_name"].upper(), serial) if part)
    return f"SERIAL-{serial}" if serial else f"MAC-{card['mac_address']}"


def _local(value: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC) if value else None


def card_flags(row: Row) -> set[str]:
    return _raised(
        missing_computer_name=row["computer_name"] is None,
        missing_last_session=row["last_session"] is None,
    )


_LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def keyconfigure_computers(cards: dict[str, Row]) -> dict[str, Row]:
    """Machines by computer_id."""
    machines: dict[str, list[Row]] = {}
    for key in sorted(cards):
        machines.setdefault(cards[key]["computer_id"], []).append(cards[key])
    users: dict[str, set[str]] = {}
    for card in cards.values():
        users.setdefault(card["mac_address"], set()).add(card["computer_id"])
    return {key: _machine(key, found, users) for key, found in machines.items()}


def _machine(key: str, cards: list[Row], users: dict[str, set[str]]) -> Row:
    cards = sorted(cards, key=lambda c: (c["mac_address"], _identity(c)))
    for moment_of in ("last_audit", "last_session"):  # a stable sort: the last one counts most
        cards.sort(key=lambda c, m=moment_of: c[m] or _LONG_AGO, reverse=True)  # type: ignore[misc]
    macs = list(dict.fromkeys(c["mac_address"] for c in cards))
    copied = {c: v for c, v in cards[0].items() if c not in ("mac_address", "ip_address")}
    return copied | {
        "computer_id": key,
        "primary_mac_address": macs[0],
        "mac_addresses": macs,
        "ip_addresses": list(dict.fromkeys(c["ip_address"] for c in cards if c["ip_address"])),
        "nic_count": len(macs),
        **{c: _of_all(max, cards, c) for c in ("last_session", "last_startup", "last_audit")},
        "base_audit": _of_all(min, cards, "base_audit"),
        "is_mac_shared": any(len(users[address]) > 1 for address in macs),
    }


def _of_all(choose: Any, cards: list[Row], column: str) -> Any:
    return choose((c[column] for c in cards if c[column]), default=None)


def machine_flags(row: Row) -> set[str]:
    serial = row["oem_serial_number"]
    return _raised(
        missing_computer_name=row["computer_name"] is None,
        missing_serial_number=serial is None,
        placeholder_serial_number=serial is not None
        and real_serial(serial) is None
        and not is_damaged(serial),
        damaged_serial_number=is_damaged(serial),
        shared_mac_address=row["is_mac_shared"],
        missing_last_session=row["last_session"] is None,
    )


# --- awards ------------------------------------------------------------------------------------


def lab_awards(stored: list[Stored]) -> dict[str, Row]:
    return {r.key: _award(r.listed) for r in records(stored, "lab_awards", "lab_award")}


def _award(listed: Row) -> Row:
    department = text(listed["Person Appt Department Id"])
    rest = {
        "person_role": "Person Role", "project_grant_id": "Project/Grant",
        "award_title": "Award Title", "award_class": "Award Class",
        "direct_sponsor_name": "Direct Sponsor Name",
        "direct_sponsor_category": "Direct Sponsor Category",
        "direct_sponsor_subcategory": "Direct Sponsor Subcategory",
        "prime_sponsor_name": "Prime Sponsor Name",
        "prime_sponsor_category": "Prime Sponsor Category",
        "prime_sponsor_subcategory": "Prime Sponsor Subcategory",
        "prime_sponsor_reference": "Prime Sponsor Award Reference Number",
        "award_admin_department": "Award Admin Department",
        "award_admin_school_college": "Award Admin School/College",
        "person_first_name": "Person First Name", "person_last_name": "Person Last Name",
        "person_appt_department": "Person Appt Department",
        "person_appt_school_college": "Person Appt School/College",
    }  # fmt: skip
    reference = next(v for k, v in listed.items() if k.startswith("Direct Sponsor Award Ref"))
    return {column: text(listed[member]) for column, member in rest.items()} | {
        "award_id": text(listed["Award Id"]),
        "person_uniqname": str(listed["Person Uniqname"]).strip().lower(),
        "direct_sponsor_reference": text(reference),
        "person_appt_department_id": department.removesuffix(".0") if department else None,
        "award_total_dollars": _dollars(listed["Award Total Dollars"]),
        "award_direct_dollars": _dollars(listed["Award Direct Dollars"]),
        "award_indirect_dollars": _dollars(listed["Award Indirect Dollars"]),
        "facilities_admin_rate": _dollars(listed["Facilities & Admin Rate (%)"]),
        "award_start_date": _american(listed["Award Project Start Date"]),
        "award_end_date": _american(listed["Award Project End Date"]),
        "pre_nce_end_date": _american(listed["Pre NCE Project End Date"]),
        "award_publish_date": _american(listed["Award Publish Date"]),
    }


def _dollars(value: str) -> Decimal | None:
    bare = value.strip().strip("%").replace("$", "").replace(",", "")
    return Decimal(bare).quantize(Decimal("0.01")) if bare else None


def _american(value: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(value.strip(), "%m/%d/%Y").date()
    except ValueError:
        return None


def award_flags(row: Row) -> set[str]:
    start, end, department = (
        row[c] for c in ("award_start_date", "award_end_date", "person_appt_department_id")
    )
    return _raised(
        missing_department=department is None,
        malformed_department_id=department is not None and not re.fullmatch(r"\d{6}", department),
        missing_person_role=row["person_role"] is None,
        missing_award_title=row["award_title"] is None,
        missing_award_dates=start is None or end is None,
        malformed_uniqname=not re.fullmatch(r"[a-z][a-z0-9.-]{0,49}", row["person_uniqname"]),
        ends_before_start=start is not None and end is not None and end < start,
    )


def _raised(**flags: bool) -> set[str]:
    return {name for name, holds in flags.items() if holds}
