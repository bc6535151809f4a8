"""One judge per kind of rule.

judge   what a judge is          rows    each row alone
keys    unique, references       totals  counts, sums, distributions, several tables
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.rules import (
    AcrossTables,
    ExpectedShares,
    Fits,
    Matches,
    NotNull,
    References,
    RowCount,
    RowRule,
    Rule,
    Total,
    Unique,
)
from lsats_pipeline.synthetic.spec import WorldOptions, WorldTable
from lsats_pipeline.synthetic.validators.keys import MatchesJudge, ReferencesJudge, UniqueJudge
from lsats_pipeline.synthetic.validators.rows import FitsJudge, NotNullJudge, RowJudge
from lsats_pipeline.synthetic.validators.totals import (
    AcrossJudge,
    RowCountJudge,
    ShareJudge,
    TotalJudge,
)
from lsats_pipeline.synthetic.validators.validator import Batch, Judge, Masked, described

__all__ = ["Judge", "broken_rows", "described", "judge_of"]

_JUDGES: dict[type[Rule], type[Judge]] = {
    RowRule: RowJudge,
    NotNull: NotNullJudge,
    Fits: FitsJudge,
    Unique: UniqueJudge,
    References: ReferencesJudge,
    Matches: MatchesJudge,
    Total: TotalJudge,
    RowCount: RowCountJudge,
    ExpectedShares: ShareJudge,
    AcrossTables: AcrossJudge,
}


def judge_of(
    table: WorldTable, rule: Rule, options: WorldOptions, *, partial: bool = False
) -> Judge | None:
    """The judge of a rule; None for rules over whole tables where only some rows are shown."""
    kind = _JUDGES.get(type(rule))
    if kind is None:
        raise BadDeclaration(f"{table.name}.{rule.id}: nothing judges a {type(rule).__name__}")
    return None if partial and kind.whole else kind(table, rule, options)


def broken_rows(
    table: WorldTable, rules: tuple[Rule, ...], options: Any, rows: Batch
) -> Iterator[tuple[Rule, Any]]:
    """The rules that rows of a batch break by themselves, each with a mask of those rows."""
    for rule in rules:
        judge = _JUDGES[type(rule)](table, rule, options)
        if isinstance(judge, Masked) and (mask := judge.broken(rows)).any():
            yield rule, mask
