"""Validators of keys: values that no two rows share, values that another table has to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.rules import Matches, References, Rows, RuleCounts, Unique, as_mask
from lsats_pipeline.synthetic.spec import WorldOptions, WorldTable
from lsats_pipeline.synthetic.validators.validator import (
    EXAMPLES,
    Batch,
    Validator,
    described,
    only,
)


class UniqueValidator(Validator):
    """Values of which no row may share one."""

    def __init__(self, table: WorldTable, rule: Unique, options: WorldOptions) -> None:
        super().__init__(table, rule, options)
        self.kept: list[pa.Table] = []

    def add(self, table: str, rows: Batch) -> None:
        self.rows += rows.num_rows
        self.kept.append(only(rows, self.rule.columns))

    def evaluate(self) -> RuleCounts:
        if not self.kept:
            return RuleCounts(0, 0)
        whole = pa.concat_tables(self.kept).drop_null()
        if _surely_unique(whole):
            return RuleCounts(self.rows, 0)
        counted = whole.group_by(list(self.rule.columns)).aggregate([([], "count_all")])
        twice = counted.filter(pc.greater(counted["count_all"], 1))
        examples = [
            _labelled(row, self.rule.columns) for row in twice.slice(0, EXAMPLES).to_pylist()
        ]
        return RuleCounts(self.rows, whole.num_rows - counted.num_rows, examples)


class ReferencesValidator(Validator):
    """Values that have to be in another table, or in this one."""

    def __init__(self, table: WorldTable, rule: References, options: WorldOptions) -> None:
        super().__init__(table, rule, options)
        self.known: list[pa.Array] = []
        self.used: list[pa.StructArray] = []

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.rule.parent, self.table.name)))

    def add(self, table: str, rows: Batch) -> None:
        if table == self.rule.parent:
            self.known.extend(_chunks(rows[self.rule.parent_column]))
        if table == self.table.name:
            self.rows += rows.num_rows
            self.used.extend(c.value_counts() for c in _chunks(rows[self.rule.column].drop_null()))

    def evaluate(self) -> RuleCounts:
        if not self.used:
            return RuleCounts(self.rows, 0)
        used = pa.chunked_array(self.used).combine_chunks()
        values, counts = used.field("values"), used.field("counts")
        known = pa.chunked_array(self.known, type=values.type)
        orphans = pc.invert(pc.is_in(values, value_set=known))
        lost = values.filter(orphans)
        some = [f"{self.rule.column} {v}" for v in pc.unique(lost).slice(0, EXAMPLES).to_pylist()]
        return RuleCounts(self.rows, pc.sum(counts.filter(orphans)).as_py() or 0, some)


class MatchesValidator(Validator):
    """Columns that have to equal those of the row referred to."""

    def __init__(self, table: WorldTable, rule: Matches, options: WorldOptions) -> None:
        super().__init__(table, rule, options)
        key = next((k for k in table.table.foreign_keys if k.parent.name == rule.via), None)
        if key is None:
            raise BadDeclaration(f"{table.name}.{rule.name}: {rule.via} refers to no table")
        self.parent, self.parent_key = key.column.table.name, key.column.name
        self.known: list[pa.Table] = []
        self.waiting: list[pa.Table] = []

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.parent, self.table.name)))

    def add(self, table: str, rows: Batch) -> None:
        if table == self.parent:
            self.known.append(self._parents(Rows(rows, self.options)))
        if table == self.table.name:
            self.rows += rows.num_rows
            columns = dict.fromkeys((*self.table.natural_key, self.rule.via, *self.rule.columns))
            linked = only(rows, tuple(columns)).filter(pc.is_valid(rows[self.rule.via]))
            self.waiting.append(linked)

    def evaluate(self) -> RuleCounts:
        if not self.waiting or not self.known:
            return RuleCounts(self.rows, 0)
        parents = pa.concat_tables(self.known).combine_chunks()
        broken, examples = 0, list[str]()
        for rows in self.waiting:
            mask = self._different(rows, parents)
            broken += int(mask.sum())
            for position in np.flatnonzero(mask)[: EXAMPLES - len(examples)]:
                examples.append(described(self.table, rows, int(position)))
        return RuleCounts(self.rows, broken, examples)

    def _parents(self, rows: Rows) -> pa.Table:
        """Key and wanted columns of rows referred to, these by the names of the own columns."""
        wanted = {
            f"own {own}": rows.arrow(other) if isinstance(other, str) else other(rows)
            for own, other in self.rule.columns.items()
        }
        return pa.table({"key": rows.arrow(self.parent_key), **wanted})

    def _different(self, rows: pa.Table, parents: pa.Table) -> Any:
        at = pc.index_in(rows[self.rule.via], value_set=parents["key"])
        found = as_mask(pc.is_valid(at), rows.num_rows)
        masks = [_unequal(rows[own], parents[f"own {own}"].take(at)) for own in self.rule.columns]
        return np.logical_or.reduce(masks) & found


def _surely_unique(keys: pa.Table) -> bool:
    """Whether pairs of small numbers all differ: packed into one they are compared much faster."""
    if keys.num_columns != 2 or not all(k in (pa.int16(), pa.int32()) for k in keys.schema.types):
        return False
    first, second = (column.to_numpy().astype(np.int64) for column in keys.columns)
    packed = np.sort((first << 32) + second)
    return not (packed[1:] == packed[:-1]).any()


def _chunks(array: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return list(array.chunks) if isinstance(array, pa.ChunkedArray) else [array]


def _unequal(ours: pa.ChunkedArray, theirs: pa.ChunkedArray) -> Any:
    """Where two columns differ; nothing equals nothing."""
    differ = pc.not_equal(ours, theirs.cast(ours.type)).fill_null(False)
    return as_mask(pc.or_(differ, pc.xor(pc.is_null(ours), pc.is_null(theirs))), len(ours))


def _labelled(row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in columns)
