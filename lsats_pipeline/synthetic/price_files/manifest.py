"""The manifest of a price file: counts of what is in it and usable, faults and defects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class FileFault:
    """An intended fault: where, what, and what has to be rejected for it."""

    section: str
    element: int
    path: str
    level: str
    kind: str


@dataclass(frozen=True)
class FileDefect:
    """An intended defect, which can be read: where, what, and in how many rows."""

    section: str
    element: int
    kind: str
    count: int


@dataclass
class Manifest:
    """Counts of what can be used; what is faulty is in `faults` and in no other number.

    Elements are all of them, faulty or not. `cents` is the sum of all usable rates, or of all
    usable allowed amounts, in hundredths. `inline_groups` counts each written-out set once. What
    has a defect (`defects`) can be used, and is counted.
    """

    text: int = 0
    elements: dict[str, int] = field(default_factory=dict)
    groups: int = 0
    inline_groups: int = 0
    npis: int = 0
    rates: int = 0
    prices: int = 0
    entries: int = 0
    payments: int = 0
    cents: int = 0
    faults: list[FileFault] = field(default_factory=list)
    defects: list[FileDefect] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For files and for people."""
        return asdict(self)
