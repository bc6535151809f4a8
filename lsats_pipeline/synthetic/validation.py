"""A world's rules judged over all its rows, batch by batch, wherever the rows come from.

batches (generated, or read back) ─▶ one judge per rule ─▶ findings ─▶ score
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from lsats_pipeline.synthetic.blocks import BlockGenerator
from lsats_pipeline.synthetic.rules import BLOCKING, Rule, Verdict, derived
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.validators import Judge, judge_of

PASS, WARN = 99.0, 95.0


@dataclass(frozen=True)
class RuleFinding:
    """What one rule found. `detail` has target, actual and difference where it measures those."""

    table: str
    rule: str
    about: str
    weight: int
    rows: int
    violations: int
    passed: bool
    detail: str = ""
    examples: tuple[str, ...] = ()
    shares: Mapping[str, tuple[float, float]] | None = None

    @property
    def share(self) -> float:
        """The share of what it looked at that is wrong."""
        return min(1.0, self.violations / self.rows) if self.rows else float(not self.passed)

    @property
    def blocking(self) -> bool:
        """Whether nothing may be stored like this."""
        return not self.passed and self.weight == BLOCKING

    @property
    def line(self) -> str:
        """The finding in one line."""
        mark = "✅" if self.passed else "❌" if self.blocking else "⚠️"
        told = f": {self.detail}" if self.detail else ""
        some = f" (for example {', '.join(self.examples)})" if self.examples else ""
        return f"{mark} {self.table}.{self.rule}: {self.violations:,} of {self.rows:,}{told}{some}"


@dataclass(frozen=True)
class Findings:
    """All findings of a verification."""

    world: str
    findings: tuple[RuleFinding, ...]

    def __iter__(self) -> Iterator[RuleFinding]:
        return iter(self.findings)

    @property
    def score(self) -> float:
        """Percent: 100 less the weighted share of what is wrong (domain/world_jobs.md 5)."""
        weights = sum(f.weight for f in self.findings)
        lost = sum(f.weight * f.share for f in self.findings)
        return 100.0 * (1 - lost / weights) if weights else 100.0

    @property
    def blocking(self) -> tuple[RuleFinding, ...]:
        """Violated rules with which nothing may be stored."""
        return tuple(f for f in self.findings if f.blocking)

    @property
    def failed(self) -> tuple[RuleFinding, ...]:
        """Every rule that did not hold."""
        return tuple(f for f in self.findings if not f.passed)

    @property
    def passed(self) -> bool:
        """Whether the world is as declared: a good score, and no blocking rule violated."""
        return self.score >= PASS and not self.blocking

    @property
    def verdict(self) -> str:
        """`pass`, `warn` or `fail`."""
        if self.blocking or self.score < WARN:
            return "fail"
        return "pass" if self.score >= PASS else "warn"

    def of(self, table: str) -> Findings:
        """Those of one table."""
        return Findings(self.world, tuple(f for f in self.findings if f.table == table))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "world": self.world,
            "score": round(self.score, 3),
            "verdict": self.verdict,
            "findings": [asdict(finding) for finding in self.findings],
        }


class Verification:
    """Judges rows as they come: parents before children, blocks of a table in any order.

    `judged`: tables whose rules are to hold, by default all; the others only lend their rows to
    rules that look across. `partial`: not all rows of those tables are shown, so rules over whole
    tables do not apply.
    """

    def __init__(
        self,
        world: World,
        options: WorldOptions,
        judged: Sequence[str] | None = None,
        *,
        partial: bool = False,
    ) -> None:
        self._world = world
        # Rows by which a table differs from what was asked for, for a known reason: strangers'
        # rows that were there before, rows set aside.
        self.adjusted: dict[str, int] = {}
        names = [t.name for t in world.tables] if judged is None else list(judged)
        self._judges: list[tuple[WorldTable, Rule, Judge]] = []
        for table in world.tables:
            if table.name in names:
                self._judges += [
                    (table, rule, judge)
                    for rule in rules_of(table)
                    if (judge := judge_of(table, rule, options, partial=partial))
                ]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables whose rows it needs to see, in order."""
        wanted = {name for _, _, judge in self._judges for name in judge.tables}
        return tuple(t.name for t in self._world.tables if t.name in wanted)

    def add(self, table: str, rows: pa.RecordBatch | pa.Table) -> None:
        """Take in rows of a table."""
        for _, _, judge in self._judges:
            if table in judge.tables:
                judge.add(table, rows)

    def findings(self) -> Findings:
        """What all rules found; call once, at the end."""
        for table, _, judge in self._judges:
            judge.adjusted = self.adjusted.get(table.name, 0)
        found = tuple(_finding(t, rule, judge.verdict()) for t, rule, judge in self._judges)
        return Findings(self._world.name, found)


def rules_of(table: WorldTable) -> tuple[Rule, ...]:
    """All rules of a table: what its declaration implies, and its own."""
    return (*derived(table.table, table.rows), *table.rules)


def verify_generated(
    world: World, options: WorldOptions, judged: Sequence[str] | None = None
) -> Findings:
    """Make the world and judge it, storing nothing."""
    with BlockGenerator(world, options) as maker:
        verification = Verification(world, options, judged)
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
) -> Findings:
    """Judge rows from anywhere: (table, rows), parents first."""
    for table, batch in rows:
        verification.add(table, batch)
    return verification.findings()


def _finding(table: WorldTable, rule: Rule, verdict: Verdict) -> RuleFinding:
    return RuleFinding(
        table.name,
        rule.id,
        rule.about,
        rule.weight,
        verdict.rows,
        verdict.violations,
        verdict.violations == 0,
        verdict.detail,
        tuple(verdict.examples),
        verdict.shares,
    )
