"""Connections: a pool that works with the rights of `lsats_etl`, and a lock per writer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, sql
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from lsats_pipeline.core.errors import Busy, ConfigurationError, Unreachable

log = logging.getLogger(__name__)

Connection = psycopg.Connection[TupleRow]
Params = Sequence[Any] | Mapping[str, Any] | None
_SETTINGS = "-c timezone=UTC -c jit=off -c client_min_messages=warning"
_CONNECT_SECONDS = 15
# A writer may say nothing for hours; firewalls forget silent connections, and so their locks.
_SILENT_SECONDS = 60
_POLL_SECONDS = 0.05
# The server takes a moment to notice that a killed writer is gone.
_GRACE_SECONDS = 1.0


class Warehouse:
    """The hub's database. Open it with `with Warehouse(url) as warehouse`.

    Connections from the pool carry the rights of the role `lsats_etl` only; `owner()` is for
    migrations and declarations, and needs the rights of the login itself.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = database_name(url)
        self._pool: ConnectionPool[Connection] | None = None

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A pooled connection; committed at the end of the block, rolled back on an error."""
        try:
            with self._open_pool().connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise unreachable(self.url, error) from None

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """A connection of its own with the rights of the login."""
        with connect(self.url) as connection:
            yield connection

    @contextmanager
    def writer(self, name: str, *, wait: float = 0.0) -> Iterator[Connection]:
        """The connection of the one writer of `name`, in autocommit, locked until the block ends.

        The lock belongs to the session: a killed process, or a lost connection, gives it up.
        Raises Busy, saying who holds it, when it is not free within `wait` seconds.
        """
        with connect(self.url, autocommit=True) as connection:
            become_etl(connection)
            _take_lock(connection, name, max(wait, _GRACE_SECONDS))
            try:
                yield connection
            finally:
                _unlock(connection, name)

    def query(self, text: str | sql.SQL | sql.Composed, params: Params = None) -> list[TupleRow]:
        """Rows of one statement."""
        with self.connection() as connection:
            return connection.execute(text, params).fetchall()

    def _open_pool(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            self._pool = ConnectionPool(
                self.url,
                min_size=0,
                max_size=8,
                open=True,
                timeout=_CONNECT_SECONDS,
                kwargs={"options": _SETTINGS, "connect_timeout": _CONNECT_SECONDS},
                configure=_configure,
            )
        return self._pool


def connect(url: str, *, autocommit: bool = False, seconds: int = _CONNECT_SECONDS) -> Connection:
    """A connection outside the pool; Unreachable when the server does not answer in time."""
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            options=_SETTINGS,
            connect_timeout=seconds,
            keepalives_idle=_SILENT_SECONDS,
            keepalives_interval=_SILENT_SECONDS // 4,
        )
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from None


def become_etl(connection: Connection) -> None:
    """Lay down the login's rights and keep those of `lsats_etl`."""
    try:
        connection.execute("set role lsats_etl")
    except psycopg.Error as error:
        raise ConfigurationError(
            f"this login may not act as role lsats_etl ({str(error).strip()}): "
            "run `lsats db migrate` as the owner, or grant lsats_etl to the login"
        ) from None


def database_name(url: str) -> str:
    """The database that a URL or connection string names."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise ConfigurationError(
            "DATABASE_URL is not a PostgreSQL URL; expected postgresql://user@host/name"
        ) from None
    return str(parts.get("dbname") or parts.get("user") or "")


def with_database(url: str, name: str) -> str:
    """The same server and login, another database."""
    return conninfo.make_conninfo(url, dbname=name)


def unreachable(url: str, error: Exception) -> Unreachable:
    """An error that names the server but never the password."""
    # Lines that libpq indents are advice.
    message = [
        line for line in str(error).splitlines() if line.strip() and not line.startswith("\t")
    ]
    reason = message[-1].strip() if message else type(error).__name__
    return Unreachable(
        f"the database at {place(url)} does not answer ({reason}); see `lsats doctor`"
    )


def place(url: str) -> str:
    """Server and database of a URL, without login and password."""
    parts = conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


@cache
def sql_file(path: Path) -> sql.SQL:
    """The text of an `.sql` file; such files are part of the program."""
    return sql.SQL(path.read_text(encoding="utf-8"))


def _configure(connection: Connection) -> None:
    become_etl(connection)
    connection.commit()


def _take_lock(connection: Connection, name: str, wait: float) -> None:
    deadline = time.monotonic() + wait
    while not _try_lock(connection, name):
        if time.monotonic() >= deadline:
            raise Busy(f"{name} is being written by {_holder(connection, name)}; try again later")
        time.sleep(_POLL_SECONDS)


def _try_lock(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "select pg_try_advisory_lock(hashtextextended('lsats:' || %s, 0))", [name]
    ).fetchone()
    return bool(row and row[0])


def _unlock(connection: Connection, name: str) -> None:
    """Let go at once; closing the connection would do it too, a little later."""
    with suppress(psycopg.Error):
        connection.execute("select pg_advisory_unlock(hashtextextended('lsats:' || %s, 0))", [name])


def _holder(connection: Connection, name: str) -> str:
    row = connection.execute(
        "select who, started_at from meta.ingestion_runs"
        " where layer || '/' || entity = %s and status = 'running'"
        " order by started_at desc limit 1",
        [name],
    ).fetchone()
    return f"{row[0]} since {row[1]:%Y-%m-%d %H:%M:%S} UTC" if row else "another process"


def analyze_if_grown(connection: Connection, schema: str, table: str, changed: int) -> None:
    """Let the planner know of a table that a load has just made much larger."""
    connection.execute("select meta.analyze_if_grown(%s, %s, %s)", [schema, table, changed])


def declared(connection: Connection, name: str) -> str | None:
    """The fingerprint under which something was last declared in the database."""
    row = connection.execute(
        "select fingerprint from meta.declarations where name = %s", [name]
    ).fetchone()
    return str(row[0]) if row else None


def remember_declaration(connection: Connection, name: str, fingerprint: str) -> None:
    """State what the database now corresponds to."""
    connection.execute(
        "insert into meta.declarations (name, fingerprint) values (%s, %s) on conflict (name)"
        " do update set fingerprint = excluded.fingerprint, declared_at = now()",
        [name, fingerprint],
    )
