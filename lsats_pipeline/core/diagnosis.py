"""Findings of an examination: what was checked, its state, what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lsats_pipeline.core.errors import ConfigurationError, LsatsError

State = Literal["ok", "note", "failed"]


@dataclass(frozen=True)
class Finding:
    """What was found about one thing. `exit_code`: what a failure means (contract.md)."""

    area: str
    name: str
    state: State
    text: str
    remedy: str = ""
    exit_code: int = 0


def exit_code_of(findings: Sequence[Finding]) -> int:
    """The exit code: 0, else 2 when any configuration failed, else 5."""
    codes = {finding.exit_code for finding in findings}
    return 2 if 2 in codes else max(codes, default=0)


def ok(area: str, name: str, text: str) -> Finding:
    """It is as it has to be."""
    return Finding(area, name, "ok", text)


def failed(area: str, name: str, error: LsatsError, remedy: str = "") -> Finding:
    """An error met on the way."""
    return Finding(area, name, "failed", str(error), remedy, error.exit_code)


def misconfigured(name: str, error: ConfigurationError) -> Iterator[Finding]:
    """A finding for every variable that is wrong."""
    for line in str(error).splitlines():
        remedy = "correct the variable in .env or in the environment; .env.example explains each"
        yield Finding("settings", name, "failed", line, remedy, error.exit_code)
