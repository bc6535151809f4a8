"""What a campus depends on, and the one row that says where it is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

LEAST_MACHINES = 60
# What campuses have learned since the first ones, which go on without.
LOGINS = "logins"  # the hub knows from the login whose a TDX account without a uniqname is
SPELLINGS = "spellings"  # identifiers of machines as people and programs really spell them
STAND_INS = "stand-ins"  # Active Directory has accounts of services, contacts, foreign principals
UNIQNAME_CHANGES = "uniqname_changes"  # people get other uniqnames
ADDITIONS = frozenset({LOGINS, SPELLINGS, STAND_INS, UNIQNAME_CHANGES})


class Campus(NamedTuple):
    """The numbers that everything else follows from. Days count from `first_day` = 0.

    `wanted_machines` 0: as many as suit the people. `additions`: those of ADDITIONS that it has.
    """

    seed: int
    people: int
    first_day: dt.date
    wanted_machines: int = 0
    additions: frozenset[str] = frozenset()

    @property
    def machines(self) -> int:
        """Machines on the first day: one for 20 people, and enough to show every defect."""
        return self.wanted_machines or max(LEAST_MACHINES, self.people // 20)

    def date(self, day: int) -> dt.date:
        """The calendar date of a day."""
        return self.first_day + dt.timedelta(days=day)

    def day(self, date: dt.date) -> int:
        """The day of a calendar date."""
        return (date - self.first_day).days

    @property
    def hires_per_day(self) -> int:
        """New people each day: 0.15 % of the first population."""
        return max(1, self.people * 15 // 10_000)

    def since(self, number: int) -> int:
        """The day person `number` came; 0 for everybody who was there at the start."""
        if number < self.people:
            return 0
        return (number - self.people) // self.hires_per_day + 1

    def population(self, day: int) -> int:
        """How many people have ever been there by the end of `day`."""
        return self.people + self.hires_per_day * day


@dataclass(frozen=True)
class CampusState:
    """The row of `campus.world`: `day` is where it is, `served_day` what the simulators serve."""

    seed: int
    people: int
    first_day: dt.date
    day: dt.date
    served_day: dt.date
    wanted_machines: int = 0
    additions: frozenset[str] = frozenset()

    @property
    def campus(self) -> Campus:
        """What the world was made from."""
        return Campus(self.seed, self.people, self.first_day, self.wanted_machines, self.additions)
