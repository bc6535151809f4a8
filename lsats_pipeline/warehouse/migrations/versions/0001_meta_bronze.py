"""Runs, rejects, bronze and enrichment."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0001_meta_bronze"
down_revision = None


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
