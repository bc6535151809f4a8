"""One machine on one day, whole: truth, records and labels.

number, day --machines.py--> Beliefs --machine_views.py--> KnownMachine --> Facts
"""

from __future__ import annotations

from lsats_pipeline.campus.departments import skeleton
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.labs import Lab, lab_led_by, lab_start
from lsats_pipeline.campus.machine_defects import Flaw
from lsats_pipeline.campus.machine_events import Beliefs, machine_on
from lsats_pipeline.campus.machine_labels import label_machine
from lsats_pipeline.campus.machine_records import record_machine, uniqname_of
from lsats_pipeline.campus.machine_views import KnownMachine, known_machine
from lsats_pipeline.campus.machines import (
    NO_LAB,
    NOBODY,
    Machine,
    card_of,
    machine_start,
    serial_of,
    true_name,
)
from lsats_pipeline.campus.world import Campus


def machine_facts(campus: Campus, number: int, day: int) -> Facts:
    """All rows about a machine on a day; a pure function of its arguments."""
    facts = Facts()
    now = machine_on(campus, number, day)
    if now is not None:
        _add(facts, campus, now, day)
    return facts


def _add(facts: Facts, campus: Campus, now: Beliefs, day: int) -> None:
    machine = now.truth
    known = known_machine(campus, now, day)
    record_machine(facts, campus, known, day)
    facts.add("computers", (machine.number,), _truth(campus, machine))
    _add_records(facts, known)
    _add_labs(facts, campus, known)
    label_machine(facts, known)


def _truth(campus: Campus, machine: Machine) -> tuple[object, ...]:
    addresses = [card_of(campus, machine, k) for k in range(machine.cards)]
    lab = None if machine.lab == NO_LAB else lab_start(campus, machine.lab).ids.uniqname
    return (
        true_name(campus, machine), serial_of(campus, machine), " ".join(addresses),
        uniqname_of(campus, machine.owner) or None, uniqname_of(campus, machine.payer) or None,
        uniqname_of(campus, machine.user) or None, skeleton(campus)[machine.department].code, lab,
        machine.status, machine.flaw.name, machine.flaw.second,
    )  # fmt: skip


def _add_records(facts: Facts, known: KnownMachine) -> None:
    """Which readable records are this machine."""
    number = known.truth.number
    for asset in known.tdx:
        if not asset.problem:
            facts.add(
                "machine_records", (number, "tdx", "asset", str(asset.asset_id)), (asset.current,)
            )
    for card in known.keyconfigure:
        key = (number, "key_client", "computer", card.key)
        facts.add("machine_records", key, (card.current,))
    for ad_computer in known.active_directory:
        if not ad_computer.problem:
            key = (number, "active_directory", "computer", ad_computer.guid)
            facts.add("machine_records", key, (ad_computer.current,))


def _add_labs(facts: Facts, campus: Campus, known: KnownMachine) -> None:
    """Labs that readable records tie the machine to, and by what (domain/hub.md 5.10)."""
    found: dict[str, set[str]] = {}
    for asset in known.tdx:
        if asset.current and not asset.problem:
            readable = asset.has_detail and not asset.detail_problem
            owner = NOBODY if known.tdx_belief.flaw.name == "tdx_unknown_owner" else asset.owner
            _tie(found, campus, owner, "owner_is_pi")
            _tie(found, campus, asset.payer if readable else NOBODY, "fin_owner_is_pi")
    machine = known.truth
    if machine.in_folder and any(t.current and not t.problem for t in known.active_directory):
        _note(found, lab_start(campus, machine.lab), "ad_ou_nested")
    named = _named_as(campus, machine)
    if named.for_pi and _is_readable(known):
        _note(found, lab_start(campus, named.lab), "name_pattern_pi")
    for pi, methods in found.items():
        facts.add("lab_computers", (pi, machine.number), (" ".join(sorted(methods)),))


def _named_as(campus: Campus, machine: Machine) -> Machine:
    """The machine that has given its name: another one, when it was used again."""
    if machine.flaw == Flaw("name_reused", second=True):
        return machine_start(campus, machine.number - 1)
    return machine


def _is_readable(known: KnownMachine) -> bool:
    return (
        any(not asset.problem for asset in known.tdx)
        or bool(known.keyconfigure)
        or any(not ad_computer.problem for ad_computer in known.active_directory)
    )


def _tie(found: dict[str, set[str]], campus: Campus, person: int, method: str) -> None:
    lab = None if person == NOBODY else lab_led_by(campus, person)
    if lab is not None:
        _note(found, lab, method)


def _note(found: dict[str, set[str]], lab: Lab, method: str) -> None:
    found.setdefault(lab.ids.uniqname, set()).add(method)
