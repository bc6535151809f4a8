"""Small worlds of jobs for tests: their rows, changed rows, and what rules say of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from lsats_pipeline.synthetic import blocks
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.validation import Results, Verification, verify
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.synthetic.worlds.jobs.options import JobsOptions

WORLD = world("jobs")
AS_OF = dt.date(2025, 10, 1)
Rows = list[dict[str, Any]]
Tables = Mapping[str, pa.Table]


def options(**chosen: Any) -> JobsOptions:
    return JobsOptions(**{"as_of": AS_OF, "jobs": 6_000, **chosen})


def tables_of(chosen: JobsOptions) -> dict[str, pa.Table]:
    """All rows of the world."""
    with blocks.BlockGenerator(WORLD, chosen) as maker:
        return {
            t.name: pa.Table.from_batches([made.batch for made in maker.made(t)])
            for t in WORLD.tables
        }


def text_of(chosen: JobsOptions, table: str) -> bytes:
    with blocks.BlockGenerator(WORLD, chosen) as maker:
        return b"".join(csv_text(m.batch).to_pybytes() for m in maker.made(WORLD.table(table)))


def findings_of(tables: Tables, chosen: JobsOptions, only: Sequence[str] | None = None) -> Results:
    """What the rules say; of some tables, or of all."""
    verification = Verification(WORLD, chosen, only)
    return verify(verification, ((name, tables[name]) for name in verification.tables))


def failed(findings: Results) -> set[str]:
    return {found.label for found in findings.failed}


class Faulty:
    """A world into which faults are put, one at a time."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._columns = {name: table.to_pydict() for name, table in tables.items()}

    def tables_with(self, table: str, fault: Callable[[Rows], Any]) -> dict[str, pa.Table]:
        """The world with some rows of a table changed."""
        columns = self._columns[table]
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        fault(rows)
        return {**self.tables, table: self._changed(table, rows)}

    def _changed(self, table: str, rows: Rows) -> pa.Table:
        before = self.tables[table]
        arrays = [
            before[field.name]
            if (new := [row[field.name] for row in rows]) == self._columns[table][field.name]
            else pa.array(new, field.type)
            for field in before.schema
        ]
        return pa.table(arrays, schema=before.schema)
