"""One validator per kind of rule.

validator  what a validator is     rows    each row alone
keys       unique, references      totals  counts, sums, distributions, several tables
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
    Total,
    Unique,
    WorldRule,
)
from lsats_pipeline.synthetic.spec import WorldOptions, WorldTable
from lsats_pipeline.synthetic.validators.keys import (
    MatchesValidator,
    ReferencesValidator,
    UniqueValidator,
)
from lsats_pipeline.synthetic.validators.rows import (
    FitsValidator,
    NotNullValidator,
    RowRuleValidator,
)
from lsats_pipeline.synthetic.validators.totals import (
    AcrossTablesValidator,
    RowCountValidator,
    SharesValidator,
    TotalValidator,
)
from lsats_pipeline.synthetic.validators.validator import Batch, MaskValidator, Validator, described

__all__ = ["Validator", "broken_rows", "described", "is_over_whole_table", "validator_of"]

_VALIDATORS: dict[type[WorldRule], type[Validator]] = {
    RowRule: RowRuleValidator,
    NotNull: NotNullValidator,
    Fits: FitsValidator,
    Unique: UniqueValidator,
    References: ReferencesValidator,
    Matches: MatchesValidator,
    Total: TotalValidator,
    RowCount: RowCountValidator,
    ExpectedShares: SharesValidator,
    AcrossTables: AcrossTablesValidator,
}


def validator_of(
    table: WorldTable, rule: WorldRule, options: WorldOptions, *, incomplete: bool = False
) -> Validator | None:
    """The validator of a rule; None for rules over whole tables where only some rows are shown."""
    kind = _VALIDATORS.get(type(rule))
    if kind is None:
        raise BadDeclaration(f"{table.name}.{rule.name}: nothing evaluates a {type(rule).__name__}")
    return None if incomplete and kind.whole else kind(table, rule, options)


def is_over_whole_table(rule: WorldRule) -> bool:
    """Whether a rule says nothing about some rows of the table alone."""
    kind = _VALIDATORS.get(type(rule))
    return kind is not None and kind.whole


def broken_rows(
    table: WorldTable, rules: tuple[WorldRule, ...], options: Any, rows: Batch
) -> Iterator[tuple[WorldRule, Any]]:
    """The rules that rows of a batch break by themselves, each with a mask of those rows."""
    for rule in rules:
        validator = _VALIDATORS[type(rule)](table, rule, options)
        if isinstance(validator, MaskValidator) and (mask := validator.broken(rows)).any():
            yield rule, mask
