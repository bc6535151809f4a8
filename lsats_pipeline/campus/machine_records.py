"""How each system spells what it knows of a machine: the JSON that it gives out.

    KnownMachine --> TDX assets (list and detail), KeyConfigure rows, Active Directory computers

Field names follow domain/hub.md 1.1.6, 1.4 and 1.5.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any, NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.defects import with_bad_bytes
from lsats_pipeline.campus.departments import Department, skeleton
from lsats_pipeline.campus.directory_names import SCHEMA, steady_dn
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.groups import machine_group_dn, prefix_of
from lsats_pipeline.campus.machine_views import (
    COMPUTER_FORM,
    ActiveDirectoryComputer,
    Card,
    KnownMachine,
    TdxAsset,
)
from lsats_pipeline.campus.machines import (
    NO_LAB,
    NOBODY,
    Machine,
    first_machines_in_ad,
    machine_since,
    release_of,
)
from lsats_pipeline.campus.people import Ids, Person, ids_of, start_of
from lsats_pipeline.campus.records import DOMAIN_SID, NO_DATE, filetime, filled
from lsats_pipeline.campus.world import Campus

Record = dict[str, Any]

NO_ONE = "00000000-0000-0000-0000-000000000000"
STATUS_IDS = {"Active": 38, "Inactive": 39, "Surplus": 40}
FUNCTIONS = {
    "Administrative/Staff": 27311, "Classroom/Computer Lab": 27312, "Development/Testing": 27313,
    "General Office": 27314, "Special Purpose/Other": 27315, "Research": 27316, "Server": 27317,
}  # fmt: skip
_OFFICE = ("General Office",) * 5 + ("Administrative/Staff",) * 3 + tuple(FUNCTIONS)
_SYSTEM_IDS = {"windows": 31_001, "macos": 31_002, "linux": 31_003}


class _Someone(NamedTuple):
    person: Person
    ids: Ids


@lru_cache(maxsize=20_000)
def _someone(campus: Campus, number: int) -> _Someone:
    person = start_of(campus, number)
    return _Someone(person, ids_of(campus, number, person.first, person.last))


def uniqname_of(campus: Campus, number: int) -> str:
    """The uniqname of a person number, "" for nobody."""
    return "" if number == NOBODY else _someone(campus, number).ids.uniqname


def record_machine(facts: Facts, campus: Campus, known: KnownMachine, day: int) -> None:
    """Add what every system gives out about this machine."""
    for asset in (*known.tdx, *known.accessories):
        _record_asset(facts, campus, known.tdx_belief, asset)
    for card in known.keyconfigure:
        facts.record(
            "key_client", "computer", card.key, keyconfigure_row(campus, known.truth, card)
        )
    for ad_computer in known.active_directory:
        content = active_directory_computer(campus, known.truth, ad_computer)
        facts.record(
            "active_directory",
            "computer",
            ad_computer.guid,
            content,
            lookup=ad_computer.name.lower(),
        )


# --- TeamDynamix ---------------------------------------------------------------------------------

_TDX_CONSTANTS: Record = {
    "AppID": 48, "AppName": "Assets/CIs", "ParentID": 0, "ParentTag": None, "ParentName": None,
    "ParentSerialNumber": None, "MaintenanceScheduleID": 0, "MaintenanceScheduleName": "",
    "ExternalSourceID": 0, "ExternalSourceName": "", "ExternalID": "",
    "CreatedUid": "7c1e2a30-0000-4000-8000-00000000000a", "CreatedFullName": "Synthetic Importer",
    "ModifiedUid": "7c1e2a30-0000-4000-8000-00000000000b", "ModifiedFullName": "Synthetic Clerk",
}  # fmt: skip


def _record_asset(facts: Facts, campus: Campus, machine: Machine, asset: TdxAsset) -> None:
    listed = tdx_asset(campus, machine, asset)
    key = str(asset.asset_id)
    facts.record("tdx", "asset", key, listed)
    if asset.problem:
        return
    if asset.has_detail:
        facts.record("tdx", "asset_detail", key, listed | _extras(campus, machine, asset))
    else:
        facts.record("tdx", "asset_detail", key, {}, fault="not_found")


def tdx_asset(campus: Campus, machine: Machine, asset: TdxAsset) -> Record:
    """The list form: no attributes, no attachments."""
    number, form = asset.asset_id, asset.form
    place = skeleton(campus)[machine.department]
    building = machine.place % len(names.BUILDINGS)
    room = machine.place % 300
    created = campus.date(machine_since(campus, machine.number) - 30 - machine.number * 13 % 1800)
    changed = machine.changed if machine.changed >= 0 else -(1 + machine.number % 200)
    return {
        **_TDX_CONSTANTS,
        "ID": number,
        "Tag": asset.tag,
        "Name": with_bad_bytes(asset.name, asset.problem),
        "SerialNumber": asset.serial or (None, "")[machine.number % 2],
        "Uri": f"api/48/assets/{number}",
        "FormID": form.number,
        "FormName": form.name,
        "StatusID": STATUS_IDS[asset.status],
        "StatusName": asset.status,
        "ConfigurationItemID": 2_000_000 + number,
        "ParentID": asset.parent,
        "LocationID": 900 + building if machine.number % 20 else 0,
        "LocationName": names.BUILDINGS[building] if machine.number % 20 else "",
        "LocationRoomID": 5000 + room if machine.number % 4 else 0,
        "LocationRoomName": str(1000 + room) if machine.number % 4 else "",
        **_owner(campus, machine, asset),
        **_department("Owning", place if asset.has_department else None),
        "RequestingCustomerID": NO_ONE,
        "RequestingCustomerName": "",
        **_department("Requesting", place if machine.number % 3 == 0 else None),
        "PurchaseCost": _price(machine.number) if form.number == COMPUTER_FORM[0] else 99.5,
        "AcquisitionDate": f"{created}T00:00:00Z",
        "ExpectedReplacementDate": NO_DATE
        if machine.number % 3
        else f"{created + dt.timedelta(days=1460)}T00:00:00Z",
        "ManufacturerID": 500 + len(form.maker),
        "ManufacturerName": form.maker,
        "ProductModelID": 700 + len(form.model) * 7,
        "ProductModelName": form.model,
        "SupplierID": 11 if machine.number % 2 else 0,
        "SupplierName": "Example Supplies" if machine.number % 2 else "",
        "CreatedDate": f"{created}T13:10:00Z",
        "ModifiedDate": f"{campus.date(changed)}T06:{machine.number % 60:02d}:00Z",
    }


def _department(role: str, place: Department | None) -> Record:
    return {
        f"{role}DepartmentID": place.tdx_id if place else 0,
        f"{role}DepartmentName": place.founding_name if place else "",
    }


def _price(number: int) -> float:
    """What it cost; 0 where nobody noted it."""
    return float(400 + number * 37 % 2600) if number % 6 else 0.0


def _owner(campus: Campus, machine: Machine, asset: TdxAsset) -> Record:
    if asset.owner == NOBODY:
        return {"OwningCustomerID": NO_ONE, "OwningCustomerName": ""}
    if machine.flaw.name == "tdx_unknown_owner":
        return {
            "OwningCustomerID": f"deadbeef-0000-4000-8000-{machine.number:012d}",
            "OwningCustomerName": "Long Gone",
        }
    owner = _someone(campus, asset.owner)
    return {
        "OwningCustomerID": owner.ids.tdx_uid,
        "OwningCustomerName": f"{owner.person.first} {owner.person.last}",
    }


def _extras(campus: Campus, machine: Machine, asset: TdxAsset) -> Record:
    """What only the detail call has; none of it changes without the date of change."""
    if asset.form.number != COMPUTER_FORM[0]:
        support = {"ID": 3516, "Name": "Support Group(s)", "Value": "86"}
        attribute = support | {"ValueText": "LSA Desktop Support"}
        return {"Attributes": [attribute], "Attachments": [], "ConfigurationItems": []}
    number, model = machine.number, machine.model
    system, _ = release_of(machine)
    function = function_of(machine)
    inventoried = f"{campus.date(machine.changed - 20 - number % 300)}T04:00:00Z"
    fields = [
        (3510, "MAC Address(es)", ", ".join(asset.addresses), None),
        (3511, "Reserved IP Address(es)", _address(number) if number % 9 == 0 else "", None),
        (3512, "Operating System", str(_SYSTEM_IDS[model.system]), system),
        (3514, "Last Inventoried Date", "31/02/2025" if asset.bad_date else inventoried, None),
        (3513, "Purchase Shortcode", str(100_000 + number * 7919 % 899_999), None),
        (3515, "Function", str(FUNCTIONS[function]) if function else "", function),
        (3516, "Support Group(s)", "86,91" if number % 4 == 0 else "86",
         "LSA Desktop Support, LSA Research" if number % 4 == 0 else "LSA Desktop Support"),
        (3517, "Memory", f"{_memory(machine) // 1024} GB" if number % 3 else "", None),
        (3518, "Storage", f"{_disk(machine)} GB" if number % 3 else "", None),
        (3519, "Processor(s)", "1" if number % 3 else "", None),
    ]  # fmt: skip
    if asset.payer != NOBODY:
        payer = _someone(campus, asset.payer)
        name = f"{payer.person.first} {payer.person.last}"
        fields.append((3520, "Financial Owner/Responsible", payer.ids.tdx_uid, name))
    attributes = [
        {"ID": key, "Name": name, "Value": value, "ValueText": text or value}
        for key, name, value, text in fields
        if value
    ]
    if asset.detail_problem:
        attributes[-1]["ValueText"] = with_bad_bytes("Nobody", asset.detail_problem)
    invoice = {"ID": f"{asset.asset_id:08d}-0000-4000-8000-000000000001", "Name": "invoice.pdf"}
    attachments = [invoice] if number % 5 < 2 else []
    return {"Attributes": attributes, "Attachments": attachments, "ConfigurationItems": []}


def function_of(machine: Machine) -> str:
    """What TDX says that a machine is for; "" where nobody said."""
    if machine.number % 25 == 0:
        return ""
    if machine.model.letter == "S":
        return "Server"
    if machine.lab != NO_LAB and machine.number % 8:
        return "Research"
    return _OFFICE[machine.number * 7 % len(_OFFICE)]


# --- KeyConfigure --------------------------------------------------------------------------------


def keyconfigure_row(campus: Campus, machine: Machine, card: Card) -> Record:
    """One row of the export; columns as the export names them."""
    number, model = machine.number, machine.model
    stale = 365 if machine.flaw.name == "stale_inventory" else 0
    session = campus.date(machine.session - stale - card.age)
    system, version = release_of(machine)
    disk = _disk(machine)
    first = campus.date(-400 - number % 900)
    return {
        "idnt": 1000 + number * 10 + card.nth,
        "agid": 1,
        "Name": card.name.lower() if model.system == "macos" else card.name,
        "MAC": card.written,
        "CPU": {"macos": "Apple M2", "linux": "Xeon Silver 4410Y"}.get(model.system, "Core i7"),
        "Mhz": 2100 + number % 20 * 100,
        "#": (4, 8, 12, 16)[number % 4],
        "Sockets": 2 if model.letter == "S" else 1,
        "RAM": _memory(machine),
        "Disk": disk,
        "OEM SN": card.serial or None,
        "OS Family": {"windows": "Windows", "macos": "Mac"}.get(model.system)
        if number % 2
        else None,
        "OS": system if number % 3 else None,
        "OS vers": version,
        "OS SN": None,
        "OS Install Date": _at(campus.date(-30 - number % 700), 9) if number % 4 else None,
        "Last Addr": _address(number + card.nth),
        "Last User": uniqname_of(campus, machine.user) or None,
        "Login": ("Domain", "Local")[number % 11 == 0],
        "Last Session": _at(session, 8 + number % 10) if card.has_session else None,
        "Last Startup": _at(session - dt.timedelta(days=number % 5), 7),
        "Base Audit": _at(first, 12),
        "Last Audit": _at(session, 3) if number % 70 else None,
        "Client": ("7.9.1.2", "8.0.0.5")[number % 2],
        "Owner": _keys_owner(campus, machine),
    }


def record_orphan_card(facts: Facts) -> None:
    """Add a row of the export without an address, which is nobody's, and its label."""
    row = {"idnt": 1, "agid": 1, "Name": "NOBODYS", "MAC": "n/a", "OEM SN": "N/A", "OS vers": "10"}
    facts.record("key_client", "computer", "?1", row)
    facts.label("rejects:key_client_computer", "missing_key", "")


def _keys_owner(campus: Campus, machine: Machine) -> str | None:
    """A unit code, a department's number, now and then a uniqname, often nothing."""
    kind = machine.number % 8
    if kind < 3:
        return None
    if kind == 3:
        return uniqname_of(campus, machine.owner) or None
    if kind == 4:
        return skeleton(campus)[machine.department].code
    return prefix_of(campus, machine.department)


def _memory(machine: Machine) -> int:
    return (8192, 16384, 32768, 65536)[machine.number % 4]


def _disk(machine: Machine) -> int:
    return (256, 512, 1024, 2048)[machine.number * 3 % 4]


def _address(number: int) -> str:
    return f"10.{number // 65025 % 255}.{number // 255 % 255}.{number % 255}"


def _at(date: dt.date, hour: int) -> str:
    return f"{date} {hour:02d}:30:00"


# --- Active Directory ----------------------------------------------------------------------------

# Password material: the hub must neither ask for it nor keep it.
SECRET = "Synthetic-secret-do-not-store"


def active_directory_computer(
    campus: Campus, machine: Machine, ad_computer: ActiveDirectoryComputer
) -> Record:
    """A computer object, in LDAP shape."""
    number, current = machine.number, ad_computer.current
    account = (
        ad_computer.name if "\n" not in ad_computer.name else f"$DUPLICATE-{ad_computer.guid[:6]}"
    )
    host = f"{account.lower()}.ads.example.edu"
    _, version = release_of(machine)
    created = campus.date(machine_since(campus, number) - 40 * (1 + number % 30))
    seen = campus.date(machine.session if current else machine.session - 500)
    managed = number % 3 == 0 and machine.owner != NOBODY
    owner = steady_dn(campus, *_someone(campus, machine.owner)) if managed else ""
    attributes = {
        "objectClass": ["top", "person", "organizationalPerson", "user", "computer"],
        "objectCategory": [f"CN=Computer,{SCHEMA}"],
        "instanceType": ["4"],
        "cn": [ad_computer.name],
        "name": [ad_computer.name],
        "sAMAccountName": [f"{account}$"],
        "distinguishedName": [ad_computer.dn],
        "objectGUID": [ad_computer.guid],
        "objectSid": [
            f"{DOMAIN_SID}-{500_000_000 + number * 8 + ad_computer.image % 4 + 4 * (not current)}"
        ],
        "dNSHostName": [host] if ad_computer.has_host else [],
        "displayName": [f"{account}$"],
        "description": [
            with_bad_bytes(f"{machine.model.maker} {machine.model.name}", ad_computer.problem)
        ]
        if number % 3 or ad_computer.problem
        else [],
        "operatingSystem": [ad_computer.system],
        "operatingSystemVersion": [version],
        "userAccountControl": ["4098" if ad_computer.disabled else "4096"],
        "sAMAccountType": ["805306369"],
        "primaryGroupID": ["515"],
        "isCriticalSystemObject": ["FALSE"],
        "servicePrincipalName": [f"HOST/{account}", f"HOST/{host}"],
        "memberOf": _groups(campus, machine) if current else [],
        "managedBy": [owner],
        "msDS-SupportedEncryptionTypes": ["28"],
        "countryCode": ["0"],
        "codePage": ["0"],
        "accountExpires": ["9223372036854775807"],
        "pwdLastSet": [filetime(seen - dt.timedelta(days=number % 30))],
        "lastLogonTimestamp": [filetime(seen)],
        "whenCreated": [f"{created:%Y%m%d}{number % 24:02d}1100.0Z"],
        "uSNCreated": [str(40_000_000 + number)],
        **_passwords(number, filetime(seen + dt.timedelta(days=30))),
    }
    return {"dn": ad_computer.dn, "attributes": filled(attributes)}


def _passwords(number: int, expires: str) -> dict[str, list[str]]:
    """The old and the new way of keeping an administrator's password in the directory."""
    if number % 2:
        return {"ms-Mcs-AdmPwd": [SECRET], "ms-Mcs-AdmPwdExpirationTime": [expires]}
    return {
        "msLAPS-Password": [f'{{"n":"admin","p":"{SECRET}"}}'],
        "msLAPS-EncryptedPassword": [SECRET],
        "msLAPS-EncryptedPasswordHistory": [SECRET],
        "msLAPS-PasswordExpirationTime": [expires],
    }


def _groups(campus: Campus, machine: Machine) -> list[str]:
    if machine.number not in first_in_ad(campus, machine.home):
        return []
    return [machine_group_dn(campus, machine.home)]


@lru_cache(maxsize=20_000)
def first_in_ad(campus: Campus, department: int) -> frozenset[int]:
    """The machines in a department's group: those it had on the first day."""
    return frozenset(first_machines_in_ad(campus, department))
