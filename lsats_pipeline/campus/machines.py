"""Machines as they truly are from the start, and what identifies them.

number --traits--> Machine (model, department or lab, owner, systems that know it, defect)
Machine --> name, serial number, network addresses
"""

from __future__ import annotations

import struct
from array import array
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.groups import prefix_of, roster
from lsats_pipeline.campus.labs import is_pi, lab_count, lab_members, lab_start
from lsats_pipeline.campus.machine_defects import (
    ACTIVE_DIRECTORY,
    EVERYWHERE,
    KEYCONFIGURE,
    SOUND,
    TDX,
    Flaw,
    drawn_flaw,
    drawn_spelling,
    is_showcase,
    shown_spelling,
)
from lsats_pipeline.campus.people import manager_of_department
from lsats_pipeline.campus.sampling import below, bernoulli, coded, pick, raw, shuffled
from lsats_pipeline.campus.world import Campus

NOBODY = -1
NO_LAB = -1


class Model(NamedTuple):
    """A product: who makes it, what it is, and what runs on it."""

    maker: str
    name: str
    letter: str  # desktop, laptop, instrument, server
    system: str  # windows, macos, linux
    share: int


MODELS = (
    Model("Dell", "OptiPlex 7010", "D", "windows", 30),
    Model("Dell", "Latitude 5440", "L", "windows", 20),
    Model("HP", "Z2 Tower G9", "D", "windows", 8),
    Model("Lenovo", "ThinkPad T14", "L", "windows", 9),
    Model("Apple", "MacBook Pro 14", "L", "macos", 15),
    Model("Apple", "Mac mini M2", "D", "macos", 5),
    Model("Advantech", "Instrument Controller", "I", "windows", 7),
    Model("Supermicro", "SYS-620U", "S", "linux", 6),
)
_APPLE = MODELS[4]
_MODELS = tuple(model for model in MODELS for _ in range(model.share))
RELEASES = {
    "windows": (("Windows 10 Enterprise", "10.0.19045"), ("Windows 11 Enterprise", "10.0.22631")),
    "macos": (("macOS Ventura", "13.6.1"), ("macOS Sonoma", "14.4.1"), ("macOS Sequoia", "15.1")),
    "linux": (("Ubuntu 22.04 LTS", "22.04"), ("Red Hat Enterprise Linux 9", "9.3")),
}
# Percent known to a system, by whether somebody looks after the machine.
_MANAGED = 42
_KNOWN = {
    True: {TDX: 82, KEYCONFIGURE: 76, ACTIVE_DIRECTORY: 77},
    False: {TDX: 95, KEYCONFIGURE: 5, ACTIVE_DIRECTORY: 6},
}
_LAB_SHARE = 45  # percent of the machines near a lab that has machines


class Machine(NamedTuple):
    """One machine, true or as TDX believes."""

    number: int
    flaw: Flaw
    systems: frozenset[str]
    model: Model
    home: int  # the department it was bought for
    department: int
    lab: int
    in_folder: bool  # lives in the lab's folder, not the department's
    for_pi: bool  # named after the PI
    owner: int  # a person or NOBODY
    payer: int
    user: int  # who used it last
    naming: int  # how many names it had
    image: int  # how often it was installed
    release: int
    cards: int
    status: str
    session: int  # day of the last session
    place: int
    changes: int
    changed: int  # day of the last change, -1 before any


class MachineTraits(NamedTuple):
    """The uniforms of a machine's start, one per choice."""

    model: int
    managed: int
    tdx: int
    keyconfigure: int
    active_directory: int
    department: int
    owner: int
    payer: int
    user: int
    lab: int
    in_folder: int
    for_pi: int
    release: int
    cards: int
    session: int
    place: int
    owner_kind: int
    payer_kind: int
    user_kind: int


_TRAITS = struct.Struct(f"<{len(MachineTraits._fields)}H")


# --- how many, and where -------------------------------------------------------------------------


def machines_per_day(campus: Campus) -> int:
    """New machines each day: 0.15 % of the first ones."""
    return max(1, campus.machines * 15 // 10_000)


def machine_since(campus: Campus, number: int) -> int:
    """The day a machine came."""
    if number < campus.machines:
        return 0
    return (number - campus.machines) // machines_per_day(campus) + 1


def machine_count(campus: Campus, day: int) -> int:
    """How many machines have ever been there by the end of `day`."""
    return campus.machines + machines_per_day(campus) * day


def lab_near(campus: Campus, number: int) -> int:
    """The lab that a machine belongs to if it belongs to any."""
    labs = lab_count(campus)
    if number >= campus.machines:
        return (number - campus.machines) % labs
    return number * labs // campus.machines


@lru_cache(maxsize=2)
def _by_department(campus: Campus) -> dict[int, array[int]]:
    found = {department: array("i") for department in homes(campus)}
    for number in range(campus.machines):
        machine = machine_start(campus, number)
        if ACTIVE_DIRECTORY in machine.systems:
            found[machine.department].append(number)
    return found


def first_machines_in_ad(campus: Campus, department: int) -> array[int]:
    """The machines that a department had in Active Directory on the first day."""
    return _by_department(campus)[department]


def machine_home(campus: Campus, number: int) -> int | None:
    """The department in whose group of machines it may be."""
    return machine_start(campus, number).home if number < campus.machines else None


# --- the start -----------------------------------------------------------------------------------


def machine_start(campus: Campus, number: int) -> Machine:
    """A machine as on the day it came."""
    traits = MachineTraits._make(_TRAITS.unpack_from(raw(b"machine", campus.seed, number)))
    systems = _known_systems(campus, number, traits)
    exhibit = shown_spelling(campus, number)
    is_scanned = exhibit is not None and exhibit.name == "scanned_serial"
    model = _APPLE if is_scanned else pick(_MODELS, traits.model)
    flaw = Flaw(exhibit.name) if exhibit else _flaw(campus, number, systems)
    if flaw == SOUND:
        flaw = _spelling(campus, number, systems, model)
    lab = _lab(campus, number, traits)
    department = _department(campus, traits, lab)
    since = machine_since(campus, number)
    machine = Machine(
        number=number,
        flaw=flaw,
        systems=systems,
        model=model,
        home=department,
        department=department,
        lab=lab,
        in_folder=lab != NO_LAB
        and lab_start(campus, lab).has_folder
        and bernoulli(75, traits.in_folder),
        for_pi=lab != NO_LAB and bernoulli(18, traits.for_pi),
        owner=owner_near(campus, department, lab, traits.owner_kind, traits.owner),
        payer=_payer(campus, department, lab, traits.payer_kind),
        user=owner_near(campus, department, lab, traits.user_kind, traits.user),
        naming=1 if is_renamed(flaw) else 0,
        image=1 if flaw.name.startswith("reimaged") else 0,
        release=traits.release,
        cards=1 + (traits.cards % 100 < 35) + (traits.cards % 100 < 6),
        status={"inactive": "Inactive", "surplus": "Surplus"}.get(flaw.name, "Active"),
        session=since - 1 - below(60, traits.session),
        place=traits.place,
        changes=0,
        changed=since if since else -1,
    )
    return tied_to_lab(campus, machine)


def is_renamed(flaw: Flaw) -> bool:
    """Whether the machine had another name before the first day."""
    if flaw.name in ("same_name", "name_reused"):
        return flaw == ("name_reused", False)
    return "old_name" in flaw.name or flaw.name in _RENAMED


_RENAMED = (
    "reimaged", "undecidable", "reimaged_in_inventory", "virtual_spellings", "scanned_serial",
)  # fmt: skip


def _known_systems(campus: Campus, number: int, traits: MachineTraits) -> frozenset[str]:
    if is_showcase(number):
        # Nothing else may tie together what is to be undecidable.
        found = drawn_flaw(campus, number, campus.machines)
        alone = found is not None and found[1].name == "undecidable"
        return frozenset((TDX, ACTIVE_DIRECTORY)) if alone else EVERYWHERE
    if shown_spelling(campus, number):
        return EVERYWHERE
    shares = _KNOWN[bernoulli(_MANAGED, traits.managed)]
    drawn = {
        TDX: traits.tdx,
        KEYCONFIGURE: traits.keyconfigure,
        ACTIVE_DIRECTORY: traits.active_directory,
    }
    return frozenset(s for s in drawn if bernoulli(shares[s], drawn[s])) or frozenset((TDX,))


def _flaw(campus: Campus, number: int, systems: frozenset[str]) -> Flaw:
    drawn = drawn_flaw(campus, number, campus.machines)
    if drawn is None:
        return SOUND
    defect, flaw = drawn
    needs = set(defect.needs.split())
    if flaw.name == "undecidable" and KEYCONFIGURE in systems:
        return SOUND
    if not needs <= systems or (flaw.name in _PAIRED and not needs <= _neighbour(campus, number)):
        return SOUND
    return flaw


def _spelling(campus: Campus, number: int, systems: frozenset[str], model: Model) -> Flaw:
    defect = drawn_spelling(campus, number)
    if defect is None or not set(defect.needs.split()) <= systems:
        return SOUND
    if defect.name == "scanned_serial" and model.maker != "Apple":
        return SOUND
    return Flaw(defect.name)


_PAIRED = ("shared_dock", "dock_elsewhere", "swapped_serials", "same_name", "name_reused",
           "reused_tag")  # fmt: skip


def _neighbour(campus: Campus, number: int) -> frozenset[str]:
    """The systems that know the other machine of the pair."""
    traits = MachineTraits._make(_TRAITS.unpack_from(raw(b"machine", campus.seed, number ^ 1)))
    return _known_systems(campus, number ^ 1, traits)


def _lab(campus: Campus, number: int, traits: MachineTraits) -> int:
    near = lab_near(campus, number)
    has_any = lab_start(campus, near).has_machines
    return near if has_any and bernoulli(_LAB_SHARE, traits.lab) else NO_LAB


def _department(campus: Campus, traits: MachineTraits, lab: int) -> int:
    if lab != NO_LAB:
        return lab_start(campus, lab).department
    return pick(homes(campus), traits.department)


def owner_near(campus: Campus, department: int, lab: int, kind: int, uniform: int) -> int:
    """Somebody who may own or use a machine: of the lab, or employed by the department."""
    if lab != NO_LAB:
        pi = lab_start(campus, lab).pi.number
        members = _first_members(campus, lab)
        return pi if bernoulli(40, kind) or not members else pick(members, uniform)
    people = roster(campus, department)
    found = people[below(len(people), uniform)] if people else NOBODY
    return manager_of_department(campus, department) if found < 0 or is_pi(campus, found) else found


@lru_cache(maxsize=5000)
def _first_members(campus: Campus, lab: int) -> tuple[int, ...]:
    return tuple(sorted(lab_members(campus, lab, 0)))


def _payer(campus: Campus, department: int, lab: int, kind: int) -> int:
    if lab != NO_LAB and bernoulli(65, kind):
        return lab_start(campus, lab).pi.number
    return manager_of_department(campus, department) if bernoulli(90, kind) else NOBODY


def tied_to_lab(campus: Campus, machine: Machine) -> Machine:
    """A lab's machine shows so in at least one system that knows it."""
    if machine.lab == NO_LAB or machine.for_pi:
        return machine
    pi = lab_start(campus, machine.lab).pi.number
    tdx_ties_it = TDX in machine.systems and pi in (machine.owner, machine.payer)
    if tdx_ties_it or (ACTIVE_DIRECTORY in machine.systems and machine.in_folder):
        return machine
    return machine._replace(payer=pi) if TDX in machine.systems else machine._replace(for_pi=True)


def release_of(machine: Machine) -> tuple[str, str]:
    """Name and version of the operating system."""
    releases = RELEASES[machine.model.system]
    return releases[machine.release % len(releases)]


# --- identifiers ---------------------------------------------------------------------------------


def name_of(campus: Campus, machine: Machine, naming: int) -> str:
    """The name a machine has after so many renamings; at most 15 characters, unique."""
    code = machine.model.letter + coded(machine.number * 8 + naming % 8, campus.seed, 5)
    if machine.for_pi:
        return f"{lab_start(campus, machine.lab).ids.uniqname.upper()}-{code}"
    return f"{'LSA' if naming % 2 else prefix_of(campus, machine.home)}-{code}"


def true_name(campus: Campus, machine: Machine) -> str:
    """What the machine is called."""
    if machine.flaw == Flaw("name_reused", second=True):
        return name_of(campus, machine_start(campus, machine.number - 1), 0)
    if machine.flaw.name == "name_cut_at_15":
        return long_name_of(campus, machine)[:15]
    return name_of(campus, machine, machine.naming)


def long_name_of(campus: Campus, machine: Machine) -> str:
    """A name of more than 15 characters; no other begins with the same 15."""
    return f"{name_of(campus, machine, machine.naming)}-WORKSTATION"


_OUI = {"Dell": "D4BED9", "HP": "3C5282", "Lenovo": "54E1AD", "Apple": "A860B6"}
_ADDRESSES = 1 << 24


def card_of(campus: Campus, machine: Machine, nth: int) -> str:
    """The address of a network card, 12 digits."""
    number = shuffled(machine.number * 4 + nth, campus.seed, _ADDRESSES, 7_654_321)
    return f"{_OUI.get(machine.model.maker, '00D0C9')}{number:06X}"


def dock_of(campus: Campus, machine: Machine) -> str:
    """The address of the dock that a pair of machines shares."""
    number = shuffled(machine.number // 2 * 4 + 3, campus.seed, _ADDRESSES, 7_654_321)
    return f"0050B6{number:06X}"


def serial_of(campus: Campus, machine: Machine) -> str:
    """The number on its bottom; of a virtual machine as VMware shows it, in capitals."""
    if machine.flaw.name == "virtual_spellings":
        digits = f"564D{raw(b'virtual serial', campus.seed, machine.number).hex()[:28]}".upper()
        pairs = [digits[k : k + 2] for k in range(0, 32, 2)]
        return f"VMWARE-{' '.join(pairs[:8])}-{' '.join(pairs[8:])}"
    code = coded(machine.number, campus.seed, 7)
    return {"Apple": f"C02{code}Q", "HP": f"5CG{code}", "Lenovo": f"PF{code}"}.get(
        machine.model.maker, code
    )
