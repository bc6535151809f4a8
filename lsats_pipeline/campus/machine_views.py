"""What TDX, KeyConfigure and Active Directory know of a machine, with its defect decided.

    Beliefs + flaw --> TdxAsset, Card, ActiveDirectoryComputer
        --> machine_records.py, machine_labels.py

`current` is False for what a system still keeps of a machine's past: matching it is no mistake, and
not matching it is none either.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from lsats_pipeline.campus.defects import BAD_BYTES, NUL
from lsats_pipeline.campus.directory_names import escaped
from lsats_pipeline.campus.groups import prefix_of
from lsats_pipeline.campus.labs import lab_on
from lsats_pipeline.campus.machine_defects import ACTIVE_DIRECTORY, KEYCONFIGURE, TDX
from lsats_pipeline.campus.machine_events import Beliefs
from lsats_pipeline.campus.machines import (
    NOBODY,
    Machine,
    card_of,
    dock_of,
    long_name_of,
    machine_start,
    name_of,
    release_of,
    serial_of,
    true_name,
)
from lsats_pipeline.campus.sampling import raw, shuffled, uuid_text
from lsats_pipeline.campus.units import department_unit_dn, lab_unit_dn
from lsats_pipeline.campus.world import Campus

PLACEHOLDERS = ("0000", "N/A", "UNKNOWN", "To be filled by O.E.M.", "NONE", "Default string")
_ASSET_IDS = 9_999_991  # prime
_OLD = (
    "tdx_old_name", "tdx_and_ad_old_name", "reimaged_tdx_old_name", "undecidable",
    "virtual_spellings", "scanned_serial",
)  # fmt: skip


class Form(NamedTuple):
    """What sort of asset it is to TDX, and which product."""

    number: int
    name: str
    maker: str
    model: str


COMPUTER_FORM = (2448, "Computer Form")
ACCESSORIES = (
    Form(2450, "Peripheral Form", "Dell", "Monitor P2423D"),
    Form(2450, "Peripheral Form", "Dell", "Dock WD22TB4"),
    Form(2451, "Printer Form", "HP", "LaserJet M507"),
    Form(2452, "Telephone Form", "Cisco", "IP Phone 8845"),
)


class TdxAsset(NamedTuple):
    """An asset in TDX: the computer, or what came with it."""

    asset_id: int
    form: Form
    tag: str
    name: str
    serial: str
    addresses: tuple[str, ...]
    status: str
    owner: int
    payer: int
    has_detail: bool
    has_department: bool
    bad_address: bool = False
    bad_date: bool = False
    parent: int = 0
    current: bool = True
    problem: str = ""
    detail_problem: str = ""


class Card(NamedTuple):
    """A row of the KeyConfigure export: one network card of a machine."""

    nth: int
    address: str  # 12 digits
    written: str
    name: str
    serial: str
    age: int = 0  # days by which its sessions are older
    has_session: bool = True
    current: bool = True

    @property
    def key(self) -> str:
        """The identity in bronze."""
        return f"{self.address}|{self.name.upper()}|{self.serial.upper()}"


class ActiveDirectoryComputer(NamedTuple):
    """A computer object in Active Directory."""

    guid: str
    name: str
    dn: str
    disabled: bool
    image: int
    system: str
    has_host: bool
    current: bool = True
    problem: str = ""


class KnownMachine(NamedTuple):
    """Everything the three systems hold on one machine."""

    truth: Machine
    tdx_belief: Machine  # as TDX believes
    tdx: tuple[TdxAsset, ...]
    accessories: tuple[TdxAsset, ...]
    keyconfigure: tuple[Card, ...]
    active_directory: tuple[ActiveDirectoryComputer, ...]


def known_machine(campus: Campus, now: Beliefs, day: int) -> KnownMachine:
    """The views of all three systems."""
    return KnownMachine(
        now.truth,
        now.tdx or now.truth,
        _assets(campus, now.tdx),
        _accessories(campus, now.tdx),
        _cards(campus, now.truth),
        machine_objects(campus, now.truth, day),
    )


# --- TeamDynamix ---------------------------------------------------------------------------------


def asset_id(campus: Campus, number: int, nth: int) -> int:
    """The id of an asset: of a machine (0), its second record (1), what came with it (2)."""
    return 100_000 + shuffled(number * 4 + nth, campus.seed, _ASSET_IDS, 48_271)


def tag_of(campus: Campus, number: int) -> str:
    """The sticker on it."""
    return f"LSA{asset_id(campus, number, 0) % 10_000_000:07d}"


def _assets(campus: Campus, machine: Machine | None) -> tuple[TdxAsset, ...]:
    if machine is None or TDX not in machine.systems:
        return ()
    flaw, number = machine.flaw, machine.number
    asset = TdxAsset(
        asset_id=asset_id(campus, number, 0),
        form=Form(*COMPUTER_FORM, machine.model.maker, machine.model.name),
        tag=tag_of(campus, number - (flaw.name == "reused_tag" and flaw.second)),
        name=_name_in_tdx(campus, machine),
        serial=_serial_in_tdx(campus, machine),
        addresses=_addresses_in_tdx(campus, machine),
        status=machine.status,
        owner=NOBODY if flaw.name == "tdx_no_owner" else machine.owner,
        payer=machine.payer,
        has_detail=flaw.name != "tdx_no_detail",
        has_department=number % 50 > 0,
        bad_address=flaw.name == "tdx_bad_mac",
        bad_date=flaw.name == "tdx_bad_date",
        problem={"tdx_nul": NUL, "tdx_bytes": BAD_BYTES}.get(flaw.name, ""),
        detail_problem=NUL if flaw.name == "tdx_detail_nul" else "",
    )
    if flaw.name != "tdx_twice":
        return (asset,)
    old = asset._replace(
        asset_id=asset_id(campus, number, 1),
        tag=f"OLD{asset.tag[3:]}",
        status="Inactive",
        current=False,
    )
    return (asset, old)


def _accessories(campus: Campus, machine: Machine | None) -> tuple[TdxAsset, ...]:
    """Four machines in five came with something else; a few of those are noted as parts of it."""
    if machine is None or TDX not in machine.systems or machine.number % 5 == 0:
        return ()
    number = asset_id(campus, machine.number, 2)
    form = ACCESSORIES[machine.number * 7 % len(ACCESSORIES)]
    made = TdxAsset(
        asset_id=number,
        form=form,
        tag=f"ACC{number % 10_000_000:07d}" if machine.number % 3 else "",
        name=f"{prefix_of(campus, machine.home)} {form.model}",
        serial=f"ACC{number}" if machine.number % 4 else "N/A",
        addresses=(),
        status=machine.status,
        owner=NOBODY,
        payer=NOBODY,
        has_detail=True,
        has_department=machine.number % 50 > 0,
        parent=asset_id(campus, machine.number, 0) if machine.number % 50 == 1 else 0,
    )
    return (made,)


def _name_in_tdx(campus: Campus, machine: Machine) -> str:
    flaw = machine.flaw
    if flaw.name in ("tdx_no_name", "macs_with_a_blank"):
        return ""
    if flaw.name in _OLD or (flaw.name == "name_reused" and not flaw.second):
        name = name_of(campus, machine, 0)
    elif flaw.name == "same_name" and flaw.second:
        name = true_name(campus, machine_start(campus, machine.number - 1))
    elif flaw.name == "name_cut_at_15":
        name = long_name_of(campus, machine)
    else:
        name = true_name(campus, machine)
    return (name, name, name, name.lower(), f" {name} ")[machine.number % 5]


def _serial_in_tdx(campus: Campus, machine: Machine) -> str:
    flaw = machine.flaw
    if flaw.name in ("tdx_no_serial", "macs_with_a_blank"):
        return ""
    if flaw.name == "tdx_placeholder_serial":
        return PLACEHOLDERS[machine.number % len(PLACEHOLDERS)]
    if flaw.name == "swapped_serials":
        return serial_of(campus, machine_start(campus, machine.number ^ 1))
    serial = serial_of(campus, machine)
    if flaw.name == "tdx_damaged_serial":
        return damaged_serial(machine.number)
    if flaw.name == "virtual_spellings":
        return _spelled_serial(serial, machine.number)
    if flaw.name == "scanned_serial":
        serial = f"S{serial}"
    return serial.lower() if machine.number % 9 == 0 else serial


def damaged_serial(number: int) -> str:
    """What a spreadsheet left of a number."""
    return f"{1 + number % 9}.{number % 90 + 10}E+{10 + number % 5}"


def _spelled_serial(serial: str, style: int) -> str:
    """VMware's serial number as programs and people write it, and as its UUID."""
    digits = serial.removeprefix("VMWARE-").replace(" ", "").replace("-", "")
    at = (0, 8, 12, 16, 20, 32)
    parts = [digits[start:end] for start, end in pairwise(at)]
    turned = ["".join(reversed([p[k : k + 2] for k in range(0, len(p), 2)])) for p in parts[:3]]
    return (
        f"VMware-{digits[:16].lower()}-{digits[16:].lower()}",
        f"VMware-{digits.lower()}",
        "-".join(parts),
        "-".join([*turned, *parts[3:]]),  # Windows has the first fields' bytes the other way round
        f" {serial} ",
    )[style % 5]


def _addresses_in_tdx(campus: Campus, machine: Machine) -> tuple[str, ...]:
    flaw = machine.flaw
    if flaw.name in ("tdx_no_mac", "virtual_spellings", "scanned_serial"):
        return ()
    if flaw.name == "macs_with_a_blank":
        two = (spelled(card_of(campus, machine, k), machine.number + k) for k in (2, 0))
        return (" ".join(two),)
    if flaw.name == "tdx_bad_mac":
        return ("see sticker",)
    # People note the first card, and now and then the second.
    count = 2 if machine.cards > 1 and machine.number % 3 == 0 else 1
    found = [spelled(card_of(campus, machine, k), machine.number + k) for k in range(count)]
    if flaw.name == "two_spellings":
        found.append(spelled(card_of(campus, machine, 0), machine.number + 1))
    if flaw.name in ("shared_dock", "dock_elsewhere") and not flaw.second:
        found.append(spelled(dock_of(campus, machine), machine.number))
    return tuple(found)


def spelled(address: str, style: int) -> str:
    """An address in one of the five spellings that people use."""
    pairs = [address[k : k + 2] for k in range(0, 12, 2)]
    lower = address.lower()
    return (
        ":".join(pairs),
        "-".join(pairs),
        ":".join(pairs).lower(),
        address,
        f"{lower[:4]}.{lower[4:8]}.{lower[8:]}",
    )[style % 5]


# --- KeyConfigure --------------------------------------------------------------------------------


def _cards(campus: Campus, machine: Machine) -> tuple[Card, ...]:
    if KEYCONFIGURE not in machine.systems:
        return ()
    flaw = machine.flaw
    name = true_name(campus, machine)
    if flaw.name == "keys_old_name":
        name = name_of(campus, machine, 0)
    if flaw.name == "keys_no_name":
        name = ""
    serial = _serial_in_keyconfigure(campus, machine)
    style = machine.number % 2 * 3  # colons or nothing
    addresses = [card_of(campus, machine, k) for k in range(machine.cards)]
    if flaw.name == "shared_dock" or (flaw.name == "dock_elsewhere" and flaw.second):
        addresses.append(dock_of(campus, machine))
    met = flaw.name != "keys_no_session"
    cards = [
        Card(k, address, spelled(address, style), name, serial, 9 * k, met)
        for k, address in enumerate(addresses)
    ]
    if flaw.name == "reimaged_in_inventory":
        before = name_of(campus, machine, 0)
        cards.append(cards[0]._replace(nth=8, name=before, age=300, current=False))
    if flaw.name == "two_spellings":
        first = cards[0]
        # The same card in an old audit, which did not ask for the serial number.
        cards.append(
            first._replace(
                nth=9, written=spelled(first.address, 4), serial="", age=300, current=False
            )
        )
    return tuple(cards)


def _serial_in_keyconfigure(campus: Campus, machine: Machine) -> str:
    if machine.flaw.name == "keys_no_serial":
        return ""
    if machine.flaw.name == "keys_placeholder_serial":
        return PLACEHOLDERS[(machine.number + 3) % len(PLACEHOLDERS)]
    if machine.flaw.name == "keys_damaged_serial":
        return damaged_serial(machine.number)
    serial = serial_of(campus, machine)
    return serial.lower() if machine.flaw.name == "virtual_spellings" else serial


# --- Active Directory ----------------------------------------------------------------------------


def machine_objects(
    campus: Campus, machine: Machine, day: int
) -> tuple[ActiveDirectoryComputer, ...]:
    """The objects of a machine: one, and what a conflict or a new installation left behind."""
    if ACTIVE_DIRECTORY not in machine.systems:
        return ()
    flaw = machine.flaw
    old = flaw.name == "tdx_and_ad_old_name"
    name = name_of(campus, machine, 0) if old else true_name(campus, machine)
    above = folder_of(campus, machine, day)
    ids = raw(b"machine ad", campus.seed, machine.number, machine.image)
    main = ActiveDirectoryComputer(
        guid=uuid_text(ids, 0),
        name=name,
        dn=f"CN={escaped(name)},{above}",
        disabled=machine.status != "Active" or flaw.name == "ad_disabled",
        image=machine.image,
        system="" if flaw.name == "ad_no_system" else release_of(machine)[0],
        has_host=flaw.name != "ad_no_host",
        problem={"ad_nul": NUL, "ad_bytes": BAD_BYTES}.get(flaw.name, ""),
    )
    if flaw.name.startswith("reimaged"):
        return (main, _left_behind(campus, machine, main, above))
    if flaw.name != "ad_conflict":
        return (main,)
    guid = uuid_text(ids, 1)
    spare = f"{name}\nCNF:{guid}"
    return (
        main,
        main._replace(guid=guid, name=spare, dn=f"CN={escaped(spare)},{above}", current=False),
    )


def _left_behind(
    campus: Campus, machine: Machine, main: ActiveDirectoryComputer, above: str
) -> ActiveDirectoryComputer:
    name = name_of(campus, machine, 0)
    return main._replace(
        guid=uuid_text(raw(b"machine ad", campus.seed, machine.number, 0), 2),
        name=name,
        dn=f"CN={escaped(name)},{above}",
        disabled=True,
        image=0,
        current=False,
        problem="",
    )


def folder_of(campus: Campus, machine: Machine, day: int) -> str:
    """The DN of the folder that a machine is in."""
    if machine.in_folder:
        return lab_unit_dn(campus, lab_on(campus, machine.lab, day))
    return department_unit_dn(campus, machine.department)
