"""Events of people, as one table, and the state of a person after them.

    start_of(person) --events up to the day, in order--> the truth
                     --those that have reached a system--> what that system holds

An event reaches each system after 0 to 3 days of its own, so systems disagree for a while.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.defects import defects_of
from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.labs import belongs_at_first, is_pi
from lsats_pipeline.campus.people import (
    EMPLOYED,
    KINDS,
    SYSTEMS,
    Person,
    job,
    other_than,
    start_of,
)
from lsats_pipeline.campus.sampling import (
    UNIFORMS,
    below,
    bernoulli,
    event_days,
    pick,
    raw,
    uniforms,
)
from lsats_pipeline.campus.world import UNIQNAME_CHANGES, Campus

LAGS = (0, 0, 0, 0, 0, 0, 0, 1, 2, 3)
MAX_LAG = max(LAGS)
# 0.85 % of all people have an event on a day; hires make it about 1 %.
_RATE = 557  # of 65,536
# Those who may get another uniqname get it so often that 0.1 % of all do on a day.
_RENAMING = 234  # of 65,536
_RENAMED = ("alumni", "student", "sponsored")


class EventDraw(NamedTuple):
    """The uniforms of one event."""

    what: int
    first: int
    second: int
    third: int
    lag_tdx: int
    lag_umich_api: int
    lag_mcommunity: int
    lag_active_directory: int


Apply = Callable[[Campus, Person, EventDraw], Person]


class Event(NamedTuple):
    """A kind of event; weights are its share of the events of a role."""

    apply: Apply
    weights: dict[str, int]


def _move(campus: Campus, person: Person, draw: EventDraw) -> Person:
    rooms = homes(campus)
    step = 1 + below(len(rooms) - 1, draw.first)
    department = rooms[(person.department - rooms.start + step) % len(rooms)]
    jobs = person.jobs
    if jobs:
        jobs = (job(campus, 0, department, jobs[0].title), *jobs[1:])
    return person._replace(department=department, jobs=jobs)


def _rename(campus: Campus, person: Person, draw: EventDraw) -> Person:
    last = other_than(names.LAST_NAMES, person.last, draw.first)
    return person._replace(last=last, old_last=person.last)


def _new_phone(campus: Campus, person: Person, draw: EventDraw) -> Person:
    return person._replace(phone=f"555{below(10_000, draw.first):04d}")


def _new_mobile(campus: Campus, person: Person, draw: EventDraw) -> Person:
    return person._replace(mobile=f"556{below(10_000, draw.first):04d}")


def _new_place(campus: Campus, person: Person, draw: EventDraw) -> Person:
    building = other_than(names.BUILDINGS, person.building, draw.first)
    return person._replace(building=building, room=str(1000 + below(4000, draw.second)))


def _new_title(campus: Campus, person: Person, draw: EventDraw) -> Person:
    title = other_than(KINDS[person.kind].titles, person.title, draw.first)
    jobs = tuple(job(campus, j.rcd, j.department, title or j.title) for j in person.jobs)
    return person._replace(title=title, jobs=jobs)


def _appointed(campus: Campus, person: Person, draw: EventDraw) -> Person:
    """One appointment more, or one less when there was one to spare."""
    jobs = person.jobs
    if len(jobs) > (1 if person.kind in EMPLOYED else 0):
        return person._replace(jobs=jobs[:-1])
    place = pick(homes(campus), draw.first) if jobs else person.department
    added = job(campus, len(jobs), place, person.title or "Student Assistant")
    return person._replace(jobs=(*jobs, added))


def _leave(campus: Campus, person: Person, draw: EventDraw) -> Person:
    """Accounts are dropped, switched off, or (the directory) turned into those of an alumnus."""
    graduate = person.kind == "student"
    keeps = {
        "mcommunity": graduate or (person.kind != "alumni" and bernoulli(70, draw.first)),
        "active_directory": bernoulli(70, draw.second),
        "tdx": bernoulli(60, draw.third),
    }
    accounts = frozenset(s for s in person.accounts if keeps.get(s))
    return person._replace(
        kind="alumni" if graduate else person.kind,
        role="gone",
        jobs=(),
        accounts=accounts,
        disabled=accounts & {"active_directory", "tdx"},
    )


EVENTS = (
    Event(_move, {"staff": 14, "faculty": 8, "student": 15, "sponsored": 15}),
    Event(_rename, {
        "alumni": 35, "staff": 8, "faculty": 6, "student": 8, "sponsored": 5, "manager": 8,
    }),
    Event(_new_phone, {"staff": 20, "faculty": 20, "student": 22, "sponsored": 30, "manager": 32}),
    Event(_new_mobile, {"staff": 8, "faculty": 8, "student": 5, "manager": 20}),
    Event(_new_place, {"alumni": 55, "staff": 15, "faculty": 18, "student": 15, "manager": 40}),
    Event(_new_title, {"staff": 18, "faculty": 18, "student": 10, "sponsored": 20}),
    Event(_appointed, {"staff": 7, "faculty": 12, "student": 10}),
    Event(_leave, {"alumni": 10, "staff": 10, "faculty": 10, "student": 15, "sponsored": 30}),
)  # fmt: skip
# Each role's events, repeated by weight; showcase and gone have none.
_CHOICES: dict[str, tuple[Event, ...]] = {
    role: tuple(e for e in EVENTS for _ in range(e.weights.get(role, 0)))
    for role in (*KINDS, "manager")
}


class States(NamedTuple):
    """A person on one day: truly, and as each system holds them (None: not yet)."""

    start: Person
    truth: Person
    tdx: Person | None
    umich_api: Person | None
    mcommunity: Person | None
    active_directory: Person | None


def _change_uniqname(campus: Campus, person: Person, draw: EventDraw) -> Person:
    return person._replace(renames=person.renames + 1)


@lru_cache(maxsize=200_000)
def _may_be_renamed(campus: Campus, number: int) -> bool:
    # Awards, folders and machines go by the names of who is of a lab or employed.
    if UNIQNAME_CHANGES not in campus.additions or start_of(campus, number).role not in _RENAMED:
        return False
    in_lab = any(belongs_at_first(campus, number, visiting) for visiting in (False, True))
    return not (in_lab or is_pi(campus, number) or defects_of(campus, number))


def _uniqname_changes(campus: Campus, number: int, first: int, last: int) -> Iterator[DatedEvent]:
    """When somebody gets another uniqname; not before all systems have them."""
    came = campus.since(number)
    if last < (first := max(first, came + MAX_LAG + 1 if came else 1)):
        return
    if not any(event_days(b"renames", campus.seed, number, _RENAMING, first, last)):
        return
    if _may_be_renamed(campus, number):
        for day in event_days(b"renames", campus.seed, number, _RENAMING, first, last):
            drawn = uniforms(b"rename", campus.seed, number, day)[: len(EventDraw._fields)]
            yield DatedEvent(day, _change_uniqname, EventDraw._make(drawn))


def states(campus: Campus, number: int, day: int) -> States | None:
    """Who a person is on a day, or None before they came."""
    since = campus.since(number)
    if day < since:
        return None
    start = start_of(campus, number)
    history = _whole_history(campus, start, since, day) if day > since else []
    if not history and (since == 0 or day >= since + MAX_LAG):
        return States(start, start, start, start, start, start)
    truth = _replay(campus, start, history)
    arrival = uniforms(b"arrival", campus.seed, number) if since else (0,) * len(SYSTEMS)
    believed = (
        _replay(campus, start, [e for e in history if e.reached(k, day)])
        if day >= since + pick(LAGS, arrival[k])
        else None
        for k in range(len(SYSTEMS))
    )
    return States(start, truth, *believed)


def present_state(now: States) -> Person:
    """A person as the system believes that knows of most changes of the uniqname."""
    believed = [
        person
        for system, person in zip(SYSTEMS, now[2:], strict=True)
        if person is not None
        and (person.jobs if system == "umich_api" else system in person.accounts)
    ]
    return max(believed, key=lambda person: person.renames, default=now.truth)


def people_with_events(campus: Campus, day: int) -> Iterator[int]:
    """Everybody whose records may differ between the day before and `day`, ascending.

    Those are the people who had an event, or came, on that day or within the longest lag before it.
    """
    first = max(1, day - MAX_LAG)
    for number in range(campus.people):
        if _has_event(campus.seed, number, first, day) or _is_renamed(campus, number, first, day):
            yield number
    for number in range(campus.people, campus.population(day)):
        came_lately = campus.since(number) >= first
        if (
            came_lately
            or _has_event(campus.seed, number, first, day)
            or _is_renamed(campus, number, first, day)
        ):
            yield number


_DAYS = tuple(struct.Struct(f"<{count}H") for count in range(UNIFORMS + 1))


def _is_renamed(campus: Campus, number: int, first: int, last: int) -> bool:
    return next(_uniqname_changes(campus, number, first, last), None) is not None


def _has_event(seed: int, number: int, first: int, last: int) -> bool:
    block, start = divmod(first, UNIFORMS)
    count = last - first + 1
    if start + count > UNIFORMS:
        return any(_has_event(seed, number, day, day) for day in range(first, last + 1))
    drawn: tuple[int, ...] = _DAYS[count].unpack_from(raw(b"days", seed, number, block), 2 * start)
    return min(drawn) < _RATE


class DatedEvent(NamedTuple):
    """An event of a person, with its day and its random values."""

    day: int
    apply: Apply
    draw: EventDraw

    def reached(self, system: int, day: int) -> bool:
        """Whether a system (its place in SYSTEMS) knows of it by `day`."""
        return self.day + pick(LAGS, self.draw[4 + system]) <= day


def _whole_history(campus: Campus, start: Person, since: int, until: int) -> list[DatedEvent]:
    """With the changes of the uniqname, of which there are none after leaving."""
    history = _history(campus, start, since, until)
    left = [event.day for event in history if event.apply is _leave]
    renames = _uniqname_changes(campus, start.number, since, min(left, default=until + 1) - 1)
    return sorted([*history, *renames], key=lambda event: event.day)


def _history(campus: Campus, start: Person, since: int, until: int) -> list[DatedEvent]:
    """A person's events after `since`, up to and with `until`; nothing happens after leaving."""
    found: list[DatedEvent] = []
    choices = _CHOICES.get(start.role)
    if choices is None:
        return found
    for block in range(since // UNIFORMS, until // UNIFORMS + 1):
        for spot, uniform in enumerate(uniforms(b"days", campus.seed, start.number, block)):
            day = block * UNIFORMS + spot
            if uniform < _RATE and since < day <= until:
                drawn = uniforms(b"event", campus.seed, start.number, day)
                apply = pick(choices, drawn[0]).apply
                found.append(
                    DatedEvent(day, apply, EventDraw._make(drawn[: len(EventDraw._fields)]))
                )
                if apply is _leave:
                    return found
    return found


def _replay(campus: Campus, person: Person, history: Iterable[DatedEvent]) -> Person:
    for event in history:
        changed = event.apply(campus, person, event.draw)
        person = changed._replace(changes=person.changes + 1, changed=event.day)
    return person
