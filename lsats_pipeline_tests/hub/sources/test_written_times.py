"""Times as text: the forms that count, in Python and in SQL alike."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from lsats_pipeline.hub.silver import ddl
from lsats_pipeline.hub.silver.parsers import WRITTEN_TIME
from lsats_pipeline.hub.sources.written_times import written_time
from lsats_pipeline.warehouse.database import sql_file
from lsats_pipeline_tests.conftest import database_on, drop_database, execute


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("9/30/2026 10:00", dt.datetime(2026, 9, 30, 10)),
        ("11/1/2026 10:00", dt.datetime(2026, 11, 1, 10)),
        ("11/01/2026 12:00:00 AM", dt.datetime(2026, 11, 1)),
        ("11/01/2026 12:30 pm", dt.datetime(2026, 11, 1, 12, 30)),
        ("01/02/2026", dt.datetime(2026, 1, 2)),
        ("1-5-24", dt.datetime(2024, 1, 5)),
        ("2/3/69", dt.datetime(1969, 2, 3)),
        ("2026-11-01T10:00:00.25", dt.datetime(2026, 11, 1, 10, 0, 0, 250_000)),
        ("2026-11-01 10:00:00-05:00", dt.datetime(2026, 11, 1, 10)),
        ("05-Jan-2024", dt.datetime(2024, 1, 5)),
        ("January 5, 2024 8:05", dt.datetime(2024, 1, 5, 8, 5)),
        ("1/2/2026, 3:04 PM", dt.datetime(2026, 1, 2, 15, 4)),
        ("1/2/2026 3:04\u202fPM", dt.datetime(2026, 1, 2, 15, 4)),
        ("1/2/2026 3:04 p.m.", dt.datetime(2026, 1, 2, 15, 4)),
        ("January 2nd, 2026", dt.datetime(2026, 1, 2)),
        ("Fri, Jan 2 2026", dt.datetime(2026, 1, 2)),
        ("Friday, January 2, 2026 15:04:05 UTC", dt.datetime(2026, 1, 2, 15, 4, 5)),
        ("Fri Jan 2 15:04:05 EST 2026", None),
        ("45296", dt.datetime(2024, 1, 5)),
        (46327.5, dt.datetime(2026, 11, 1, 12)),
        ("31/12/2026", None),
        ("2/29/2027", None),
        ("1/5/2024 later", None),
        ("#N/A", None),
        ("", None),
        (None, None),
    ],
)
def test_what_forms_mean(written: Any, moment: dt.datetime | None) -> None:
    assert written_time(written) == moment


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with psycopg.connect(database_on(postgres, name), autocommit=True) as opened:
            opened.execute("set timezone = 'UTC'")
            opened.execute("create schema silver")
            opened.execute(sql_file(Path(ddl.__file__).with_name("functions.sql")))
            opened.execute("create temp table given as select null::text as text")
            yield opened
    finally:
        drop_database(postgres, name)


DAYS = st.dates(dt.date(1930, 1, 1), dt.date(2099, 12, 31))
FORMS = ("%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y")
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
PIECES = ("2nd", "Fri", "p.m.", "GMT", "\u202f",
          "1", "2", "13", "31", "2024", "24", "/", "-", " ", "jan", "May", ":", "10", "AM", "pm",
          "T", "Z", ".", ",", "45296")  # fmt: skip


@given(DAYS, st.times(), st.sampled_from(FORMS), st.sampled_from(CLOCKS))
def test_every_form_of_every_day(day: dt.date, time: dt.time, form: str, clock: str) -> None:
    moment = dt.datetime.combine(day, time)
    found = written_time(moment.strftime(form + clock))
    kept = moment.strftime(f"{clock}")
    assert found is not None
    assert (found.date(), found.strftime(clock)) == (day, kept)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
@example("1/5/24 13:00 PM")
@example("0/5/2024")
@example("24 May 24 10:10")
@example("5/May/2024")
@example("Fri, Jan 2nd, 2026, 3:04\u202fp.m.")
def test_python_and_sql_agree(connection: psycopg.Connection[Any], written: str) -> None:
    connection.execute("update given set text = %s", [written])
    query = sql.SQL("select ({})::timestamp from given").format(
        sql.SQL(WRITTEN_TIME.expression).format(sql.Identifier("text"))
    )
    row = connection.execute(query).fetchone()
    found = written_time(written)
    if found is not None and not re.search("Z|GMT", written) and found.year not in (1, 1601, 9999):
        assert row == (found,)
    elif found is None:
        assert row == (None,)
