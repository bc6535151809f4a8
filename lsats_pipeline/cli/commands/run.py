"""`lsats run` and `lsats demo`: the Dagster jobs, in this process, without the UI."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lsats_pipeline.cli.options import AsJson, Day, a_day, examples, inspect_hub
from lsats_pipeline.cli.output import note, say, say_json, say_table
from lsats_pipeline.cli.progress import progress
from lsats_pipeline.core.errors import ConfigurationError, VerificationFailed
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.cli.runner import RunOutcome
    from lsats_pipeline.hub.configuration import Configuration
    from lsats_pipeline.hub.plan import Chosen

TOO_MANY_REJECTS = 3
_LIKE_REJECTS = {"no_record_lost", "waiting_documents"}  # rules


class Layer(StrEnum):
    """What a run covers."""

    bronze = "bronze"
    enrich = "enrich"
    silver = "silver"
    all = "all"


_LAYERS = {
    Layer.bronze: ("bronze",),
    Layer.enrich: ("enrichment",),
    Layer.silver: ("silver",),
    Layer.all: ("bronze", "enrichment", "silver"),
}
_JOBS = {
    Layer.bronze: "bronze_ingest",
    Layer.enrich: "enrichment",
    Layer.silver: "silver_transform",
    Layer.all: "hub_daily",
}


Sources = Annotated[
    list[str] | None,
    typer.Option(help="Only of this source: tdx, umich_api, mcommunity_ldap ... Repeatable."),
]
Entities = Annotated[
    list[str] | None,
    typer.Option(help="Only this stream or table: user, tdx_user, users ... Repeatable."),
]
FirstDay = Annotated[
    dt.date | None, typer.Option("--from", parser=a_day, metavar="DAY", help="First day.")
]
LastDay = Annotated[
    dt.date | None, typer.Option("--to", parser=a_day, metavar="DAY", help="Last day.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("lsats demo", "lsats demo --people 20000 --days 3"))(demo)
    app.command(
        epilog=examples(
            "lsats run",
            "lsats run bronze --source tdx --source umich_api --entity user",
            "lsats run silver --entity users --full",
            "lsats run --from 2026-11-01 --to 2026-11-20 --skip-unreadable",
        )
    )(run)


def run(
    layer: Annotated[Layer, typer.Argument(help="What to run.", show_default=False)] = Layer.all,
    source: Sources = None,
    entity: Entities = None,
    day: Day = None,
    first: FirstDay = None,
    last: LastDay = None,
    full: Annotated[bool, typer.Option("--full", help="Silver works every row out again.")] = False,
    accept_removals: Annotated[
        bool,
        typer.Option("--accept-removals", help="You looked: removals that were held are right."),
    ] = False,
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="Leave out streams that cannot be read for a day."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a layer, or all three, for today or past days; the run appears in the UI too.

    Takes what is configured and names what is not.
    """
    from lsats_pipeline.hub.configuration import configuration
    from lsats_pipeline.hub.days import ask_for_days
    from lsats_pipeline.hub.plan import choose, require_configured

    systems, entities, found = source or [], entity or [], configuration()
    settings = load(HubSettings)
    chosen = choose(_LAYERS[layer], systems, entities)
    require_configured(chosen, found, systems, entities)
    days = _days(day, first, last, settings)
    if dry_run:
        _dry_run(chosen, days, found, full, as_json)
        return
    readable = _readable(chosen, days, found, skip_unreadable)
    left_out = _left_out(chosen, found)
    for title, remedy in left_out.items():
        note(f"not configured: {title} ({remedy})")
    ask_for_days(settings, [day for day in days if day != settings.today()])
    from lsats_pipeline.cli.runner import execute_job

    narrowed = bool(systems or entities or len(readable) < len(chosen))
    with progress(f"{layer.value}, {days[-1]}", len(readable)) as watch:
        outcome = execute_job(
            _JOBS[layer],
            selection=[str(c.asset) for c in readable] if narrowed else None,
            first=days[0],
            last=days[-1],
            full=full,
            accept_removals=accept_removals,
            watch=watch,
        )
    _say_outcome(outcome, left_out, as_json)
    raise typer.Exit(exit_code(outcome))


def demo(
    people: Annotated[
        int, typer.Option(min=200, max=1_000_000, help="People of the campus.")
    ] = 2000,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days to simulate, to today.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, another campus.")] = 1,
    prices_mb: Annotated[
        float, typer.Option("--prices-mb", min=0, help="Megabytes of a price file; 0: none.")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Simulate some days of a campus, with the real pipeline; then a price file."""
    from lsats_pipeline.cli.demo import run_demo
    from lsats_pipeline.cli.demo_summary import show_summary, summary_json

    result = run_demo(people=people, days=days, seed=seed, prices_mb=prices_mb, display=progress)
    if as_json:
        say_json(summary_json(result))
    else:
        show_summary(result)
    failed = [exit_code(outcome) for outcome in result.outcomes if not outcome.success]
    raise typer.Exit(next(iter(failed), 0 if result.success else VerificationFailed.exit_code))


def exit_code(outcome: RunOutcome) -> int:
    """What an outcome means (contract.md): 0, 3 for rejects alone, else the worst failure's.

    Records that got lost count as rejects that nobody wrote down, and so do documents that nobody
    could read for a day.
    """
    if outcome.success:
        unwritten = any(_LIKE_REJECTS & set(check.rules) for check in outcome.checks)
        return TOO_MANY_REJECTS if unwritten else 0
    rejecting = {check.asset for check in outcome.blocked if "reject_share" in check.rules}
    blocked_otherwise = {check.asset for check in outcome.blocked} - rejecting
    others = [f.exit_code for f in outcome.failures if f.asset not in rejecting]
    if others or blocked_otherwise or not rejecting:
        return max(others, default=1)
    return TOO_MANY_REJECTS


def _days(
    day: dt.date | None, first: dt.date | None, last: dt.date | None, settings: HubSettings
) -> list[dt.date]:
    if day is not None and (first is not None or last is not None):
        raise typer.BadParameter("--day is one day, --from and --to are several: choose")
    if last is not None and first is None:
        raise typer.BadParameter("--to needs --from")
    today = settings.today()
    first, last = first or day or today, last or day or today
    for name, given in (("the first day", first), ("the last day", last)):
        if given > today:
            raise ConfigurationError(f"{name}, {given}, has not come yet: it is {today} (today)")
        if settings.lsats_first_day and given < settings.lsats_first_day:
            raise ConfigurationError(
                f"{name}, {given}, is before {settings.lsats_first_day} (LSATS_FIRST_DAY)"
            )
    if first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _readable(
    chosen: list[Chosen], days: list[dt.date], found: Configuration, skip: bool
) -> list[Chosen]:
    """What can be read for the days; ConfigurationError when that is not all, unless `skip`."""
    from lsats_pipeline.hub.plan import refusal, unreadable

    settings = load(HubSettings)
    if days == [settings.today()]:
        return chosen
    with (
        inspect_hub() as warehouse,
        warehouse.connection() if warehouse else nullcontext() as connection,
    ):
        refused = unreadable(connection, settings, chosen, days, found)
    if refused and not skip:
        raise ConfigurationError(
            f"{refusal(refused, settings.today())}\nNothing was started. Leave these out with"
            f" --skip-unreadable, or choose {settings.today()}"
        )
    for asset in refused:
        note(f"left out: {asset} (it can only be read as it is now)")
    readable = [one for one in chosen if str(one.asset) not in refused]
    if not readable:
        raise ConfigurationError("nothing is left to run: none of it can be read for these days")
    return readable


def _left_out(chosen: list[Chosen], found: Configuration) -> dict[str, str]:
    """Of the sources of these assets those that are not configured, each with its remedy."""
    systems = {one.asset.source_system for one in chosen}
    return {s.title: found.remedies[s.system] for s in found.left_out if s.system in systems}


def _dry_run(
    chosen: list[Chosen], days: list[dt.date], found: Configuration, full: bool, as_json: bool
) -> None:
    from lsats_pipeline.hub.plan import plan_run

    settings = load(HubSettings)
    with inspect_hub() as warehouse:
        if warehouse is None:
            steps = list(plan_run(None, settings, chosen, days, found, full=full))
        else:
            with warehouse.connection() as connection:
                steps = list(plan_run(connection, settings, chosen, days, found, full=full))
    if as_json:
        say_json([vars(step) for step in steps])
    else:
        say_table(
            ("asset", "would", "amount"),
            ((s.asset, s.would, s.amount) for s in steps),
            right="amount",
        )
        note("Dry run: nothing was read from a source, nothing written.")


def _say_outcome(outcome: RunOutcome, left_out: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        say_json({**outcome.as_json(), "not_configured": left_out})
        return
    state = "done" if outcome.success else "failed"
    say(f"{state} in {outcome.seconds:.1f} s (run {outcome.run_id})")
