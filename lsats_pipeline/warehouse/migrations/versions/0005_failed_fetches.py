"""Details that could not be read are asked for again, less and less often."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0005_failed_fetches"
down_revision = "0004_fingerprints_by_function"


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
