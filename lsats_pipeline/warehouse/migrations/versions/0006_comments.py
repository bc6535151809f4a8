"""What the columns of the engines' own tables mean, as comments."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0006_comments"
down_revision = "0005_failed_fetches"


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
