"""The profile of a file, stored as `profile.json` with the published tables."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

# Profiles of another layout are made again.
LAYOUT = 1


class Example(Struct, kw_only=True, frozen=True):
    """The first place of something: element of its array, byte of the document, what it is."""

    section: str = ""
    element: int = -1
    offset: int = -1
    text: str = ""


class Violation(Struct, kw_only=True):
    """A way in which values differ from the published schema.

    `what` is missing, empty, wrong type, not allowed, range, rule, not json, or unexpected (a
    member that the schema does not know).
    """

    path: str
    what: str
    detail: str
    count: int
    first: Example

    @property
    def breaks(self) -> bool:
        """Whether the schema forbids it; members that it does not know are allowed."""
        return self.what != "unexpected"


class SchemaFound(Struct, kw_only=True):
    """The file's schema as found, and against the published one.

    `types` has for each path how many values of each JSON type there are.
    """

    stated: str
    version: int
    types: dict[str, dict[str, int]]
    violations: list[Violation]
    inferred: dict[str, Any]
    unknown_paths: int = 0

    def broken(self) -> int:
        """Violations of what the schema demands."""
        return sum(found.count for found in self.violations if found.breaks)


class CodeSystem(Struct, kw_only=True):
    """A system of billing codes; `malformed` counts rows, where the form is known."""

    name: str
    rows: int
    codes: int
    malformed: int
    examples: list[str]
    form: str = ""


class Distribution(Struct, kw_only=True):
    """Amounts of one negotiated type, exact.

    `histogram` counts per step of the logarithm: step n is from 10^(n/8) to 10^((n+1)/8); amounts
    of zero or less are in no step. `outlying` counts those of its rows that are outliers.
    """

    rows: int
    sum: float
    least: float
    most: float
    quantiles: dict[str, float]
    histogram: dict[int, int]
    outlying: dict[int, int]
    not_positive: int

    @property
    def mean(self) -> float:
        """Of all amounts."""
        return self.sum / self.rows if self.rows else 0.0


class ProfileFinding(Struct, kw_only=True):
    """How many rows have a finding, of how many, and the first cases."""

    name: str
    about: str
    count: int
    of: int
    examples: list[Example]


class FileProfile(Struct, kw_only=True):
    """All of it. `counts` are of things in the file; `categories` of rows per value of a column."""

    layout: int
    file: str
    sha256: str
    text: int
    seconds: float
    schema: SchemaFound
    counts: dict[str, int]
    categories: dict[str, dict[str, int]]
    systems: list[CodeSystem]
    prices: dict[str, Distribution]
    findings: list[ProfileFinding]
    ledger: dict[str, int]

    def finding_named(self, name: str) -> ProfileFinding:
        """A finding by its name; one that was not looked for counts nothing."""
        none = ProfileFinding(name=name, about="", count=0, of=0, examples=[])
        return next((found for found in self.findings if found.name == name), none)
