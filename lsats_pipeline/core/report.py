"""What every step of the hub reports, whichever layer it belongs to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from lsats_pipeline.core.rules import Result


@dataclass
class Counts:
    """What a run did, in records."""

    processed: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    removed: int = 0

    @property
    def changed(self) -> int:
        """Records that differ from before the run."""
        return self.created + self.updated + self.removed


@dataclass(frozen=True)
class Asset:
    """What a run works on; `layer/entity` is its name everywhere."""

    layer: str
    source_system: str
    entity_type: str
    entity: str

    def __str__(self) -> str:
        return f"{self.layer}/{self.entity}"


@dataclass(frozen=True)
class Report:
    """What one run of one asset did. `run_id` is None when there was nothing to run."""

    asset: Asset
    day: dt.date
    counts: Counts
    seconds: float
    run_id: UUID | None = None
    note: str = ""
    checks: tuple[Result, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """Whether a blocking check failed, so that nothing may build on this run."""
        return any(check.blocking for check in self.checks)

    @property
    def failed(self) -> list[Result]:
        """The rules that do not hold, each by itself where one check has several."""
        return [result for check in self.checks for result in check.failed]

    @property
    def blocked_by(self) -> str:
        """The blocking ones with their reasons."""
        return "; ".join(f"{r.name}: {r.description}" for r in self.failed if r.blocking)

    @property
    def line(self) -> str:
        """One line for people."""
        if self.metadata.get("configured") is False:
            return f"⏸️ {self.asset} {self.day}: {self.note}"
        c = self.counts
        marker = "✅" if all(check.passed for check in self.checks) else "⚠️"
        note = f" · {self.note}" if self.note else ""
        return (
            f"{marker} {self.asset} {self.day}: 🆕 {c.created:,} 📝 {c.updated:,}"
            f" ⏭️ {c.skipped:,} 🗑️ {c.removed:,} ❌ {c.rejected:,}"
            f" in {self.seconds:.1f} s ({_rate(c.processed, self.seconds)}){note}"
        )


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f}/s" if seconds > 0 else "-"
