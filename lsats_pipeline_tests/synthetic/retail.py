"""The retail world for tests: small options, its rows, and faults put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from lsats_pipeline.synthetic.blocks import make
from lsats_pipeline.synthetic.validation import Results, Verification, verify
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions

WORLD = world("retail")
SMALL: dict[str, Any] = {"customers": 600, "products": 400, "stores": 40}
Tables = dict[str, pa.Table]
Rows = list[dict[str, Any]]


def options(**chosen: Any) -> RetailOptions:
    made = WORLD.options(**{**SMALL, **chosen})
    assert isinstance(made, RetailOptions)
    return made


def rows_of(chosen: RetailOptions) -> Tables:
    """Every table whole."""
    return {
        table.name: pa.Table.from_batches(
            [make(table, block).batch for block in table.blocks(WORLD.name, chosen)],
            schema=pa.schema([field.with_nullable(True) for field in table.schema]),
        )
        for table in WORLD.tables
    }


def findings_of(tables: Mapping[str, pa.Table], chosen: RetailOptions) -> Results:
    return verify(Verification(WORLD, chosen), tables.items())


def with_fault(tables: Tables, name: str, fault: Callable[[Rows], Any]) -> Tables:
    """The same tables, one of them with its rows changed in place by `fault`."""
    rows = tables[name].to_pylist()
    fault(rows)
    return {**tables, name: pa.Table.from_pylist(rows, tables[name].schema)}


def failed(found: Results) -> set[str]:
    return {finding.label for finding in found.failed}
