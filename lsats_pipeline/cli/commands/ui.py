"""`lsats ui` and `lsats simulate`: commands that stay until Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say, say_json
from lsats_pipeline.core.settings import HubSettings, load


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("lsats ui", "lsats ui --port 3001"))(ui)
    app.command(epilog=examples("lsats simulate", "lsats simulate --people 500 --json"))(simulate)


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="On this machine only.")] = 3000,
) -> None:
    """Dagster's web interface and daemon, on what is configured; until Ctrl-C."""
    from lsats_pipeline.cli.webserver import serve

    with ended_by_signals() as ended:
        for line in serve(load(HubSettings), port, ended):
            say(line)
            _flush()


def simulate(
    people: Annotated[
        int | None,
        typer.Option(min=200, max=1_000_000, help="If there is no campus yet: of so many people."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="And from this seed.")] = None,
    as_json: AsJson = False,
) -> None:
    """The simulated systems alone, printing the variables that point at them; until Ctrl-C."""
    from lsats_pipeline.campus.simulation import SimulatedCampus, settled_campus
    from lsats_pipeline.warehouse import Warehouse
    from lsats_pipeline.warehouse.location import hub_url

    settings = load(HubSettings)
    with (
        ended_by_signals() as ended,
        hub_url(settings) as url,
        Warehouse(url) as warehouse,
    ):
        if people is not None or seed is not None:
            settled_campus(
                warehouse,
                people=people or settings.lsats_demo_people,
                seed=seed if seed is not None else settings.lsats_demo_seed,
                first_day=settings.today(),
            )
        with SimulatedCampus().served(warehouse, settings) as variables:
            if as_json:
                say_json(dict(variables))
            else:
                for name, value in variables.items():
                    say(f"export {name}={shlex.quote(value)}")
            _flush()
            note("The simulated campus answers until Ctrl-C.")
            ended.wait()


@contextmanager
def ended_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that the block can end in order.

    Having handlers also makes sure that children start with both signals working, even where a
    shell ignores them for what it runs in the background.
    """
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _flush() -> None:
    import sys

    sys.stdout.flush()
