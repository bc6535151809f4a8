"""Where a world's rows go. Every target takes the same batches; none knows of the others.

database   staged in a schema of its own, then published in one transaction; or batch by batch
files      CSV and Parquet, one file a table, under their names only when whole
ddl        statements from the declared tables
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from lsats_pipeline.synthetic.spec import WorldTable


class Rendered(NamedTuple):
    """A block ready to be written: its rows, the same as lines of CSV, the hash of those."""

    number: int
    batch: pa.RecordBatch
    text: pa.Buffer
    sha256: str


class WriteCounts(NamedTuple):
    """What became of a block's rows in a target."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    retries: int = 0
    renamed: int = 0
    examples: tuple[str, ...] = ()

    def plus(self, other: WriteCounts) -> WriteCounts:
        """Both together; examples of the first, then of the other, at most ten."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return WriteCounts(**sums, examples=(*self.examples, *other.examples)[:10])


_COUNTS = tuple(name for name in WriteCounts._fields if name != "examples")


class Target(Protocol):
    """A place for rows."""

    name: str

    def open(self, tables: Sequence[WorldTable]) -> None:
        """Get ready for these tables; raises before anything is changed."""

    def write(self, table: WorldTable, block: Rendered) -> WriteCounts:
        """Write a block."""

    def finish(self) -> dict[str, WriteCounts]:
        """Publish everything; gives by table the counts that are known only now."""

    def abandon(self, *, resumable: bool) -> None:
        """Leave what was there before; `resumable`: another run may go on from here."""

    def close(self) -> None:
        """Release connections and files."""
