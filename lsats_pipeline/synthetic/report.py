"""What a seeding came to: counts and speeds of every table, rules, status, exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lsats_pipeline.core.errors import LsatsError
from lsats_pipeline.synthetic.progress import BlockRecord
from lsats_pipeline.synthetic.rejects import Rejects
from lsats_pipeline.synthetic.spec import WorldOptions
from lsats_pipeline.synthetic.targets import WriteCounts

_PARTIAL = 3


@dataclass
class TableReport:
    """One table: rows asked for and made, seconds by kind, what each target did with them."""

    table: str
    asked: int
    rows: int = 0
    generate_seconds: float = 0.0
    store_seconds: float = 0.0
    seconds: float = 0.0
    sha256: str = ""
    written: dict[str, WriteCounts] = field(default_factory=dict)

    def add_block(self, rows: int, generate: float, store: float) -> None:
        """Count a block."""
        self.rows += rows
        self.generate_seconds += generate
        self.store_seconds += store

    def add(self, target: str, written: WriteCounts) -> None:
        """Count what became of rows in a target."""
        self.written[target] = self.written.get(target, WriteCounts()).plus(written)

    @property
    def counts(self) -> WriteCounts:
        """In the database, if that is a target, else in the first."""
        return self.written.get("db") or next(iter(self.written.values()), WriteCounts())

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def line(self) -> str:
        """In one line."""
        return (
            f"✅ {self.table}: {self.rows:,} rows in {self.seconds:.2f} s, {self.rate:,.0f}/s"
            f" (generate {self.generate_seconds:.2f} s, write {self.store_seconds:.2f} s)"
        )


@dataclass(frozen=True)
class SeedReport:
    """The whole run. `lost`: targets that failed while others went on, with the reason."""

    world: str
    options: WorldOptions
    tables: tuple[TableReport, ...]
    seconds: float
    results: Any
    error: LsatsError | None
    lost: Mapping[str, str]
    rejects: Rejects | None
    blocks: tuple[BlockRecord, ...]

    @property
    def rejected(self) -> int:
        """Rows set aside."""
        return self.rejects.total if self.rejects else 0

    @property
    def status(self) -> str:
        """`done`, `partial` or `failed`."""
        if self.error:
            return "failed"
        return "partial" if self.lost or self.rejected else "done"

    @property
    def exit_code(self) -> int:
        """As in contract.md: 0 done, 3 partial, 4 not as declared, 5 unreachable, 1 otherwise."""
        if self.error:
            return self.error.exit_code
        if self.status == "partial":
            return _PARTIAL
        return 0

    @property
    def rows(self) -> int:
        """Rows made."""
        return sum(table.rows for table in self.tables)

    def table(self, name: str) -> TableReport:
        """One table's."""
        return next(table for table in self.tables if table.table == name)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        last = self.blocks[-1] if self.blocks else None
        return {
            "world": self.world,
            "status": self.status,
            "options": self.options.model_dump(mode="json"),
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows / self.seconds) if self.seconds else 0,
            "generated_per_second": round(last.generate_rate) if last else 0,
            "stored_per_second": round(last.store_rate) if last else 0,
            "peak_block_memory_mb": round(max((b.memory for b in self.blocks), default=0.0)),
            "tables": [_table_as_json(table) for table in self.tables],
            "batches": [asdict(block) for block in self.blocks],
            "rejected": self.rejected,
            "rejects_file": str(self.rejects.path) if self.rejects and self.rejected else None,
            "lost_targets": dict(self.lost),
            "error": str(self.error) if self.error else None,
            "verification": self.results.as_json() if self.results else None,
        }


def _table_as_json(table: TableReport) -> dict[str, Any]:
    return {
        **{k: v for k, v in vars(table).items() if k != "written"},
        "written": {name: written._asdict() for name, written in table.written.items()},
    }
