"""`lsats runs`: the records that Dagster keeps of runs."""

from __future__ import annotations

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say_json, say_table

app = typer.Typer(help="What Dagster has recorded of runs.", no_args_is_help=True)


@app.command(epilog=examples("lsats runs adopt"))
def adopt(as_json: AsJson = False) -> None:
    """Take runs into the hub's storage that `dagster` ran without DAGSTER_HOME.

    Such a run leaves its record in LSATS_HOME/runs. One that is still at work stays there.
    """
    from lsats_pipeline.cli.runner import adopt_runs

    adopted = adopt_runs()
    if as_json:
        say_json(adopted)
    elif adopted:
        say_table(("run", "job", "state", "partition"), (list(run.values()) for run in adopted))
    else:
        note("no run waits to be taken over")
