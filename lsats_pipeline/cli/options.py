"""Options that several commands have, and the ways they open the hub's database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import step_of

F = TypeVar("F", bound=Callable[..., Any])


def a_day(text: str | dt.date) -> dt.date:
    """A day written as 2026-11-20."""
    if isinstance(text, dt.date):
        return text
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it like 2026-11-20") from None


def a_moment(text: str | dt.datetime) -> dt.datetime:
    """A day (its end) or a time, like 2026-11-20 or 2026-11-20T14:30; local unless it says."""
    if isinstance(text, dt.datetime):
        return text
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write it like 2026-11-20 or 2026-11-20T14:30"
        ) from None
    return moment + dt.timedelta(days=1) if len(text) == len("2026-11-20") else moment


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
Day = Annotated[
    dt.date | None, typer.Option(parser=a_day, metavar="DAY", help="The day, like 2026-11-20.")
]


def examples(*lines: str) -> str:
    """Examples for the end of a command's help."""
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])


@contextmanager
def inspect_hub() -> Iterator[Warehouse | None]:
    """The hub's database as it is, for commands that only look; None when nothing is there yet."""
    settings = load(HubSettings)
    if settings.database_url is None and not (settings.lsats_home / "postgres").exists():
        yield None
        return
    with hub_url(settings) as url, Warehouse(url) as warehouse:
        yield warehouse if step_of(url) else None


@contextmanager
def inspect_existing_hub() -> Iterator[Warehouse]:
    """The same, where an empty hub is the user's mistake."""
    with inspect_hub() as warehouse:
        if warehouse is None:
            raise ConfigurationError(NOTHING_YET)
        yield warehouse


NOTHING_YET = "nothing is in the hub yet: run `lsats demo`, or `lsats run` on your sources"
