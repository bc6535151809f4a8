"""What must hold of data, and how it fares: one form for all products, each with its evaluator.

Rule ─▶ evaluator (SQL, rows of a world, counts of a file) ─▶ Result ─▶ Dagster, command line
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lsats_pipeline.core.errors import BadDeclaration

Severity = Literal["note", "warn", "error"]

# A share means nothing in a handful of records: up to this many never block.
SHARE_FLOOR = 10


@dataclass(frozen=True)
class Rule:
    """Something that must hold. Products subclass it with what their evaluator needs.

    `severity`: `note` is only worth knowing; nothing may build on data with an `error`.
    `threshold`: the share of rows that may break it, where no setting says another.
    `parts`: rules that are checked and shown as this one, which is as severe as the severest.
    """

    name: str
    about: str = field(default="", kw_only=True)
    severity: Severity = field(default="warn", kw_only=True)
    threshold: float = field(default=0.0, kw_only=True)
    parts: tuple[Rule, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        known = get_args(Severity)
        if self.parts:
            severest = max((part.severity for part in self.parts), key=known.index)
            object.__setattr__(self, "severity", severest)
        if not self.name or self.severity not in known or not 0 <= self.threshold <= 1:
            raise BadDeclaration(
                f"rule {self.name!r}: needs a name, a severity of {', '.join(known)} and a"
                f" threshold from 0 to 1, not {self.severity!r} and {self.threshold}"
            )

    @property
    def blocking(self) -> bool:
        """Whether nothing may build on data that breaks it."""
        return self.severity == "error"


@dataclass(frozen=True)
class Result:
    """How a rule fares. `broken` of the `rows` looked at break it, `examples` are some of them.

    `subject`: the table that it is about, where one report is about several. `values`: what the
    evaluator measured, by name. `parts`: how the parts of the rule fare (`combined`).
    """

    rule: Rule
    passed: bool
    description: str = ""
    rows: int = 0
    broken: int = 0
    examples: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    parts: Sequence[Result] = ()

    @property
    def name(self) -> str:
        """Of its rule."""
        return self.rule.name

    @property
    def label(self) -> str:
        """Its name with the table's before it: `books.cheap`."""
        return f"{self.subject}.{self.name}" if self.subject else self.name

    @property
    def failed(self) -> Sequence[Result]:
        """What does not hold: those of its parts, or else itself."""
        if self.parts:
            return [part for part in self.parts if not part.passed]
        return () if self.passed else (self,)

    @property
    def blocking(self) -> bool:
        """Whether it failed so that nothing may build on the data."""
        return any(result.rule.blocking for result in self.failed)

    @property
    def share(self) -> float:
        """The share of what was looked at that is wrong."""
        return min(1.0, self.broken / self.rows) if self.rows else float(not self.passed)

    @property
    def mark(self) -> str:
        """Whether it passed, in one sign."""
        return "✅" if self.passed else "❌" if self.blocking else "⚠️"

    @property
    def line(self) -> str:
        """One line for people."""
        note = f": {self.description}" if self.description else ""
        some = f" (for example {', '.join(self.examples)})" if self.examples else ""
        return f"{self.mark} {self.label}: {self.broken:,} of {self.rows:,}{note}{some}"


def combined(rule: Rule, parts: Sequence[Result], note: str = "") -> Result:
    """The result of a rule by those of its parts: what failed by name, and all that was measured.

    `note`: what there is to say in any case.
    """
    failed = [f"{part.name}: {part.description}" for part in parts if not part.passed]
    texts = failed or [part.description for part in parts]
    return Result(
        rule,
        not failed,
        "; ".join(filter(None, (*texts, note))),
        values={name: value for part in parts for name, value in part.values.items()},
        parts=tuple(parts),
    )


def exceeds(count: int, total: int, share: float) -> bool:
    """Whether `count` is more than `share` of `total`, beyond the floor of small numbers."""
    return count > max(SHARE_FLOOR, share * total)
