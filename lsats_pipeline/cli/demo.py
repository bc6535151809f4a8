"""The demonstration: some days of a simulated campus, each ingested by the hub.

campus of the first day ─▶ for each day: clock moved, campus changed, job `hub_daily`
                        ─▶ a small price file through `mrf_process` ─▶ summary
A day that is done stays done, so that a second demonstration only shows what is there.
"""

from __future__ import annotations

import datetime as dt
import logging
import resource
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from lsats_pipeline.campus.simulation import settled_campus
from lsats_pipeline.cli.runner import RunOutcome, Watcher, execute_job
from lsats_pipeline.core.settings import HubSettings, load, on_day
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.days import ask_for_days
from lsats_pipeline.hub.hub import prepare
from lsats_pipeline.hub.plan import choose
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.rejects import open_counts
from lsats_pipeline.warehouse.safety import require_synthetic_database
from lsats_pipeline.warehouse.summary import (
    LayerDay,
    TableQuality,
    finished_days,
    per_layer_and_day,
    table_quality,
)

if TYPE_CHECKING:
    from lsats_pipeline.cli.price_demo import PriceDemonstration

log = logging.getLogger(__name__)

# Shows the progress of a day: yields the watcher of its run.
Display = Callable[[str, int], AbstractContextManager[Watcher | None]]


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration came to. Memory in bytes; `example`: a person worth looking at."""

    people: int
    seed: int
    days: tuple[dt.date, ...]
    outcomes: tuple[RunOutcome, ...]
    layers: list[LayerDay]
    rejects: list[tuple[str, str, int]]
    quality: list[TableQuality]
    example: str | None
    seconds: float
    memory_at_start: int
    memory_peak: int
    already_done: tuple[dt.date, ...] = field(default=())
    prices: PriceDemonstration | None = None

    @property
    def success(self) -> bool:
        """Whether every day is in the hub, and the price file whole."""
        whole = self.prices is None or not self.prices.differing
        return whole and all(outcome.success for outcome in self.outcomes)


def _unwatched(title: str, assets: int) -> AbstractContextManager[Watcher | None]:
    return nullcontext()


def run_demo(
    *,
    people: int,
    days: int,
    seed: int,
    prices_mb: float = 0,
    display: Display = _unwatched,
) -> Demonstration:
    """Simulate the last `days` days, as far as they are not done yet; then a price file.

    ConfigurationError when the database is not for synthetic data, when a real source is
    configured, or when the campus that is there has other people or another seed.
    """
    settings = load(HubSettings)
    configuration().refuse_real("the demo shows a simulated campus")
    started, memory = time.monotonic(), psutil.Process().memory_info().rss
    with hub_url(settings) as url, Warehouse(url) as warehouse:
        require_synthetic_database(warehouse.name)
        wanted = _days(settings.today(), days)
        first = settled_campus(warehouse, people=people, seed=seed, first_day=wanted[0])
        wanted = [day for day in wanted if day >= first]
        prepare(warehouse)
        done = _done(warehouse, wanted)
        ask_for_days(settings, [day for day in wanted if day not in done])
        outcomes = _run_days(wanted, done, display)
        prices = None
        if prices_mb and all(outcome.success for outcome in outcomes):
            prices = _prices(prices_mb, seed, display)
        return _summary(
            warehouse,
            (people, seed),
            wanted,
            outcomes,
            done=tuple(sorted(done)),
            seconds=time.monotonic() - started,
            memory=memory,
            prices=prices,
        )


def _prices(megabytes: float, seed: int, display: Display) -> PriceDemonstration:
    """A file so small that processes of its own would only cost."""
    # Here, because it loads definitions, which know the days that are asked for by then.
    from lsats_pipeline.cli.price_demo import PRICE_STEPS, run_price_demo

    with display(f"a price file of {megabytes:g} MB", PRICE_STEPS) as watch:
        done = run_price_demo(megabytes=megabytes, seed=seed, workers=1, again=False, watch=watch)
    if done.run is None:
        log.info("⏭️ the price file %s is done already", done.file)
    return done


def _run_days(days: list[dt.date], done: set[dt.date], display: Display) -> tuple[RunOutcome, ...]:
    """Run the missing days in order; the first failure ends it, for later days build on it."""
    outcomes: list[RunOutcome] = []
    assets = len(choose())
    for number, day in enumerate(days, start=1):
        if day in done:
            log.info("⏭️ %s is done already", day)
            continue
        title = f"day {number} of {len(days)}, {day}"
        with on_day(day), display(title, assets) as watch:
            outcomes.append(execute_job("hub_daily", first=day, last=day, watch=watch))
        if not outcomes[-1].success:
            break
    return tuple(outcomes)


def _days(today: dt.date, count: int) -> list[dt.date]:
    return [today - dt.timedelta(days=n) for n in reversed(range(count))]


def _done(warehouse: Warehouse, days: list[dt.date]) -> set[dt.date]:
    assets = [str(one.asset) for one in choose()]
    with warehouse.connection() as connection:
        return finished_days(connection, days, assets)


def _summary(
    warehouse: Warehouse,
    numbers: tuple[int, int],
    days: list[dt.date],
    outcomes: tuple[RunOutcome, ...],
    *,
    done: tuple[dt.date, ...],
    seconds: float,
    memory: int,
    prices: PriceDemonstration | None,
) -> Demonstration:
    with warehouse.connection() as connection:
        return Demonstration(
            *numbers,
            tuple(days),
            outcomes,
            per_layer_and_day(connection, days),
            open_counts(connection),
            table_quality(connection),
            _example(warehouse),
            seconds,
            memory,
            _peak(),
            done,
            prices,
        )


def _example(warehouse: Warehouse) -> str | None:
    """The key of an example person: the one with the most versions, else anybody."""
    rows = warehouse.query(
        "select uniqname from silver.users left join ("
        " select uniqname, count(*) as versions from silver.users_history group by uniqname"
        ") as past using (uniqname) order by versions desc nulls last, uniqname limit 1"
    )
    return str(rows[0][0]) if rows else None


def _peak() -> int:
    """The most memory this process ever had, in bytes; Linux counts in kilobytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
