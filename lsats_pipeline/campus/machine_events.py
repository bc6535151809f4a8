"""Events of machines, as one table, and the state of a machine after them.

    machine_start --events up to the day--> the truth
                  --those TDX knows of--> what TDX holds

KeyConfigure and Active Directory see a machine itself, so they have a change at once; in TDX
people record it, up to three days later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.events import LAGS, MAX_LAG
from lsats_pipeline.campus.machine_defects import KEYCONFIGURE, LASTING, SOUND, TDX
from lsats_pipeline.campus.machines import (
    NO_LAB,
    Machine,
    machine_count,
    machine_since,
    machine_start,
    owner_near,
    tied_to_lab,
)
from lsats_pipeline.campus.sampling import bernoulli, event_days, pick, uniforms
from lsats_pipeline.campus.world import Campus

_RATE = 560  # of 65,536 days a machine has an event


Apply = Callable[[Campus, Machine, tuple[int, ...]], Machine]


def _renamed(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    return machine._replace(naming=machine.naming + 1)


def _reimaged(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    """Another system and another name; Active Directory gets a new object for it."""
    return machine._replace(
        naming=machine.naming + 1, image=machine.image + 1, release=draw[4], user=machine.owner
    )


def _retired(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    """To surplus; half of the time the other systems drop it at once."""
    left = machine.systems & {TDX} if bernoulli(50, draw[4]) else machine.systems
    return machine._replace(status=pick(("Surplus", "Inactive"), draw[5]), systems=left)


def _handed_on(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    person = owner_near(campus, machine.department, machine.lab, draw[4], draw[5])
    return tied_to_lab(campus, machine._replace(owner=person, user=person))


def _moved(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    """To another room, and when it is no lab's, to another department."""
    if machine.lab != NO_LAB:
        return machine._replace(place=draw[5])
    department = pick(homes(campus), draw[4])
    return machine._replace(department=department, place=draw[5])


def _used(campus: Campus, machine: Machine, draw: tuple[int, ...]) -> Machine:
    user = owner_near(campus, machine.department, machine.lab, draw[4], draw[5])
    return machine._replace(user=user)


EVENTS: tuple[tuple[Apply, int], ...] = (
    (_renamed, 8), (_reimaged, 8), (_retired, 8), (_handed_on, 18), (_moved, 14), (_used, 44),
)  # fmt: skip
_CHOICES = tuple(apply for apply, weight in EVENTS for _ in range(weight))
# What machines are matched by stays as it is where a defect has made it difficult already.
_GENTLE = tuple(apply for apply in _CHOICES if apply not in (_renamed, _reimaged, _retired))


class Beliefs(NamedTuple):
    """A machine on one day: truly, and as TDX believes (None: does not know it yet)."""

    truth: Machine
    tdx: Machine | None


def machine_on(campus: Campus, number: int, day: int) -> Beliefs | None:
    """A machine on a day, or None before it came."""
    since = machine_since(campus, number)
    if day < since:
        return None
    truth = tdx = machine_start(campus, number)
    lagging = KEYCONFIGURE in truth.systems and truth.flaw.name not in LASTING
    for when in event_days(b"machine days", campus.seed, number, _RATE, since + 1, day):
        draw = uniforms(b"machine event", campus.seed, number, when)
        apply = pick(_CHOICES if truth.flaw == SOUND else _GENTLE, draw[0])
        if truth.status == "Active":
            truth = _after(campus, truth, apply, draw, when)
            if not lagging or when + pick(LAGS, draw[1]) <= day:
                tdx = _after(campus, tdx, apply, draw, when)
    lag = pick(LAGS, uniforms(b"machine comes", campus.seed, number)[0]) if since else 0
    # Without an inventory nothing but the name ties TDX to Active Directory, so TDX waits for none.
    return Beliefs(truth, tdx if day >= since + lag * lagging else None)


def _after(
    campus: Campus, machine: Machine, apply: Apply, draw: tuple[int, ...], day: int
) -> Machine:
    changed = apply(campus, machine, draw)
    return changed._replace(session=day, changes=machine.changes + 1, changed=day)


def machines_with_events(campus: Campus, day: int) -> Iterator[int]:
    """Every machine whose records may differ between the day before and `day`, ascending."""
    first = max(1, day - MAX_LAG)
    for number in range(machine_count(campus, day)):
        came_lately = machine_since(campus, number) >= first
        if came_lately or _has_event(campus, number, first, day):
            yield number


def _has_event(campus: Campus, number: int, first: int, last: int) -> bool:
    return any(event_days(b"machine days", campus.seed, number, _RATE, first, last))
