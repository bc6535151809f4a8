"""How a step of the schema runs: the `.sql` file next to its revision."""

from pathlib import Path

from alembic import op


def run_sql_of(revision: str) -> None:
    """Run the SQL next to a revision, past SQLAlchemy, which would look for parameters in it."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(Path(revision).with_suffix(".sql").read_text(encoding="utf-8"))
