"""The catalogue of price files, and how their hosts behave."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0003_price_files"
down_revision = "0002_quick_statistics"


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
