"""The result of a split, stored as `parts.json` with the parts."""

from __future__ import annotations

from msgspec import Struct

LAYOUT = 2


class SplitPart(Struct, kw_only=True):
    """One part. `units` are what the proof counts: elements, or (by provider) rates.

    `digest` is the sum of the hashes of all units, mod 2^128, in hexadecimal: the same for the
    same units in whatever order. `violations` counts how often values break the published schema,
    which those of a faulty source still do; those `in_references` other parts may have too.
    """

    name: str
    group: str
    text: int
    compressed: int
    sha256: str
    elements: int
    units: int
    references: int
    digest: str
    violations: int
    in_references: int
    first_violation: str = ""


class Left(Struct, kw_only=True):
    """What cannot be in a valid part: values that are no JSON, and references no rate uses."""

    not_json: int = 0
    not_json_digest: str = "0"
    offsets: list[int] = []
    unused_references: int = 0


class Split(Struct, kw_only=True):
    """All of it. `copies` is how often each unit is in the parts: once, or once for each plan.

    `in_references` counts the violations in all references that are used.
    """

    layout: int
    file: str
    sha256: str
    meaning: str
    version: int
    unit: str
    copies: int
    elements: int
    units: int
    digest: str
    references: int
    in_references: int
    parts: list[SplitPart]
    left: Left
    notes: list[str]
    seconds: float

    @property
    def violations(self) -> int:
        """In all parts; those of a reference count once, however many parts have it."""
        own = sum(part.violations - part.in_references for part in self.parts)
        return own + self.in_references
