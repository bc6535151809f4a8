"""One person on one day, whole: truth, appointments, records and labels.

number, day --events.py--> States --views.py--> Known --> records.py, labels.py --> Facts
"""

from __future__ import annotations

from lsats_pipeline.campus.defects import defects_of
from lsats_pipeline.campus.departments import skeleton
from lsats_pipeline.campus.events import States, states
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.labels import label_person
from lsats_pipeline.campus.memberships import ad_groups_of
from lsats_pipeline.campus.people import Ids, Person, ids_as, ids_of, is_manager, manager
from lsats_pipeline.campus.records import record_person
from lsats_pipeline.campus.views import known
from lsats_pipeline.campus.world import Campus

NO_DEFECTS: frozenset[str] = frozenset()


def person_facts(campus: Campus, number: int, day: int) -> Facts:
    """All rows about a person on a day; a pure function of its arguments."""
    now = states(campus, number, day)
    return _facts(campus, number, now, _groups(campus, number, now, day))


def person_change(campus: Campus, number: int, day: int) -> tuple[Facts, Facts] | None:
    """The rows about a person on the day before and on `day`; None when nothing reached anyone."""
    before, after = states(campus, number, day - 1), states(campus, number, day)
    groups_before = _groups(campus, number, before, day - 1)
    groups_after = _groups(campus, number, after, day)
    if (before, groups_before) == (after, groups_after):
        return None
    return (
        _facts(campus, number, before, groups_before),
        _facts(campus, number, after, groups_after),
    )


def _groups(campus: Campus, number: int, now: States | None, day: int) -> tuple[str, ...]:
    """The groups that Active Directory keeps somebody in."""
    return ad_groups_of(campus, number, now.active_directory, day) if now else ()


def _facts(campus: Campus, number: int, now: States | None, groups: tuple[str, ...]) -> Facts:
    facts = Facts()
    if now is None:
        return facts
    ids = ids_of(campus, number, now.start.first, now.start.last)
    defects = NO_DEFECTS if is_manager(number) else defects_of(campus, number)
    seen = known(campus, now, ids, defects, groups)
    _add_truth(facts, campus, now.truth, ids_as(ids, now.truth), defects)
    record_person(facts, campus, seen)
    label_person(facts, seen)
    return facts


def _add_truth(
    facts: Facts, campus: Campus, person: Person, ids: Ids, defects: frozenset[str]
) -> None:
    every = skeleton(campus)
    row = (
        person.kind, "left" if person.role == "gone" else "active", ids.uniqname, person.first,
        person.middle, person.last, person.nickname, person.title, every[person.department].code,
        person.phone, person.mobile, person.building, person.room, " ".join(sorted(defects)),
    )  # fmt: skip
    facts.person((person.number,), row)
    for job in person.jobs:
        boss = manager(campus, job.department)[1].empl_id
        code = every[job.department].code
        content = (ids.empl_id, code, job.jobcode, job.title, job.department_title, boss)
        facts.appointment((person.number, job.rcd), content)
