"""The table of faults, which the first simulators of a campus make."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg

from lsats_pipeline.campus.simulators.faults import CREATE_TABLE
from lsats_pipeline.warehouse import Warehouse


def test_simulators_that_start_at_once_make_one_table(warehouse: Warehouse) -> None:
    """As those of the steps of a run, when each has a process of its own."""
    together = threading.Barrier(6)

    def start(_: int) -> None:
        with psycopg.connect(warehouse.url, autocommit=True) as connection:
            together.wait(60)
            connection.execute(CREATE_TABLE)

    with warehouse.owner() as connection:
        connection.execute("create schema campus")
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(start, range(6))) == [None] * 6
