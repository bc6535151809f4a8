"""One silver table as one would write it by hand: what a build is measured against.

The rows equal the hub's (a test holds it), in a table with the same columns and indexes: a floor
that left out what the hub's table has to bear would say nothing of the build.
"""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.hub.silver.tables import table
from lsats_pipeline.warehouse.database import Connection, sql_file

TABLE = table("umapi_employees")


def create(connection: Connection) -> None:
    """Make the empty table `silver.by_hand`."""
    connection.execute("create table silver.by_hand (like silver.umapi_employees including all)")


def fill(connection: Connection) -> None:
    """One INSERT ... SELECT from bronze, all columns and rows."""
    connection.execute(sql_file(Path(__file__).parent / "umapi_employees.sql"))


def drop(connection: Connection) -> None:
    """Take the table away again."""
    connection.execute("drop table silver.by_hand")
