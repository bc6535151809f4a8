"""`lsats import-bronze`: the predecessor's bronze, taken over."""

from __future__ import annotations

from typing import Annotated

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    line = "lsats import-bronze postgresql://reader@old-server/lsats_db"
    app.command("import-bronze", epilog=examples(line))(import_bronze)


def import_bronze(
    url: Annotated[str, typer.Argument(help="The predecessor's database.", metavar="URL")],
    as_json: AsJson = False,
) -> None:
    """Take over the predecessor's bronze.raw_entities, every version of every record."""
    from lsats_pipeline.campus.simulation import SimulatedCampus
    from lsats_pipeline.hub.bronze.predecessor import import_bronze
    from lsats_pipeline.hub.days import record_observed
    from lsats_pipeline.hub.hub import open_hub
    from lsats_pipeline.hub.sources import SOURCES

    lines = []
    with open_hub(simulation=SimulatedCampus()) as hub:
        for report in import_bronze(hub.warehouse, hub.settings, SOURCES, url):
            lines.append({"asset": str(report.asset), **vars(report.counts)})
            if not as_json:
                say(report.line)
        with hub.warehouse.connection() as connection:
            record_observed(connection, hub.settings)
    if as_json:
        say_json(lines)
    else:
        note("Now build silver from it: `lsats run silver`.")
