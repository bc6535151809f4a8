"""Rows that a seeding set aside, each with its reason: a file of JSON lines, made when needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

import pyarrow as pa

from lsats_pipeline.synthetic.spec import WorldTable
from lsats_pipeline.synthetic.validators import described


class Rejects:
    """Appends to `path`; an earlier run's file is replaced by the first row."""

    def __init__(self, path: Path) -> None:
        self.path, self.counts = path, dict[str, int]()
        self._file: IO[str] | None = None

    @property
    def total(self) -> int:
        """How many rows were set aside."""
        return sum(self.counts.values())

    def add(self, table: WorldTable, rows: pa.RecordBatch, rule: str, reason: str) -> None:
        """Set rows aside under the id of a rule or constraint."""
        for position, row in enumerate(rows.to_pylist()):
            entry = {
                "table": table.name,
                "key": described(table, rows, position),
                "rule": rule,
                "reason": reason,
                "row": row,
            }
            self._opened().write(json.dumps(entry, default=str, ensure_ascii=False) + "\n")
        self.counts[table.name] = self.counts.get(table.name, 0) + rows.num_rows

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[str]:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            begun = bool(self.counts)
            self._file = self.path.open("a" if begun else "w", encoding="utf-8")
        return self._file
