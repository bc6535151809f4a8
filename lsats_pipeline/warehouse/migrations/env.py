"""What Alembic runs to reach the database."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from lsats_pipeline.warehouse.database import connect

engine = create_engine(
    "postgresql+psycopg://",
    creator=lambda: connect(context.config.attributes["url"]),
    poolclass=NullPool,
)
with engine.connect() as connection:
    context.configure(connection=connection, version_table="lsats_schema_version")
    with context.begin_transaction():
        context.run_migrations()
