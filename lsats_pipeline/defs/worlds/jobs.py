"""A job for each synthetic world."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION, all_of
from lsats_pipeline.defs.worlds.options import block_keys
from lsats_pipeline.synthetic.worlds import WORLDS, world

synthetic_worlds = [
    dg.define_asset_job(
        f"synthetic_{name}",
        selection=dg.AssetSelection.groups(name),
        tags={DEFAULT_PARTITION: all_of(block_keys(world(name)))},
        description=(
            f"Seed the synthetic world {name}, parents first, and check what is stored. Without a"
            f" partition, all blocks; options under `resources: {name}_options` of the run."
        ),
    )
    for name in WORLDS
]
