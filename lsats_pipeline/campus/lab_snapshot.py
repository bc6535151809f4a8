"""One lab on one day, whole: its awards, its groups, who the hub must find in it.

Which folder it has is in units.py, for folders above it are shared; its machines know their lab.
"""

from __future__ import annotations

from lsats_pipeline.campus.awards import award_facts
from lsats_pipeline.campus.departments import skeleton
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.group_records import lab_group_facts
from lsats_pipeline.campus.labs import Lab, lab_on
from lsats_pipeline.campus.units import lab_unit_dn
from lsats_pipeline.campus.world import Campus


def lab_facts(campus: Campus, number: int, day: int) -> Facts:
    """All rows about a lab on a day; a pure function of its arguments."""
    facts = Facts()
    lab = lab_on(campus, number, day)
    award_facts(facts, campus, lab)
    lab_group_facts(facts, campus, number, day)
    facts.add("labs", (lab.ids.uniqname,), _truth(campus, lab))
    _add_members(facts, lab)
    return facts


def _truth(campus: Campus, lab: Lab) -> tuple[object, ...]:
    code = skeleton(campus)[lab.department].code
    folder = lab_unit_dn(campus, lab) if lab.has_folder else None
    status = lab.status or None if lab.has_folder else None
    return (lab.pi.number, code, folder, lab.branch if folder else None, status, lab.awards)


def _add_members(facts: Facts, lab: Lab) -> None:
    """The PI, and everybody in a group of the lab: each of its groups is tied to the PI (5.8)."""
    pi = lab.ids.uniqname
    facts.add("lab_members", (pi, pi), (True,))
    for (_, kind, member), _ in facts.of("group_members"):
        if kind == "person":
            facts.add("lab_members", (pi, member), (member == pi,))
