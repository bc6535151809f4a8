"""Stock of every product in every store on the day `as_of`."""

from __future__ import annotations

from lsats_pipeline.synthetic.worlds.retail.inventory import STORE, snapshot_table

TABLE = snapshot_table(STORE)
