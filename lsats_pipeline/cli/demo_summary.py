"""The end of a demonstration: what came in, what did not, how good it is, where to look next."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lsats_pipeline.cli.output import note, program, say, say_table

if TYPE_CHECKING:
    from lsats_pipeline.cli.demo import Demonstration
    from lsats_pipeline.cli.price_demo import PriceDemonstration

_MB = 2**20


def summary_json(result: Demonstration) -> dict[str, Any]:
    """For programs."""
    return {**asdict(result), "success": result.success}


def show_summary(result: Demonstration) -> None:
    """For people."""
    if result.already_done and not result.outcomes:
        note("Every day is done already; this is what is there.")
    _show_layers(result)
    _show_rejects(result)
    _show_quality(result)
    if result.prices:
        _show_prices(result.prices)
    _show_costs(result)
    if result.success:
        _show_next_steps(result)


def _show_layers(result: Demonstration) -> None:
    say_table(
        (
            "day", "layer", "read", "new", "changed", "same", "removed", "rejected",
            "seconds", "rows/s",
        ),
        (
            (
                d.day, d.layer, d.processed, d.created, d.updated, d.skipped, d.removed,
                d.rejected, f"{d.seconds:.1f}", round(d.rate),
            )
            for d in result.layers
        ),
        title="Rows per day and layer",
        right="read, new, changed, same, removed, rejected, seconds, rows/s",
    )  # fmt: skip


def _show_rejects(result: Demonstration) -> None:
    say()
    if result.rejects:
        say_table(
            ("asset", "reason", "records"),
            result.rejects,
            title="Open rejects",
            right="records",
        )
    else:
        say("No open rejects")


def _show_quality(result: Demonstration) -> None:
    say()
    say_table(
        ("table", "rows", "quality"),
        ((f"silver.{q.table}", q.rows, q.mean) for q in result.quality),
        title="Mean quality (1.00 is best)",
        right="rows, quality",
    )


def _show_prices(prices: PriceDemonstration) -> None:
    say()
    say_table(
        ("what", "made", "found"),
        prices.compared,
        title=f"A price file of {prices.megabytes:g} MB with faults, and what the hub has of it",
        right="made, found",
    )
    if prices.differing:
        note(f"❌ what was found differs in {', '.join(prices.differing)}")


def _show_costs(result: Demonstration) -> None:
    say()
    peak = result.memory_peak / _MB
    more = (result.memory_peak - result.memory_at_start) / _MB
    say(
        f"{result.people:,} people, {_days(len(result.days))}, {result.seconds:.1f} s,"
        f" peak memory {peak:,.0f} MB ({more:,.0f} MB more than at the start)"
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _show_next_steps(result: Demonstration) -> None:
    say()
    say("Where to look next")
    lsats = program()
    ways = [
        (f"{lsats} ui", "the assets, their checks and metadata in a browser"),
        (f"{lsats} status", "every stream and table"),
        (f"{lsats} rejects list", "what could not be used, and why"),
        (f'psql "$({lsats} db url)"', "the tables themselves"),
    ]
    if result.example:
        person = (f"{lsats} history users {result.example}", "one person: every version, sources")
        ways.insert(2, person)
    if result.prices:
        ways.append((f"{lsats} mrf status", "the price file"))
    width = max(len(command) for command, _ in ways)
    for command, about in ways:
        say(f"  {command:<{width}}  {about}")
