"""The schema, step by step (Alembic; each step is a readable `.sql` file next to its revision).

`migrate(url)` brings a database to the newest step; cheap when it is there already.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.warehouse.database import connect

_FOLDER = Path(__file__).parent
_OLDEST_SERVER = 16


def head() -> str:
    """The newest step this code knows."""
    return max(path.stem for path in (_FOLDER / "versions").glob("[0-9]*.sql"))


def step_of(url: str) -> str | None:
    """The step a database is at; None when it is not the hub's yet."""
    with connect(url) as connection:
        return _current(connection)


def migrate(url: str) -> bool:
    """Apply every missing step; returns whether there was one.

    Raises ConfigurationError for a server that is too old, or a database newer than the code.
    """
    with connect(url) as connection:
        _check_server(connection)
        current = _current(connection)
        if current == head():
            return False
        if current is not None and current > head():
            raise ConfigurationError(
                f"the database is at step {current}, this code knows {head()}: update the code"
            )
        # Two hubs may start at once: one migrates, the other finds it done.
        connection.execute("select pg_advisory_lock(hashtextextended('lsats:migrate', 0))")
        connection.commit()
        if _current(connection) != head():
            _upgrade(url)
    return True


def _upgrade(url: str) -> None:
    # Alembic is slow to import and needed only here.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _current(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    known = connection.execute("select to_regclass('public.lsats_schema_version')").fetchone()
    if known is None or known[0] is None:
        return None
    row = connection.execute("select version_num from public.lsats_schema_version").fetchone()
    return str(row[0]) if row else None


def _check_server(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    if connection.info.server_version < _OLDEST_SERVER * 10_000:
        major = connection.info.server_version // 10_000
        raise ConfigurationError(
            f"the server is PostgreSQL {major}; the hub needs {_OLDEST_SERVER} or later"
        )
