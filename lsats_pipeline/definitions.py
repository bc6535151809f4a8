"""The Dagster code location `lsats_pipeline`: the hub, price files, synthetic worlds."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.hub.definitions import hub_definitions
from lsats_pipeline.defs.mrf.definitions import mrf_definitions
from lsats_pipeline.defs.worlds.definitions import world_definitions


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, automation and resources of all, and the executor.

    Steps run in the process of their run: PostgreSQL does the work, a process a step would not.
    """
    executor = dg.Definitions(executor=dg.in_process_executor)
    return dg.Definitions.merge(executor, hub_definitions(), mrf_definitions(), world_definitions())
