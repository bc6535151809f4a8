"""A world's rules evaluated over all its rows, batch by batch, wherever the rows come from.

batches (generated, or read back) ─▶ one validator per rule ─▶ results ─▶ score
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from lsats_pipeline.core.rules import Result
from lsats_pipeline.synthetic.blocks import BlockGenerator
from lsats_pipeline.synthetic.rules import WorldRule, derived
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.validators import validator_of

PASS, WARN = 99.0, 95.0


@dataclass(frozen=True)
class Results:
    """The results of all rules of a world, or of one of its tables."""

    world: str
    results: tuple[Result, ...]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    @property
    def weight(self) -> int:
        """What all rules count together."""
        return sum(_weight(result) for result in self.results)

    @property
    def score(self) -> float:
        """Percent: 100 less the weighted share of what is wrong (domain/world_jobs.md 5)."""
        lost = sum(_weight(result) * result.share for result in self.results)
        return 100.0 * (1 - lost / self.weight) if self.results else 100.0

    @property
    def blocking(self) -> tuple[Result, ...]:
        """Broken rules with which nothing may be stored."""
        return tuple(result for result in self.results if result.blocking)

    @property
    def failed(self) -> tuple[Result, ...]:
        """Every rule that did not hold."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def passed(self) -> bool:
        """Whether the world is as declared: a good score, and no blocking rule broken."""
        return self.score >= PASS and not self.blocking

    @property
    def status(self) -> str:
        """`pass`, `warn` or `fail`."""
        if self.blocking or self.score < WARN:
            return "fail"
        return "pass" if self.score >= PASS else "warn"

    def of(self, table: str) -> Results:
        """Those of one table."""
        return Results(self.world, tuple(r for r in self.results if r.subject == table))

    def rule(self, name: str) -> Result | None:
        """That of one rule, where it applied."""
        return next((result for result in self.results if result.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "world": self.world,
            "score": round(self.score, 3),
            "verdict": self.status,
            "findings": [_as_json(result) for result in self.results],
        }


def _weight(result: Result) -> int:
    return cast(WorldRule, result.rule).weight


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "table": result.subject,
        "rule": result.name,
        "about": result.rule.about,
        "weight": _weight(result),
        "rows": result.rows,
        "violations": result.broken,
        "passed": result.passed,
        "detail": result.description,
        "examples": result.examples,
        "shares": result.values or None,
    }


class Verification:
    """Evaluates rules as rows come: parents before children, blocks of a table in any order.

    `chosen`: tables whose rules are to hold, by default all; the others only lend their rows to
    rules that look across. `incomplete`: not all rows of those tables are shown, so rules over
    whole tables do not apply.
    """

    def __init__(
        self,
        world: World,
        options: WorldOptions,
        chosen: Sequence[str] | None = None,
        *,
        incomplete: bool = False,
    ) -> None:
        self._world = world
        # Rows by which a table differs from what was asked for, for a known reason: strangers'
        # rows that were there before, rows set aside.
        self.adjusted: dict[str, int] = {}
        self._validators = [
            validator
            for table in world.tables
            if chosen is None or table.name in chosen
            for rule in rules_of(table)
            if (validator := validator_of(table, rule, options, incomplete=incomplete))
        ]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables whose rows it needs to see, in order."""
        needed = {name for validator in self._validators for name in validator.tables}
        return tuple(t.name for t in self._world.tables if t.name in needed)

    def add(self, table: str, rows: pa.RecordBatch | pa.Table) -> None:
        """Look at rows of a table."""
        for validator in self._validators:
            if table in validator.tables:
                validator.add(table, rows)

    def results(self) -> Results:
        """How every rule fares; call once, when all rows are in."""
        for validator in self._validators:
            validator.adjusted = self.adjusted.get(validator.table.name, 0)
        return Results(self._world.name, tuple(v.result() for v in self._validators))


def rules_of(table: WorldTable) -> tuple[WorldRule, ...]:
    """All rules of a table: what its declaration implies, and its own."""
    return (*derived(table.table, table.rows), *table.rules)


def verify_generated(
    world: World, options: WorldOptions, tables: Sequence[str] | None = None
) -> Results:
    """Make the world and evaluate its rules, storing nothing."""
    with BlockGenerator(world, options) as maker:
        verification = Verification(world, options, tables)
        return verify(
            verification,
            (
                (name, made.batch)
                for name in verification.tables
                for made in maker.made(world.table(name))
            ),
        )


def verify(
    verification: Verification, rows: Iterable[tuple[str, pa.RecordBatch | pa.Table]]
) -> Results:
    """Evaluate rules over rows from anywhere: (table, rows), parents first."""
    for table, batch in rows:
        verification.add(table, batch)
    return verification.results()
