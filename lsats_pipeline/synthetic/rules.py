"""What must hold in a world, declared per table; `validation` evaluates it over all rows.

RowRule       no row may be broken (a mask over columns)
Total         a number summed over all rows is what the options prescribe
Share         values are distributed as prescribed
Matches       columns equal those of the row referred to
AcrossTables  anything else, over chosen columns of several tables

What the table itself says (required columns, keys, references, lengths, the number of rows) needs
no rule: `derived` makes them from its declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.core.rules import Rule, Severity
from lsats_pipeline.synthetic.columns import values_of

Mask = Any  # one boolean per row: numpy or Arrow; null counts as not broken
Distance = Literal["largest", "total_variation", "chi_square"]
BLOCKING = 3  # a broken rule of this weight fails the world, whatever its score


class Rows:
    """Columns of some rows, for rules: `rows["cost"]` as numpy, `rows.arrow("cost")` as Arrow.

    Decimals are whole units of the last digit (cents). `options` are those of the world.
    """

    def __init__(self, data: pa.RecordBatch | pa.Table, options: Any) -> None:
        self.data, self.options = data, options

    def __len__(self) -> int:
        return int(self.data.num_rows)

    def __getitem__(self, name: str) -> Any:
        return values_of(self.data[name])

    def arrow(self, name: str) -> Any:
        """A column as Arrow sees it, with its nulls."""
        column = self.data[name]
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


class RuleCounts(NamedTuple):
    """What a rule's evaluation counted: rows looked at, rows that break it, some of those.

    `shares`: for a distribution, label to share wanted and share found.
    """

    rows: int
    broken: int
    examples: Sequence[str] = ()
    detail: str = ""
    shares: Mapping[str, tuple[float, float]] | None = None


@dataclass(frozen=True)
class WorldRule(Rule):
    """`weight` counts in the score; 3 is an error: nothing is stored while the rule is broken."""

    about: str = field(kw_only=True)
    severity: Severity = field(init=False)
    weight: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "severity", "error" if self.weight == BLOCKING else "warn")
        super().__post_init__()
        if self.weight not in (1, 2, BLOCKING):
            raise BadDeclaration(f"rule {self.name!r}: needs a weight of 1, 2 or 3")


@dataclass(frozen=True)
class RowRule(WorldRule):
    """No row may be broken. `broken` gives a mask of the rows that are."""

    broken: Callable[[Rows], Mask]


@dataclass(frozen=True)
class Total(WorldRule):
    """`value` of each batch, summed, is `expected` of the options, give or take `tolerance`."""

    value: Callable[[Rows], int | float]
    expected: Callable[[Any], int | float]
    tolerance: float = 0


@dataclass(frozen=True)
class ExpectedShares(WorldRule):
    """`label` of each row occurs with the share that `expected` gives it.

    `largest`: no share is off by more than `limit` (0.01 is one point); `total_variation`: half
    the sum of all differences is at most `limit`; `chi_square`: the p-value is at least `limit`.
    The limit holds from `rows` rows on; fewer scatter more, and it widens with the square root.
    """

    label: Callable[[Rows], Any]
    expected: Callable[[Any], Mapping[Any, float]]
    limit: float
    rows: int = 10_000
    distance: Distance = "largest"


@dataclass(frozen=True)
class Matches(WorldRule):
    """Where `via` is set, columns equal those of the row of another table that it refers to.

    `columns`: own column to the other's, or to what a function makes of the other's rows. Rows
    that refer to nothing break a foreign key, not this.
    """

    via: str
    columns: Mapping[str, str | Callable[[Rows], Any]]


@dataclass(frozen=True)
class AcrossTables(WorldRule):
    """Anything over several tables: `needs` says which columns of which, `evaluate` looks at them.

    The columns are held in memory until all tables are read.
    """

    needs: Mapping[str, tuple[str, ...]]
    evaluate: Callable[[Mapping[str, pa.Table], Any], RuleCounts]


@dataclass(frozen=True)
class NotNull(WorldRule):
    """Required columns have values."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Unique(WorldRule):
    """No two rows have the same values."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class References(WorldRule):
    """Every value that is set is one of another table (or of this one)."""

    column: str
    parent: str
    parent_column: str


@dataclass(frozen=True)
class Fits(WorldRule):
    """Texts are no longer than their columns: column to length."""

    lengths: Mapping[str, int]


@dataclass(frozen=True)
class RowCount(WorldRule):
    """The table has the rows that were asked for."""

    expected: Callable[[Any], int]


def derived(table: sa.Table, rows: Callable[[Any], int]) -> tuple[WorldRule, ...]:
    """The rules that follow from the table's own declaration."""
    return (*_counted(rows), *_required(table), *_unique(table), *_references(table), *_fits(table))


def _counted(rows: Callable[[Any], int]) -> list[WorldRule]:
    return [RowCount("row_count", rows, about="as many rows as asked for", weight=BLOCKING)]


def _required(table: sa.Table) -> list[WorldRule]:
    required = tuple(c.name for c in table.columns if not c.nullable)
    about = "required columns have values"
    return [NotNull("not_null", required, about=about, weight=BLOCKING)] if required else []


def _unique(table: sa.Table) -> list[WorldRule]:
    keys = [tuple(c.name for c in table.primary_key)]
    keys += [(c.name,) for c in table.columns if c.unique]
    keys += [
        tuple(c.name for c in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    distinct = sorted({key for key in keys if key})
    return [
        Unique(
            f"unique_{'_'.join(key)}",
            key,
            about=f"no two rows share {', '.join(key)}",
            weight=BLOCKING,
        )
        for key in distinct
    ]


def _references(table: sa.Table) -> list[WorldRule]:
    return [
        References(
            f"foreign_key_{key.parent.name}",
            key.parent.name,
            key.column.table.name,
            key.column.name,
            about=f"{key.parent.name} is in {key.column.table.name}",
            weight=BLOCKING,
        )
        for key in sorted(table.foreign_keys, key=lambda k: k.parent.name)
    ]


def _fits(table: sa.Table) -> list[WorldRule]:
    lengths = {
        c.name: c.type.length
        for c in table.columns
        if isinstance(c.type, sa.String) and c.type.length
    }
    return [Fits("fits", lengths, about="no text is longer than its column")] if lengths else []


def as_mask(mask: Mask, size: int) -> Any:
    """A rule's mask as numpy booleans; null is false. BadDeclaration when its size is wrong."""
    if isinstance(mask, pa.ChunkedArray):
        mask = mask.combine_chunks()
    if isinstance(mask, pa.Array):
        mask = mask.fill_null(False).to_numpy(zero_copy_only=False)
    out = np.asarray(mask, dtype=bool)
    if out.ndim == 0:
        out = np.full(size, bool(out))
    if len(out) != size:
        raise BadDeclaration(f"a rule's mask has {len(out)} values for {size} rows")
    return out
