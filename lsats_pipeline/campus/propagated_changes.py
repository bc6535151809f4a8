"""Who and what may differ between two days, so that nothing else has to be compared.

    events, arrivals --> people, labs, departments, machines whose facts have to be compared

Each may list too many; none may leave one out.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from lsats_pipeline.campus.events import people_with_events
from lsats_pipeline.campus.groups import first_department
from lsats_pipeline.campus.labs import lab_count, lab_on, membership_changes, neighbourhood
from lsats_pipeline.campus.machine_events import machines_with_events
from lsats_pipeline.campus.machines import lab_near, machine_count, machine_home
from lsats_pipeline.campus.world import Campus


def changed_people(campus: Campus, day: int) -> Iterator[int]:
    """Everybody who had an event, came, or joined or left a lab, lately; ascending."""
    joined = sorted(
        {n for k in range(lab_count(campus)) for n in membership_changes(campus, k, day, day)}
    )
    last = None
    for number in merge(people_with_events(campus, day), joined):
        if number != last:
            yield number
        last = number


class PropagatedChanges:
    """What one day's events reach."""

    def __init__(self, campus: Campus, day: int) -> None:
        self._campus = campus
        self._day = day
        self.people = list(changed_people(campus, day))
        self.machines = self._machines()

    def labs(self) -> list[int]:
        """Labs with an event of their own or of somebody near."""
        campus = self._campus
        count = lab_count(campus)
        near = {neighbourhood(campus, number) for number in self.people} - {None}
        homes = {home for home in near if home is not None}
        return sorted(homes | {(home + 1) % count for home in homes} | self._changed_labs())

    def departments(self) -> list[int]:
        """Departments whose groups may have lost or regained somebody or something."""
        campus = self._campus
        found = {first_department(campus, number) for number in self.people}
        found |= {machine_home(campus, number) for number in self.machines}
        return sorted(home for home in found if home is not None)

    def _changed_labs(self) -> set[int]:
        campus, day = self._campus, self._day
        return {
            number
            for number in range(lab_count(campus))
            if lab_on(campus, number, day) != lab_on(campus, number, day - 1)
        }

    def _machines(self) -> list[int]:
        """Machines with an event, and those that may live in a folder that moved."""
        campus, day = self._campus, self._day
        found = set(machines_with_events(campus, day))
        moved = self._changed_labs()
        if moved:
            every = range(machine_count(campus, day))
            found |= {number for number in every if lab_near(campus, number) in moved}
        return sorted(found)
