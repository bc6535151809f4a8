"""A campus of 2,000 people on its sixth day, made once, and connections to databases for others."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.world import ADDITIONS, UNIQNAME_CHANGES
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

FIRST_DAY = dt.date(2026, 1, 1)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty database."""
    with psycopg.connect(database_url) as opened:
        yield opened


@pytest.fixture(scope="package")
def aged_campus(postgres: str) -> Iterator[psycopg.Connection]:
    """A campus on its sixth day, for reading only.

    Nobody's uniqname changes there: the tests tell people by it. `test_renames_truth` has those.
    """
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    with psycopg.connect(database_on(postgres, name), autocommit=True) as opened:
        additions = ADDITIONS - {UNIQNAME_CHANGES}
        campus.create(opened, seed=11, people=2000, first_day=FIRST_DAY, additions=additions)
        campus.advance(opened, FIRST_DAY + dt.timedelta(days=5))
        yield opened
    drop_database(postgres, name)
