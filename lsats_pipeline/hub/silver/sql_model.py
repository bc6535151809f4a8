"""SQL models as a SELECT: the declared query with its rules, and the scopes that a run changed."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from lsats_pipeline.hub.silver.scoring import flags_of, score_of
from lsats_pipeline.hub.silver.spec import SqlModel
from lsats_pipeline.warehouse.database import sql_file

_SQL_MODEL = sql.SQL(
    """
    select {names},
        {score} as data_quality_score,
        {flags} as quality_flags
    from (
    {query}
    offset 0) as derived
    """
)


def sql_model_rows(table: SqlModel) -> sql.Composable:
    """Rows of the scopes in the temporary table `keys`."""
    return _SQL_MODEL.format(
        names=sql.SQL(", ").join(
            sql.SQL("{0}::{1} as {0}").format(sql.Identifier(c.name), sql.SQL(c.sql_type))
            for c in table.columns
        ),
        score=score_of(table.rules),
        flags=flags_of(table.rules),
        query=_query(table),
    )


def preparations(table: SqlModel) -> Iterator[sql.Composable]:
    """What must have run before `sql_model_rows`, in order."""
    for path in table.prepare:
        yield sql_file(path)


def _query(table: SqlModel) -> sql.Composable:
    query = sql_file(table.query)
    if not table.fragments:
        return query
    return query.format(**{name: sql_file(path) for name, path in table.fragments.items()})


def all_scopes(table: SqlModel) -> sql.Composable:
    """Every scope there is."""
    return _scopes(sql.SQL(table.scopes))


def changed_scopes(table: SqlModel, runs: sql.Composable) -> sql.Composable | None:
    """Scopes that the runs may have changed; None means all, and those that are no more."""
    if table.changed_keys is None:
        return None
    return _scopes(sql.SQL(table.changed_keys).format(runs=runs))


def expired_scopes(table: SqlModel) -> sql.Composable | None:
    """Scopes that the day has made out of date; None when days do not matter."""
    return _scopes(sql.SQL(table.expired_keys)) if table.expired_keys else None


def _scopes(query: sql.Composable) -> sql.Composable:
    return sql.SQL("select key from ({}) as scope (key) where key is not null").format(query)
