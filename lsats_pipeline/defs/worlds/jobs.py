"""A job for each synthetic world."""

from __future__ import annotations

import dagster as dg

from lsats_pipeline.defs.default_partition import DEFAULT_PARTITION, all_of
from lsats_pipeline.defs.worlds.campus import flags_of_silver
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

# It compares with silver, which a day of the hub builds after the campus has come to the day.
_AFTER_SILVER = dg.AssetSelection.checks(flags_of_silver)

synthetic_campus = dg.define_asset_job(
    "synthetic_campus",
    selection=dg.AssetSelection.groups("campus") - _AFTER_SILVER,
    description=(
        "Create the campus that the simulators serve, or advance it to a day; `people`, `seed` and"
        " `day` under `resources: campus_options` of the run."
    ),
)

campus_score = dg.define_asset_job(
    "campus_score",
    selection=_AFTER_SILVER,
    description="Compare the flags of silver with the defects of the campus: run it after a day.",
)
