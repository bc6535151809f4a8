"""A day of the campus in blocks, each made alone: some people, machines, labs or departments.

day --propagated_changes.py--> blocks --facts on the day before and on the day--> Changes
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lsats_pipeline.campus.awards import odd_award_facts
from lsats_pipeline.campus.department_views import department_facts
from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.facts import TABLES, Facts
from lsats_pipeline.campus.group_records import campus_group_facts, department_group_facts
from lsats_pipeline.campus.lab_snapshot import lab_facts
from lsats_pipeline.campus.labs import lab_count
from lsats_pipeline.campus.machine_records import record_orphan_card
from lsats_pipeline.campus.machine_snapshot import machine_facts
from lsats_pipeline.campus.other_accounts import other_account_facts
from lsats_pipeline.campus.propagated_changes import PropagatedChanges
from lsats_pipeline.campus.records import record_orphans
from lsats_pipeline.campus.snapshot import person_change
from lsats_pipeline.campus.units import unit_facts
from lsats_pipeline.campus.world import Campus

Change = Callable[[Campus, int, int], tuple[Facts, Facts] | None]  # (campus, number, day)
FactsOf = Callable[[Campus, int, int], Facts]
Rows = list[tuple[Any, ...]]


class DayBlock(NamedTuple):
    """Some people, machines, ... on a day; small enough to be handed to another process."""

    campus: Campus
    day: int
    subject: str
    numbers: Sequence[int]


class Changes(NamedTuple):
    """What a block changes, table after table of TABLES: keys of rows that end, rows that begin."""

    closed: tuple[Rows, ...]
    opened: tuple[Rows, ...]


def blocks_of(campus: Campus, day: int, size: int) -> Iterator[DayBlock]:
    """All that the day can have changed, so many of a subject in a block."""
    for subject, numbers in _reached(campus, day).items():
        for start in range(0, len(numbers), size):
            yield DayBlock(campus, day, subject, numbers[start : start + size])


def changes(block: DayBlock) -> Changes:
    """What is different on its day; on day 0, with nothing before it, everything.

    A pure function: whenever, wherever and in whatever order blocks are made.
    """
    found = Changes(tuple([] for _ in TABLES), tuple([] for _ in TABLES))
    date = block.campus.date(block.day)
    for number in block.numbers:
        change = SUBJECTS[block.subject](block.campus, number, block.day)
        if change:
            _compare(*change, date, found)
    return found


def _compare(before: Facts, after: Facts, date: dt.date, found: Changes) -> None:
    for k, (old, new) in enumerate(zip(before.rows, after.rows, strict=True)):
        if old != new:
            found.closed[k].extend([key for key, rest in old.items() if new.get(key) != rest])
            found.opened[k].extend(
                [(*key, *rest, date) for key, rest in new.items() if old.get(key) != rest]
            )


# --- subjects ------------------------------------------------------------------------------------


def _reached(campus: Campus, day: int) -> dict[str, Sequence[int]]:
    """By subject, whose facts may differ between the day before and `day`."""
    whole = range(len(_WHOLE))
    if day == 0:
        return {
            "whole": whole,
            "people": range(campus.people),
            "machines": range(campus.machines),
            "labs": range(lab_count(campus)),
            "departments": homes(campus),
        }
    propagated = PropagatedChanges(campus, day)
    return {
        "whole": whole,
        "people": propagated.people,
        "machines": propagated.machines,
        "labs": propagated.labs(),
        "departments": propagated.departments(),
    }


def _orphan_facts(campus: Campus, day: int) -> Facts:
    """Records that are nobody's; they never change."""
    facts = Facts()
    record_orphans(facts, campus)
    odd_award_facts(facts, campus)
    record_orphan_card(facts)
    return facts


_WHOLE = (
    department_facts,
    _orphan_facts,
    campus_group_facts,
    unit_facts,
    other_account_facts,
)


def _whole_facts(campus: Campus, number: int, day: int) -> Facts:
    return _WHOLE[number](campus, day)


def _compared(facts_of: FactsOf) -> Change:
    def change(campus: Campus, number: int, day: int) -> tuple[Facts, Facts]:
        before = facts_of(campus, number, day - 1) if day else Facts()
        return before, facts_of(campus, number, day)

    return change


SUBJECTS: Mapping[str, Change] = {
    "whole": _compared(_whole_facts),
    "people": person_change,
    "machines": _compared(machine_facts),
    "labs": _compared(lab_facts),
    "departments": _compared(department_group_facts),
}
