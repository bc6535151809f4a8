"""Groups from the person's side: what Active Directory says that somebody is a member of.

person as Active Directory believes, day --> DNs of the groups (`memberOf`)

The same predicates decide who is listed in a group (group_records.py), so both always agree.
"""

from __future__ import annotations

from lsats_pipeline.campus.directory_names import ad_group_dn
from lsats_pipeline.campus.group_anomalies import anomalous_ad_groups
from lsats_pipeline.campus.groups import (
    EVERYONE,
    SYNC,
    department_group_dn,
    in_everyone,
    lab_groups_of,
)
from lsats_pipeline.campus.labs import labs_of
from lsats_pipeline.campus.people import EMPLOYED, Person, start_of
from lsats_pipeline.campus.world import Campus


def in_ad_groups(person: Person | None) -> bool:
    """Whether Active Directory, believing this of somebody, keeps them in groups."""
    return person is not None and "active_directory" in person.accounts and person.role != "gone"


def stays_in_department(person: Person, start: Person) -> bool:
    """Whether somebody is still in the department whose groups they were put in."""
    return person.department == start.department and person.role != "gone"


def ad_groups_of(campus: Campus, number: int, person: Person | None, day: int) -> tuple[str, ...]:
    """The DNs of the AD groups somebody is in, by what Active Directory believes of them."""
    if person is None or not in_ad_groups(person):
        return ()
    found = []
    if in_everyone(campus, number):
        found.append(ad_group_dn(EVERYONE, SYNC))
    start = start_of(campus, number)
    employed = start.kind in EMPLOYED and number < campus.people
    if employed and stays_in_department(person, start):
        found.append(department_group_dn(campus, start.department))
    for lab in labs_of(campus, number, day):
        found += lab_groups_of(campus, number, lab)
    found += anomalous_ad_groups(campus).get(number, ())
    return tuple(found)
