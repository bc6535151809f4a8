"""A database of the bench alone, dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import with_database
from lsats_pipeline.warehouse.location import hub_url

SCRATCH = "lsats_bench_test"


@contextmanager
def scratch_database(settings: HubSettings) -> Iterator[str]:
    """URL of a new empty database on the hub's server."""
    with hub_url(settings) as url:
        _drop(url)
        with Warehouse(url) as server, server.owner() as connection:
            connection.autocommit = True
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(SCRATCH)))
        try:
            yield with_database(url, SCRATCH)
        finally:
            _drop(url)


def _drop(url: str) -> None:
    with Warehouse(url) as server, server.owner() as connection:
        connection.autocommit = True
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(SCRATCH))
        )
