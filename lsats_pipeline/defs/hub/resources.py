"""The resources of the hub: its database, a client for each source, the options of a run."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.hub.clients import client_resources
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.warehouse import WarehouseResource


@dg.definitions
def defs() -> dg.Definitions:
    """The resources."""
    warehouse = WarehouseResource.configure_at_launch()
    return dg.Definitions(
        resources={
            "warehouse": warehouse,
            **client_resources(warehouse),
            "run_options": RunOptionsResource.configure_at_launch(),
        },
    )
