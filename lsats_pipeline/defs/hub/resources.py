"""The resources of the hub: its database, a client for each source, the options of a run."""

from __future__ import annotations

from typing import Any

from lsats_pipeline.defs.hub.clients import client_resources
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.warehouse import WarehouseResource


def hub_resources() -> dict[str, Any]:
    """By key, to be configured when a run is launched; all share the one database."""
    warehouse = WarehouseResource.configure_at_launch()
    return {
        "warehouse": warehouse,
        **client_resources(warehouse),
        "run_options": RunOptionsResource.configure_at_launch(),
    }
