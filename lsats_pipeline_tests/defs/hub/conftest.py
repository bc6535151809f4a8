"""A hub of one test alone, and where Dagster records its runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

DAYS = [dt.date(2026, 3, 2) + dt.timedelta(days=n) for n in range(4)]


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty hub on a simulated campus, on the first of four days."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LSATS_DEMO_PEOPLE", "200")
    monkeypatch.setenv("LSATS_TODAY", DAYS[0].isoformat())
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda policy, attempt: 0)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
