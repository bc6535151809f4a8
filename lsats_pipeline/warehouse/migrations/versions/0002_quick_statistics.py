"""Statistics that cost a load little."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0002_quick_statistics"
down_revision = "0001_meta_bronze"


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
