"""Where Dagster keeps runs and events: PostgreSQL on the hub's server, written in batches.

dagster_home/dagster.yaml ─▶ HubStorage ─┬▶ RunStorage     every run under its job, with its day
                                         ├▶ EventStorage   events in batches, one transaction each
                                         └▶ schedules, as Dagster keeps them
location.py    which database, one pooled engine a process
adoption.py    runs that were recorded nowhere, until they are taken over
processes.py   which process is at work on a run, and whether it is still there
internals.py   the private names of Dagster that all this needs

Every process of Dagster makes one of these: daemon, web server, code server, each run.
"""

from __future__ import annotations

from lsats_pipeline.defs.storage.location import storage_url
from lsats_pipeline.defs.storage.processes import HubRunLauncher
from lsats_pipeline.defs.storage.storage import HubStorage

__all__ = ["HubRunLauncher", "HubStorage", "storage_url"]
