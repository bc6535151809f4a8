"""A small campus that went through the real pipeline for three days, for reading only."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from pydantic import SecretStr

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.rules import Result
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.hub import Hub, open_hub
from lsats_pipeline.hub.silver.consumers import view_names
from lsats_pipeline.hub.silver.cross_checks import cross_check
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline_tests.conftest import HUB_VARIABLES, database_on, drop_database, execute
from lsats_pipeline_tests.hub.silver.oracle_sources import Row, Stored

FIRST_DAY = dt.date(2026, 3, 2)
DAYS = tuple(FIRST_DAY + dt.timedelta(days=n) for n in range(3))
PEOPLE = 600

_KNOWN = """
select system, entity, record_key, payload, fault from campus.records
where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)
"""
_LABELS = """
select table_name, flag, subject from campus.labels
where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)
"""
_TRUTH = (
    "labs", "lab_members", "lab_computers", "machine_records",
    "computers", "groups", "group_members", "group_owners", "other_accounts",
)  # fmt: skip
# The uniqnames of those who have had several, in order.
_NAMES = """
select array_agg(uniqname order by first_seen) from (
    select person_id, uniqname, min(valid_from) as first_seen from campus.people
    where valid_from <= %(day)s
    group by 1, 2
) as name
group by person_id having count(*) > 1
"""
_REJECTS = """
select
    'rejects:' || entity || case layer when 'enrichment' then '_detail' else '' end,
    reason, coalesce(external_id, '')
from meta.rejects
where resolution = 'open'
"""

Label = tuple[str, str, str]


class Day(NamedTuple):
    """The hub after a day, and what the campus says about that day."""

    silver: dict[str, dict[str, Row]]  # table -> identity -> row
    truth: dict[str, list[Row]]  # table of the campus -> rows
    rejects: set[Label]
    known: list[Stored]
    labels: set[Label]
    names: list[list[str]]  # of people who have had several


class Lived(NamedTuple):
    """All days, and by how many rows a rebuild of everything differs from the last of them.

    As on the last day: `views`, which consumers read, `crossed`, the checks between tables, and
    `holding`: of each flag whose condition says all by itself, the rows for which it holds.
    """

    days: dict[dt.date, Day]
    rebuilt: dict[str, int]
    views: dict[str, list[Row]]
    crossed: list[Result]
    holding: dict[tuple[str, str], set[str]]


@pytest.fixture(scope="session")
def lived(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Three days of a campus, each ingested, enriched and built; what is left of them in memory."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    home = tmp_path_factory.mktemp("home")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            for variable in [v for v in os.environ if v.startswith(HUB_VARIABLES)]:
                patch.delenv(variable)
            return _live(database_on(postgres, name), home)
    finally:
        drop_database(postgres, name)


def _live(url: str, home: Path) -> Lived:
    days, rebuilt, views = {}, {}, {}
    crossed: list[Result] = []
    holding: dict[tuple[str, str], set[str]] = {}
    for day in DAYS:
        settings = load(
            HubSettings,
            database_url=SecretStr(url),
            lsats_home=home,
            lsats_today=day,
            lsats_demo_people=PEOPLE,
            # The showcase of defects is a large part of so small a campus.
            lsats_hold_share=0.5,
            lsats_reject_share=0.5,
        )
        with open_hub(settings, SimulatedCampus()) as hub:
            _run(hub)
            days[day] = _seen(url, day)
            if day == DAYS[-1]:
                views, holding = _views(url), _holding(url)
                with hub.warehouse.connection() as connection:
                    crossed = list(cross_check(connection))
                for table in SILVER_TABLES:
                    counts = hub.build(table, full=True).counts
                    rebuilt[table.name] = counts.created + counts.updated + counts.removed
    return Lived(days, rebuilt, views, crossed, holding)


def _run(hub: Hub) -> None:
    for source in SOURCES:
        for stream in source.streams:
            hub.ingest(stream)
        for detail in source.details:
            hub.enrich(detail)
    for table in SILVER_TABLES:
        hub.build(table)


def _seen(url: str, day: dt.date) -> Day:
    with psycopg.connect(url) as connection:
        known = [Stored(*row) for row in connection.execute(_KNOWN, {"day": day})]
        return Day(
            silver={
                table.name: _rows(connection, table.name, table.identity) for table in SILVER_TABLES
            },
            truth={name: _true(connection, name, day) for name in _TRUTH},
            rejects=set(connection.execute(_REJECTS)),
            known=known,
            labels=set(connection.execute(_LABELS, {"day": day})),
            names=[row[0] for row in connection.execute(_NAMES, {"day": day})],
        )


def _true(connection: psycopg.Connection[Any], name: str, day: dt.date) -> list[Row]:
    query = sql.SQL(
        "select * from {} where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)"
    ).format(sql.Identifier("campus", name))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"day": day}).fetchall()


def _views(url: str) -> dict[str, list[Row]]:
    """What the readers' role finds in every view."""
    found = {}
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("set role lsats_reader")
        for name in view_names():
            query = sql.SQL("select * from {}").format(sql.Identifier("silver", name))
            found[name] = connection.execute(query).fetchall()
    return found


def _holding(url: str) -> dict[tuple[str, str], set[str]]:
    """Conditions over the columns of the table alone; others need what only its build has."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in SILVER_TABLES:
            query = sql.SQL("select {}::text from {} where ").format(
                sql.Identifier(table.identity), sql.Identifier("silver", table.name)
            )
            for rule in table.rules:
                with suppress(psycopg.ProgrammingError), connection.transaction():
                    rows = connection.execute(query + sql.SQL(rule.condition))
                    found[table.name, rule.name] = {key for (key,) in rows}
    return found


def _rows(connection: psycopg.Connection[Any], name: str, identity: str) -> dict[str, Row]:
    query = sql.SQL("select * from {}").format(sql.Identifier("silver", name))
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row[identity]: row for row in cursor.execute(query)}
