"""`lsats bench`: figures as ratios against a floor measured in the same run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say_json, say_table
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.bench.figures import Figure

app = typer.Typer(help="Figures as ratios against a floor of the same run.", no_args_is_help=True)


@app.command(epilog=examples("lsats bench hub", "lsats bench hub --people 200000"))
def hub(
    people: Annotated[int, typer.Option(min=2000, max=1_000_000, help="Of the campus.")] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Bronze, silver and memory of the hub, on a simulated campus in a scratch database."""
    from lsats_pipeline.bench.hub import figures

    _say(figures(load(HubSettings), people), as_json)


@app.command(epilog=examples("lsats bench day"))
def day(as_json: AsJson = False) -> None:
    """A day with nothing new: what Dagster itself costs, and the whole command."""
    from lsats_pipeline.bench.orchestration import figures

    _say(figures(), as_json)


@app.command(epilog=examples("lsats bench worlds"))
def worlds(as_json: AsJson = False) -> None:
    """The synthetic worlds at the volumes of their predecessors, in a scratch database."""
    from lsats_pipeline.bench.worlds import figures

    _say(figures(load(HubSettings)), as_json)


@app.command(epilog=examples("lsats bench mrf", "lsats bench mrf --mb 200"))
def mrf(
    megabytes: Annotated[
        int, typer.Option("--mb", min=80, max=100_000, help="Of text, before compression.")
    ] = 1500,
    seed: Annotated[int, typer.Option(help="Another seed, another file.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Price files to Parquet and PostgreSQL: MB/s against floors, DuckDB and ijson."""
    from lsats_pipeline.bench.mrf import figures

    _say(figures(load(HubSettings), megabytes, seed), as_json)


def _say(figures: Iterable[Figure], as_json: bool) -> None:
    """Each figure as it comes, then all of them."""
    found = []
    for figure in figures:
        found.append(figure)
        note(f"{'✅' if figure.reached else '⚠️'} {figure.name}: {figure.value:.2f}")
    if as_json:
        say_json([{**vars(f), "reached": f.reached} for f in found])
        return
    say_table(
        ["figure", "value", "goal", "", "measured"],
        [
            [f.name, f"{f.value:.2f}", f"{'≥' if f.at_least else '≤'} {f.goal:g}",
             "" if f.reached else "missed", f.detail]
            for f in found
        ],
    )  # fmt: skip
