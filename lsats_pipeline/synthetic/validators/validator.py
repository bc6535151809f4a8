"""What every validator is: sees rows of tables as they come, and says at the end what it found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pyarrow as pa

from lsats_pipeline.core.rules import Result
from lsats_pipeline.synthetic.rules import RuleCounts
from lsats_pipeline.synthetic.spec import WorldOptions, WorldTable

EXAMPLES = 5
Batch = Any  # pa.RecordBatch or pa.Table, which know no types


class Validator(ABC):
    """Evaluates one rule of one table. `whole`: needs every row of the table."""

    whole = False

    def __init__(self, table: WorldTable, rule: Any, options: WorldOptions) -> None:
        self.table, self.rule, self.options = table, rule, options
        self.rows = 0
        self.adjusted = 0  # rows by which the table may differ from what was asked for

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables whose rows it has to see."""
        return (self.table.name,)

    @abstractmethod
    def add(self, table: str, rows: Batch) -> None:
        """Look at rows of one of those tables."""

    @abstractmethod
    def evaluate(self) -> RuleCounts:
        """What it counted, when all rows are in."""

    def result(self) -> Result:
        """How the rule fares, when all rows are in."""
        counts = self.evaluate()
        return Result(
            self.rule,
            counts.broken == 0,
            counts.detail,
            counts.rows,
            counts.broken,
            tuple(counts.examples),
            counts.shares or {},
            self.table.name,
        )


class MaskValidator(Validator):
    """Looks at each row alone."""

    def __init__(self, table: WorldTable, rule: Any, options: WorldOptions) -> None:
        super().__init__(table, rule, options)
        self.broken_rows = 0
        self.examples: list[str] = []

    def add(self, table: str, rows: Batch) -> None:
        self.rows += rows.num_rows
        mask = self.broken(rows)
        if not mask.any():
            return
        self.broken_rows += int(mask.sum())
        for position in np.flatnonzero(mask)[: EXAMPLES - len(self.examples)]:
            self.examples.append(described(self.table, rows, int(position)))

    def evaluate(self) -> RuleCounts:
        return RuleCounts(self.rows, self.broken_rows, self.examples)

    @abstractmethod
    def broken(self, rows: Batch) -> Any:
        """A mask of the rows that break the rule."""


def described(table: WorldTable, rows: Batch, position: int) -> str:
    """A row by its natural key: `id 17`."""
    return ", ".join(f"{name} {rows[name][position].as_py()}" for name in table.natural_key)


def only(rows: Batch, columns: tuple[str, ...]) -> pa.Table:
    """Some columns of rows."""
    return pa.table([rows[name] for name in columns], names=list(columns))
