"""Stock of every product in every DC on the day `as_of`."""

from __future__ import annotations

from lsats_pipeline.synthetic.worlds.retail.inventory import DC, snapshot_table

TABLE = snapshot_table(DC)
