"""PostgreSQL: the only place that opens a connection.

embedded    the server in a wheel, for when no DATABASE_URL is set
database    pool, transactions, one writer per stream or table
migrations  the schema, step by step; `migrate` applies what is missing
runs        the run log and who has consumed which run
"""

from lsats_pipeline.core.report import Counts
from lsats_pipeline.warehouse.database import Warehouse
from lsats_pipeline.warehouse.runs import Run, recorded_run

__all__ = ["Counts", "Run", "Warehouse", "recorded_run"]
