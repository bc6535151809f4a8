"""Fingerprints of silver tables that know which functions they depend on."""

from lsats_pipeline.warehouse.migrations.sql_step import run_sql_of

revision = "0004_fingerprints_by_function"
down_revision = "0003_price_files"


def upgrade() -> None:
    """Run the step's SQL."""
    run_sql_of(__file__)
