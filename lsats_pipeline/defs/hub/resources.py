"""The resources of the hub: its database, a client for each source, the options of a run."""

from __future__ import annotations

from typing import Any

from pydantic import create_model

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.hub.clients import AS_LOADED, client_resources
from lsats_pipeline.defs.hub.run_options import RunOptionsResource
from lsats_pipeline.defs.hub.warehouse import WarehouseResource
from lsats_pipeline.warehouse.location import describe_location


def hub_resources() -> dict[str, Any]:
    """By key, to be configured when a run is launched; all share the one database."""
    where = describe_location(load(HubSettings))
    described = create_model(
        WarehouseResource.__name__,
        __base__=WarehouseResource,
        __module__=__name__,
        __doc__=f"The hub's PostgreSQL: {where}.{AS_LOADED}",
    )
    warehouse = described.configure_at_launch()
    return {
        "warehouse": warehouse,
        **client_resources(warehouse),
        "run_options": RunOptionsResource.configure_at_launch(),
    }
