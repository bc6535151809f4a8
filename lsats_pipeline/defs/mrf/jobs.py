"""The jobs of price files."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION
from lsats_pipeline.defs.mrf.files import EXAMPLE, FILE_LIST

_LIST = dg.AssetSelection.assets(FILE_LIST)

mrf_process = dg.define_asset_job(
    "mrf_process",
    selection=dg.AssetSelection.groups("mrf") - _LIST,
    tags={
        "lsats/work": "price_file",  # dagster_home/dagster.yaml: how many at once
        DEFAULT_PARTITION: EXAMPLE,
    },
    description=(
        "A price file through all steps: fetched, indexed, ingested, profiled, split. The partition"
        " is the file; without one, a small generated file. Options under"
        " `resources: price_files` of the run."
    ),
)

mrf_discover = dg.define_asset_job(
    "mrf_discover",
    selection=_LIST,
    description="Read the sources of LSATS_MRF_SOURCES, and enter what they name in the catalogue.",
)
