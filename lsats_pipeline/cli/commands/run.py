"""`lsats run` and `lsats demo`: the Dagster jobs, in this process, without the UI."""

from __future__ import annotations

import datetime as dt
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
    from lsats_pipeline.hub.plan import Chosen

TOO_MANY_REJECTS = 3
_LIKE_REJECTS = {"no_record_lost", "waiting_documents"}  # checks


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


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("lsats demo", "lsats demo --people 20000 --days 3"))(demo)
    app.command(
        epilog=examples(
            "lsats run",
            "lsats run bronze --source tdx --entity user",
            "lsats run silver --entity users --full",
            "lsats run bronze --source tdx --from 2026-11-01 --to 2026-11-20 --dry-run",
        )
    )(run)


def run(
    layer: Annotated[Layer, typer.Argument(help="What to run.", show_default=False)] = Layer.all,
    source: Annotated[
        str | None, typer.Option(help="Only of this source: tdx, umich_api, mcommunity_ldap ...")
    ] = None,
    entity: Annotated[
        str | None, typer.Option(help="Only this stream or table: user, tdx_user, users ...")
    ] = None,
    day: Day = None,
    first: Annotated[
        dt.date | None, typer.Option("--from", parser=a_day, metavar="DAY", help="First day.")
    ] = None,
    last: Annotated[
        dt.date | None, typer.Option("--to", parser=a_day, metavar="DAY", help="Last day.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Silver works every row out again.")] = False,
    accept_removals: Annotated[
        bool,
        typer.Option("--accept-removals", help="You looked: removals that were held are right."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a layer, or all three, for today or past days; the run appears in the UI too."""
    from lsats_pipeline.hub.plan import choose, require_configured

    chosen = choose(_LAYERS[layer], source, entity)
    require_configured(chosen)
    days = _days(day, first, last, load(HubSettings))
    if dry_run:
        _dry_run(chosen, days, full, as_json)
        return
    from lsats_pipeline.cli.runner import execute_job

    with progress(f"{layer.value}, {days[-1]}", len(chosen)) as watch:
        outcome = execute_job(
            _JOBS[layer],
            selection=[str(c.asset) for c in chosen] if source or entity else None,
            first=days[0],
            last=days[-1],
            full=full,
            accept_removals=accept_removals,
            watch=watch,
        )
    _say_outcome(outcome, as_json)
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
        unwritten = any(check.name in _LIKE_REJECTS for check in outcome.checks)
        return TOO_MANY_REJECTS if unwritten else 0
    rejecting = {check.asset for check in outcome.blocked if check.name == "reject_share"}
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
        if not settings.lsats_first_day <= given <= today:
            raise ConfigurationError(
                f"{name}, {given}, is outside of {settings.lsats_first_day} (LSATS_FIRST_DAY)"
                f" to {today} (today)"
            )
    if first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _dry_run(chosen: list[Chosen], days: list[dt.date], full: bool, as_json: bool) -> None:
    from lsats_pipeline.hub.plan import plan_run

    settings = load(HubSettings)
    with inspect_hub() as warehouse:
        if warehouse is None:
            steps = list(plan_run(None, settings, chosen, days, full=full))
        else:
            with warehouse.connection() as connection:
                steps = list(plan_run(connection, settings, chosen, days, full=full))
    if as_json:
        say_json([vars(step) for step in steps])
    else:
        say_table(
            ("asset", "would", "amount"),
            ((s.asset, s.would, s.amount) for s in steps),
            right="amount",
        )
        note("Dry run: nothing was read from a source, nothing written.")


def _say_outcome(outcome: RunOutcome, as_json: bool) -> None:
    if as_json:
        say_json(outcome.as_json())
        return
    state = "done" if outcome.success else "failed"
    say(f"{state} in {outcome.seconds:.1f} s (run {outcome.run_id})")
