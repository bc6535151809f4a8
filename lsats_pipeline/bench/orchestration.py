"""What Dagster itself costs, with nothing new to do: milliseconds an asset, and whole commands.

a campus of a home of its own ─▶ `lsats run silver` ─▶ wall of the run - the hub's own work
                              └▶ `lsats run`        ─▶ the command from its start to its end
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from lsats_pipeline.bench.figures import Figure
from lsats_pipeline.bench.processes import Cost, cost_of
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url

_PEOPLE, _TIMES = "300", 3
_WORK = """
select extract(epoch from sum(completed_at - started_at))
from meta.ingestion_runs where dagster_run_id = %s
"""


def figures() -> Iterator[Figure]:
    """Measure on the embedded server; the least of three, for what else the machine does adds.

    ConfigurationError when a real source is configured.
    """
    configuration().refuse_real("this is measured on a simulated campus")
    with tempfile.TemporaryDirectory(prefix="lsats-bench-") as home:
        variables = {"LSATS_HOME": home, "DATABASE_URL": "", "DAGSTER_DATABASE_URL": ""}

        def cost(*arguments: str) -> Cost:
            return cost_of(arguments, "", variables)

        cost("demo", "--people", _PEOPLE, "--days", "1", "--prices-mb", "0")
        settings = load(HubSettings, lsats_home=Path(home), database_url=None)
        with hub_url(settings) as url, Warehouse(url) as warehouse:
            silver = [_own_seconds(warehouse, cost("run", "silver")) for _ in range(_TIMES)]
        wall, work = min(silver, key=lambda one: one[0] - one[1])
        yield Figure(
            "Dagster's own milliseconds an asset, nothing new",
            1000 * (wall - work) / len(SILVER_TABLES),
            36,
            detail=f"{len(SILVER_TABLES)} tables: a run of {wall:.2f} s, {work:.2f} s the hub's",
        )
        day = min((cost("run") for _ in range(_TIMES)), key=lambda one: one.wall)
        detail = f"{day.line}; starts and stops the embedded server"
        yield Figure("seconds of a day with nothing new, as a command", day.wall, 5, detail=detail)


def _own_seconds(warehouse: Warehouse, cost: Cost) -> tuple[float, float]:
    """Seconds of the run, and of the hub's work in it."""
    rows = warehouse.query(_WORK, [cost.output["run_id"]])
    return cost.output["seconds"], float(rows[0][0])
