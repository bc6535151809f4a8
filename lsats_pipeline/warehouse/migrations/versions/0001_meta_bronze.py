"""Runs, rejects, bronze and enrichment."""

from pathlib import Path

from alembic import op

revision = "0001_meta_bronze"
down_revision = None


def upgrade() -> None:
    """Run the step's SQL, past SQLAlchemy, which would look for parameters in it."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
