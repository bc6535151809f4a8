"""The demonstration of price files: a generated file with faults, all steps, counts compared.

file and its manifest ─▶ catalogue ─▶ job `mrf_process` ─▶ every count compared with the manifest
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from lsats_pipeline.cli.runner import FileOutcome, Watcher, execute_for_file, processed
from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.mrf.files import example_options, example_path
from lsats_pipeline.mrf.sources import catalog, discovery
from lsats_pipeline.mrf.workspace import Published, Workspace
from lsats_pipeline.synthetic.price_files import Manifest
from lsats_pipeline.synthetic.price_files.example import cached_price_file
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.safety import require_synthetic_database

# Of the job: raw file, index, tables, profile, parts.
PRICE_STEPS = 5
_PARTS = 4


@dataclass(frozen=True)
class PriceDemonstration:
    """The result. `compared`: name, as generated, as found. `run` is None if it was done before."""

    file: str
    folder: Path
    megabytes: float
    compared: list[tuple[str, int, int]]
    seconds: float
    run: FileOutcome | None = None

    @property
    def differing(self) -> list[str]:
        """What was found otherwise than it was made."""
        return [what for what, made, found in self.compared if made != found]


def run_price_demo(
    *,
    megabytes: float,
    seed: int,
    workers: int = 0,
    again: bool = True,
    watch: Watcher | None = None,
) -> PriceDemonstration:
    """Take the example through all steps; `again`: also when all of them are done.

    ConfigurationError when the database is not for synthetic data; PermanentError when a step
    failed.
    """
    begun, settings = time.monotonic(), load(HubSettings)
    exports = settings.lsats_home / "exports" / "mrf"
    with hub_url(settings) as url, Warehouse(url) as warehouse:
        require_synthetic_database(warehouse.name)
        migrate(url)
        path = example_path(settings)
        manifest = cached_price_file(path, example_options(megabytes, seed))
        with warehouse.writer("mrf/find", wait=60) as connection:
            key = discovery.add(connection, str(path))
            due = catalog.known(connection, key).due
        run = None
        if again or due or not processed(key):
            options = {
                "workers": workers,
                "span_mb": 4,
                "split_mb": megabytes / _PARTS,
                "to_postgres": True,
            }
            run = execute_for_file("mrf_process", key, options, watch)
    published = Workspace(exports, key).published
    if published is None or (run and not run.success):
        raise PermanentError(f"the example of {megabytes:g} MB was not processed: {_why(run)}")
    compared = _compared(manifest, published)
    seconds = time.monotonic() - begun
    return PriceDemonstration(key, exports / key, megabytes, compared, seconds, run)


def _why(run: FileOutcome | None) -> str:
    if run is None:
        return "what was published is gone; `lsats mrf demo` does it again"
    messages = [f"{failure.asset}: {failure.message}" for failure in run.failures]
    return "; ".join(messages) or "see `lsats ui`"


def _compared(manifest: Manifest, published: Published) -> list[tuple[str, int, int]]:
    sums = published.sums
    return [
        ("prices", manifest.prices, sums.rows.get("in_network", 0)),
        ("total of rates in cents", manifest.cents, sums.cents),
        ("provider groups", manifest.groups, sums.rows.get("provider_references", 0)),
        ("provider numbers", manifest.npis, sums.npis),
        ("rejects", len(manifest.faults), sums.rows.get("rejects", 0)),
        *(
            (f"elements of {name}", made, published.elements.get(name, 0))
            for name, made in manifest.elements.items()
        ),
    ]
