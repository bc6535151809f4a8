"""Which flags the hub must raise about a machine's records, decided from the views.

    KnownMachine --> one flag table per silver table --> labels; intended defects under 'campus'

`campus.machine_records` says which records belong together, so tables that merge them have no
labels of their own.
"""

from __future__ import annotations

from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.labels import Flags, raise_flags
from lsats_pipeline.campus.machine_views import (
    PLACEHOLDERS,
    ActiveDirectoryComputer,
    Card,
    KnownMachine,
    TdxAsset,
)
from lsats_pipeline.campus.machines import NOBODY


def _enriched(asset: TdxAsset) -> bool:
    return asset.has_detail and not asset.detail_problem


def _is_damaged(serial: str) -> bool:
    return "E+" in serial


ASSET_FLAGS: Flags[TdxAsset] = (
    ("missing_name", lambda a: not a.name),
    ("missing_serial_number", lambda a: not a.serial),
    ("placeholder_serial_number", lambda a: a.serial in PLACEHOLDERS),
    ("damaged_serial_number", lambda a: _is_damaged(a.serial)),
    ("missing_owner", lambda a: a.owner == NOBODY),
    ("missing_department", lambda a: not a.has_department),
    ("not_enriched", lambda a: not _enriched(a)),
    ("missing_mac_address", lambda a: _enriched(a) and not a.addresses),
    ("malformed_mac_address", lambda a: _enriched(a) and a.bad_address),
    ("invalid_attr_last_inventoried_date", lambda a: _enriched(a) and a.bad_date),
)
COMPUTER_FLAGS: Flags[ActiveDirectoryComputer] = (
    ("conflict_object", lambda c: "\n" in c.name),
    ("missing_operating_system", lambda c: not c.system),
    ("missing_dns_hostname", lambda c: not c.has_host),
    ("account_disabled", lambda c: c.disabled),
)
CARD_FLAGS: Flags[Card] = (
    ("missing_computer_name", lambda c: not c.name),
    ("missing_last_session", lambda c: not c.has_session),
)
# About the cards of one name and serial number.
INVENTORY_FLAGS: Flags[list[Card]] = (
    ("missing_computer_name", lambda cards: not cards[0].name),
    ("missing_serial_number", lambda cards: not cards[0].serial),
    ("placeholder_serial_number", lambda cards: cards[0].serial in PLACEHOLDERS),
    ("damaged_serial_number", lambda cards: _is_damaged(cards[0].serial)),
    ("missing_last_session", lambda cards: not any(c.has_session for c in cards)),
)


def label_machine(facts: Facts, known: KnownMachine) -> None:
    """Add every label that this machine's records call for."""
    flaw = known.truth.flaw.name
    if flaw:
        facts.label("campus", f"machine_{flaw}", str(known.truth.number))
    for asset in (*known.tdx, *known.accessories):
        _label_asset(facts, asset)
    for ad_computer in known.active_directory:
        if ad_computer.problem:
            facts.label("rejects:active_directory_computer", ad_computer.problem, ad_computer.guid)
        else:
            raise_flags(facts, "ad_computers", COMPUTER_FLAGS, ad_computer, ad_computer.guid)
    for card in known.keyconfigure:
        raise_flags(facts, "keyconfigure_cards", CARD_FLAGS, card, card.key)
    _label_inventory(facts, known)


def _label_asset(facts: Facts, asset: TdxAsset) -> None:
    key = str(asset.asset_id)
    if asset.problem:
        facts.label("rejects:tdx_asset", asset.problem, key)
        return
    if asset.detail_problem and asset.has_detail:
        facts.label("rejects:tdx_asset_detail", asset.detail_problem, key)
    raise_flags(facts, "tdx_assets", ASSET_FLAGS, asset, key)


def _label_inventory(facts: Facts, known: KnownMachine) -> None:
    """Rows of one name and serial number are one computer to the hub."""
    found: dict[str, list[Card]] = {}
    for card in known.keyconfigure:
        found.setdefault(computer_id(card), []).append(card)
    shared = known.truth.flaw.name == "shared_dock" or len(found) > 1
    for key, cards in found.items():
        raise_flags(facts, "keyconfigure_computers", INVENTORY_FLAGS, cards, key)
        if shared:
            facts.label("keyconfigure_computers", "shared_mac_address", key)


def computer_id(card: Card) -> str:
    """How the hub calls the computer of a card: name and serial number, in capitals."""
    useless = card.serial in PLACEHOLDERS or _is_damaged(card.serial)
    serial = "" if useless else card.serial.upper()
    if serial.startswith("VMWARE-"):
        serial = serial.removeprefix("VMWARE-").replace(" ", "").replace("-", "")
    if card.name:
        return f"{card.name.upper()}-{serial}" if serial else card.name.upper()
    return f"SERIAL-{serial}" if serial else f"MAC-{card.address}"
