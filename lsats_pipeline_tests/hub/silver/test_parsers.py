"""Parsers: what they make of a text, and that no text makes them fail."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from lsats_pipeline.hub.silver import ddl, parsers
from lsats_pipeline.hub.silver.parsers import Parser
from lsats_pipeline.warehouse.database import sql_file
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

OF_TEXT = {
    name: parser
    for name, parser in vars(parsers).items()
    if isinstance(parser, Parser) and parser.member == "text"
}


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    url = database_on(postgres, name)
    try:
        # Another order of day and month than ours, which must not matter.
        with psycopg.connect(url, autocommit=True, options="-c datestyle=ISO,DMY") as opened:
            opened.execute("create schema silver")
            opened.execute(sql_file(Path(ddl.__file__).with_name("functions.sql")))
            opened.execute("create temp table given as select null::text as text")
            yield opened
    finally:
        drop_database(postgres, name)


def parsed(connection: psycopg.Connection[Any], parser: Parser, text: str | None) -> Any:
    """The value, or the word "invalid" for what was given and does not fit."""
    # Out of a table, as in the hub: a constant would be worked out before any condition.
    connection.execute("update given set text = %s", [text])
    value = sql.SQL(parser.expression).format(sql.Identifier("text"))
    valid = sql.SQL(parser.valid or "true").format(sql.Identifier("text"))
    query = sql.SQL("select {}, coalesce(btrim(text) <> '' and not ({}), false) from given")
    row = connection.execute(query.format(value, valid)).fetchone()
    assert row is not None
    return "invalid" if row[1] else row[0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("TEXT_NONE", " None ", None),
        ("TEXT_NONE", "Nonesuch", "Nonesuch"),
        ("ID", "0", None),
        ("ID", "7", 7),
        ("ID", "7.5", "invalid"),
        ("COST", "0.00", None),
        ("COST", "1234.567", Decimal("1234.57")),
        ("COST", "99999999999", "invalid"),
        ("COST", "NaN", "invalid"),
        ("COST", "0x1F", "invalid"),
        ("AMOUNT", "0", Decimal("0.00")),
        ("AMOUNT", "1e3", Decimal("1000.00")),
        ("INTEGERS", "1", [1]),
        ("INTEGERS", " 1 , 22,3", [1, 22, 3]),
        ("INTEGERS", "1,", "invalid"),
        ("INTEGERS", "9999999999", "invalid"),
        ("DIRECTORY_TIME", "20260102030405Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("DIRECTORY_TIME", "20260102030405.0Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("DIRECTORY_TIME", "2026-01-02T03:04:05Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("DIRECTORY_TIME", "20261302030405Z", "invalid"),
        ("DIRECTORY_TIME", "16010101000000Z", None),
        ("DIRECTORY_TIME", "now", "invalid"),
        ("WHOLE", "16384.0", 16384),
        ("WHOLE", "16384", 16384),
        ("WHOLE", "8.6", "invalid"),
        ("WHOLE", "1.e", "invalid"),
        ("CODE", "175000.0", "175000"),
        ("CODE", " 175000 ", "175000"),
        ("CODE", "10.0.1", "10.0.1"),
        ("CODE", "A1.0", "A1.0"),
        ("MAC", "aa:bb:cc:dd:ee:01", "AABBCCDDEE01"),
        ("MAC", "aa", "invalid"),
        ("DOLLARS", "$1,234.50", Decimal("1234.50")),
        ("DOLLARS", "$ 1,234", Decimal("1234.00")),
        ("DOLLARS", "-$5", Decimal("-5.00")),
        ("DOLLARS", "($5.25)", Decimal("-5.25")),
        ("DOLLARS", "$0", Decimal("0.00")),
        ("DOLLARS", "$9,999,999,999,999.99", Decimal("9999999999999.99")),
        ("DOLLARS", "$9,999,999,999,999.999", "invalid"),
        ("DOLLARS", "1e99", "invalid"),
        ("DOLLARS", "Infinity", "invalid"),
        ("PERCENT", "55.5%", Decimal("55.50")),
        ("PERCENT", "55.5 %", Decimal("55.50")),
        ("PERCENT", "none", "invalid"),
        ("DATE", "2/3/2026", dt.date(2026, 2, 3)),
        ("DATE", "12/31/2026", dt.date(2026, 12, 31)),
        ("DATE", "02/03/26", dt.date(2026, 2, 3)),
        ("DATE", "2/3/68", dt.date(2068, 2, 3)),
        ("DATE", "2/3/69", dt.date(1969, 2, 3)),
        ("DATE", "2026-02-03", dt.date(2026, 2, 3)),
        ("DATE", "2026-02-03T00:00:00", dt.date(2026, 2, 3)),
        ("DATE", "2/3/2026 12:00 AM", dt.date(2026, 2, 3)),
        ("DATE", "13/1/2026", "invalid"),
        ("DATE", "2/30/2026", "invalid"),
        ("DATE", "2/3", "invalid"),
        ("DATE", "05-Jan-2024", dt.date(2024, 1, 5)),
        ("DATE", "5 January 2024", dt.date(2024, 1, 5)),
        ("DATE", "January 5, 2024", dt.date(2024, 1, 5)),
        ("DATE", "Sept. 5, 2024", dt.date(2024, 9, 5)),
        ("DATE", "2024/1/5", dt.date(2024, 1, 5)),
        ("DATE", "45296", dt.date(2024, 1, 5)),
        ("DATE", "01/02/2026", dt.date(2026, 1, 2)),
        ("DATE", "31/12/2024", "invalid"),
        ("DATE", "5-Foo-2024", "invalid"),
        ("DATE", "1/5/2024 later", "invalid"),
        ("WRITTEN_TIME", "2026-02-27T08:30:15", dt.datetime(2026, 2, 27, 8, 30, 15, tzinfo=dt.UTC)),
        ("WRITTEN_TIME", "11/01/2026 10:00:00 AM", dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)),
        ("WRITTEN_TIME", "9/30/2026 22:05", dt.datetime(2026, 9, 30, 22, 5, tzinfo=dt.UTC)),
        ("WRITTEN_TIME", "46327.5", dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)),
        ("WRITTEN_TIME", "1/1/2026 13:00 PM", "invalid"),
        ("WRITTEN_TIME", "1/1/2026 25:00", "invalid"),
        ("WRITTEN_TIME", "#N/A", "invalid"),
        ("CELL_TEXT", " Dell ", "Dell"),
        ("CELL_TEXT", "#N/A", "invalid"),
        ("CELL_TEXT", "=VLOOKUP(A1,B:C,2)", "invalid"),
        ("CELL_TEXT", "########", "invalid"),
        ("CELL_TEXT", "# 4", "# 4"),
        ("CELL_TEXT", "Caf\ufffd", "invalid"),
        ("CELL_CODE", "175000.0", "175000"),
        ("CELL_CODE", "#REF!", "invalid"),
        ("DOLLARS", "US$5", Decimal("5.00")),
        ("DOLLARS", "$ -   ", Decimal("0.00")),
        ("DOLLARS", "-", Decimal("0.00")),
        ("DOLLARS", "$(1,000)", Decimal("-1000.00")),
        ("DOLLARS", "5.25-", Decimal("-5.25")),
        ("DOLLARS", "1.5E+06", Decimal("1500000.00")),
        ("DOLLARS", "1.234,50", "invalid"),
        ("DOLLARS", "1,5", "invalid"),
        ("DOLLARS", "12,34,567", "invalid"),
        ("PERCENT", "56%", Decimal("56.00")),
        ("DATE", "today", "invalid"),
    ],
)
def test_what_parsers_make_of_texts(
    connection: psycopg.Connection[Any], name: str, text: str, value: Any
) -> None:
    assert parsed(connection, OF_TEXT[name], text) == value


@pytest.mark.parametrize("name", OF_TEXT)
def test_nothing_given_is_nothing_and_no_fault(
    connection: psycopg.Connection[Any], name: str
) -> None:
    assert [parsed(connection, OF_TEXT[name], text) for text in (None, "", "  ")] == [None] * 3


ODD = st.text(st.sampled_from("0123456789/-:.,$%()TZeE+ NanInfityx\n\t"), max_size=20) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)


@given(text=ODD)
def test_no_text_makes_a_parser_fail(connection: psycopg.Connection[Any], text: str) -> None:
    for parser in OF_TEXT.values():
        parsed(connection, parser, text)


@given(day=st.dates(dt.date(1000, 1, 1)), amount=st.decimals(-(10**12), 10**12, places=2))
def test_every_day_and_amount_survives(
    connection: psycopg.Connection[Any], day: dt.date, amount: Decimal
) -> None:
    written = f"{day.month}/{day.day}/{day.year}"
    assert parsed(connection, parsers.DATE, written) == day
    assert parsed(connection, parsers.DOLLARS, f"${amount:,}") == amount
