"""Quality in SQL: the score and the flags of a row, from a table's rules.

The house rule: start at 1.00, take off what each rule costs, never under 0, two decimals
(design.md 7). A value that did not fit its column costs 0.05.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from psycopg import sql

from lsats_pipeline.hub.silver.spec import Bonus, QualityRule

INVALID_COST = 0.05


def score_of(
    rules: Iterable[QualityRule],
    *,
    invalid: LiteralString | None = None,
    bonus: Bonus | None = None,
) -> sql.Composable:
    """A numeric expression. `invalid`: the column with the flags of values that did not fit."""
    parts = [
        sql.SQL(" - case when {} then {} else 0 end").format(sql.SQL(r.condition), _number(r.cost))
        for r in rules
        if r.cost
    ]
    if invalid:
        parts.append(
            sql.SQL(" - {} * cardinality({})").format(_number(INVALID_COST), sql.SQL(invalid))
        )
    if bonus:
        parts.append(
            sql.SQL(" + case when {} then {} else 0 end").format(
                sql.SQL(bonus.condition), _number(bonus.value)
            )
        )
    return sql.SQL("greatest(0, least(1, 1.00{}))::numeric(3,2)").format(sql.SQL("").join(parts))


def flags_of(
    rules: Iterable[QualityRule], *, invalid: LiteralString | None = None
) -> sql.Composable:
    """A jsonb list of the flags that apply, in the order of the rules."""
    cases = sql.SQL(", ").join(
        sql.SQL("case when {} then {} end").format(sql.SQL(r.condition), sql.Literal(r.name))
        for r in rules
    )
    flags = sql.SQL("array_remove(array[{}]::text[], null)").format(cases)
    if invalid:
        flags = sql.SQL("{} || {}").format(sql.SQL(invalid), flags)
    return sql.SQL("to_jsonb({})").format(flags)


def _number(value: float) -> sql.Literal:
    return sql.Literal(round(value, 2))
