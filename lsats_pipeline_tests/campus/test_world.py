"""The campus as a whole: same numbers same bytes, whole days, about one percent a day."""

from __future__ import annotations

import datetime as dt
import hashlib
import multiprocessing
import uuid
from concurrent.futures import ProcessPoolExecutor

import psycopg
import pytest
from psycopg import sql

from lsats_pipeline.campus import facts, store
from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.blocks import SUBJECTS, blocks_of, changes
from lsats_pipeline.campus.world import ADDITIONS, Campus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline_tests.campus.conftest import FIRST_DAY
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

TABLES = ("world", *(table.name for table in facts.TABLES))


def day(number: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=number)


def content(connection: psycopg.Connection) -> dict[str, str]:
    """A fingerprint of every table, whatever the order of its rows."""
    found = {}
    for table in TABLES:
        rows = connection.execute(f"select t::text from campus.{table} t").fetchall()
        found[table] = hashlib.sha256("\n".join(sorted(r[0] for r in rows)).encode()).hexdigest()
    connection.commit()
    return found


def drop(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("drop schema campus cascade")


def test_batches_and_steps_leave_no_trace(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=400, first_day=FIRST_DAY)
    campus.advance(connection, day(4))
    at_once = content(connection)
    drop(connection)
    campus.create(connection, seed=5, people=400, first_day=FIRST_DAY, batch=7)
    for number in range(1, 5):
        campus.advance(connection, day(number), batch=3)
    assert content(connection) == at_once


def test_blocks_are_the_same_in_any_order_and_process() -> None:
    small = Campus(5, 400, FIRST_DAY)
    blocks = [block for number in (0, 1, 9) for block in blocks_of(small, number, 60)]
    assert {block.subject for block in blocks} == set(SUBJECTS)
    here = list(map(changes, blocks))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        elsewhere = list(pool.map(changes, reversed(blocks)))
    assert elsewhere[::-1] == here


def test_another_seed_is_another_campus(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    five = content(connection)
    drop(connection)
    campus.create(connection, seed=-6, people=200, first_day=FIRST_DAY)
    six = content(connection)
    assert all(five[table] != six[table] for table in TABLES)


def test_nothing_there_then_something(connection: psycopg.Connection) -> None:
    assert not campus.exists(connection)
    assert campus.world(connection) is None
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    assert campus.exists(connection)
    assert campus.world(connection) == campus.CampusState(
        5, 200, FIRST_DAY, FIRST_DAY, FIRST_DAY, additions=ADDITIONS
    )


def test_repeating_changes_nothing(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(2))
    before = content(connection)
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(2))
    assert content(connection) == before


def test_served_day_follows_the_day_asked_for(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(1))
    connection.execute("update campus.world set served_day = first_day")
    connection.commit()
    campus.advance(connection, day(1))
    found = campus.world(connection)
    assert found and found.served_day == day(1)


@pytest.mark.parametrize(
    "numbers",
    [
        {"seed": 6, "people": 200, "first_day": FIRST_DAY},
        {"seed": 5, "people": 201, "first_day": FIRST_DAY},
        {"seed": 5, "people": 200, "first_day": day(1)},
    ],
)
def test_another_campus_is_not_overwritten(connection, numbers) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    before = content(connection)
    with pytest.raises(ConfigurationError, match="another campus: seed 5, 200 people from"):
        campus.create(connection, **numbers)
    assert content(connection) == before


def test_there_is_no_way_back(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(2))
    with pytest.raises(ConfigurationError, match="at 2026-01-03 and cannot go back to 2026-01-02"):
        campus.advance(connection, day(1))


def test_advance_needs_a_campus(connection: psycopg.Connection) -> None:
    with pytest.raises(ConfigurationError, match="create one first"):
        campus.advance(connection, day(1))


@pytest.mark.parametrize("people", [199, 1_000_001])
def test_size_has_bounds(connection: psycopg.Connection, people: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{people} people"):
        campus.create(connection, seed=5, people=people, first_day=FIRST_DAY)


def test_real_databases_are_left_alone(postgres: str) -> None:
    name = f"lsats_{uuid.uuid4().hex[:12]}"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        url = database_on(postgres, name)
        with psycopg.connect(url) as connection, pytest.raises(ConfigurationError, match="_demo"):
            campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    finally:
        drop_database(postgres, name)


def test_a_broken_day_leaves_the_day_before(connection, monkeypatch) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(1))
    after_one_day = content(connection)
    set_day = store.set_day

    def fail_on_the_third(target: psycopg.Connection, date: dt.date) -> None:
        if date == day(3):
            raise KeyboardInterrupt
        set_day(target, date)

    monkeypatch.setattr(store, "set_day", fail_on_the_third)
    with pytest.raises(KeyboardInterrupt):
        campus.advance(connection, day(3))
    monkeypatch.undo()
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as other:
        found = campus.world(other)
        assert found and found.day == day(2)
    campus.advance(connection, day(3))
    resumed = content(connection)
    drop(connection)
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    campus.advance(connection, day(3))
    assert content(connection) == resumed != after_one_day


def test_a_broken_first_day_leaves_nothing(connection, monkeypatch) -> None:
    monkeypatch.setattr(store, "add_keys", lambda connection: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)
    assert not campus.exists(connection)


def test_about_one_percent_change_each_day(aged_campus: psycopg.Connection) -> None:
    changed = aged_campus.execute(
        "select count(distinct (r.valid_from, p.person_id)) from campus.people p"
        " join campus.people r using (person_id) where r.valid_from > %s",
        (FIRST_DAY,),
    ).fetchone()
    assert changed and 0.006 < changed[0] / 2000 / 5 < 0.014


def test_every_kind_of_thing_happens(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=3, people=2000, first_day=FIRST_DAY)
    campus.advance(connection, day(10))
    differences = connection.execute(
        """
        select count(*) filter (where b.person_id is null and n.person_id >= 2000) as hired,
               count(*) filter (where n.status <> b.status) as left,
               count(*) filter (where n.last_name <> b.last_name) as renamed,
               count(*) filter (where n.dept_id <> b.dept_id) as moved,
               count(*) filter (where n.work_phone <> b.work_phone) as phone,
               count(*) filter (where n.title <> b.title) as title
        from campus.people n left join campus.people b
          on b.person_id = n.person_id and b.valid_to = n.valid_from
        where n.valid_from > %s
        """,
        (FIRST_DAY,),
    ).fetchone()
    assert differences and all(differences)


def test_department_changes_and_newcomers(aged_campus: psycopg.Connection) -> None:
    rows = aged_campus.execute(
        "select count(*) filter (where valid_from > %(d)s),"
        " count(*) filter (where valid_to is not null) from campus.records"
        " where system = 'tdx' and entity = 'department'",
        {"d": FIRST_DAY},
    ).fetchone()
    assert rows and all(rows)


def test_nobody_else_may_look(aged_campus: psycopg.Connection) -> None:
    privileges = aged_campus.execute(
        "select count(*) from pg_namespace, aclexplode(nspacl) as acl"
        " where nspname = 'campus' and acl.grantee <> nspowner"
    ).fetchone()
    assert privileges == (0,)
