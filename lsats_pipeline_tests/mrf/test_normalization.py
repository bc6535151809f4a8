"""Prices kept in four tables: the view gives back every row, whatever repeats and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.mrf.database import copy_binary, normalization, relational, table_definitions
from lsats_pipeline.mrf.database.normalization import Narrowed
from lsats_pipeline.mrf.database.partitions import send
from lsats_pipeline.mrf.rows.tables import IN_NETWORK
from lsats_pipeline.warehouse import Warehouse

NAMES = [
    table_definitions.ITEMS,
    table_definitions.RATES,
    table_definitions.TERMS_OF_PRICES,
    table_definitions.PRICES,
]
# Few, so that they repeat; some equal another one when concatenated with it.
WORD = st.sampled_from(["", "1", "11", "1;1", "a,b", "-", "null;", "é", None])
LISTED = st.sampled_from(["", "1", "11", "1;1", ",", "null;", "2;11"])
LISTS = st.none() | st.lists(LISTED, max_size=4)
TERMS = {
    **dict.fromkeys(table_definitions.OF_TERMS, WORD),
    "service_code": LISTS,
    "billing_code_modifier": LISTS,
}
PRICE = st.fixed_dictionaries(
    {**TERMS, "negotiated_rate": st.floats(allow_nan=False, allow_infinity=False)}
)
WHOLE = st.integers(-(2**63), 2**63 - 1)
RATE = st.tuples(
    st.integers(0, 3),
    st.none() | st.lists(WHOLE, max_size=3),
    st.lists(PRICE, min_size=1, max_size=3),
)
ELEMENT = st.tuples(
    st.integers(0, 2), st.integers(0, 2), WORD, st.lists(RATE, min_size=1, max_size=3)
)
ROWS = st.lists(ELEMENT, min_size=1, max_size=5)


def flat(elements: list[Any]) -> list[dict[str, Any]]:
    """Rows of Parquet; neighbours that say they are the same rate or element, are."""
    rows: list[dict[str, Any]] = []
    names: dict[Any, Any] = {}
    refs: dict[Any, Any] = {}
    for span, element, name, rates in elements:
        name = names.setdefault((span, element), name)
        for rate, groups, prices in rates:
            groups = refs.setdefault((span, element, rate), groups)
            rows += [
                {"file": "f", "span": span, "element": element, "name": name, "rate": rate,
                 "provider_references": groups, **price}
                for price in prices
            ]  # fmt: skip
    return rows


@pytest.fixture
def tables(warehouse: Warehouse) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection to tables that are declared."""
    with warehouse.owner() as owner:
        relational.declare(owner)
    with psycopg.connect(warehouse.url, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def place(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Each table has a partition for whatever comes, made in the transaction that fills it."""
    connection.rollback()
    for name in NAMES:
        for statement in (
            "create table {part} (like {table})",
            "alter table {part} alter shard set default 7",
            "alter table {table} attach partition {part} default",
        ):
            connection.execute(
                sql.SQL(statement).format(
                    table=relational.table(name), part=relational.table(f"{name}_any")
                )
            )


def copied(connection: psycopg.Connection[Any], narrowed: Narrowed, part: Path) -> None:
    for piece in narrowed.pieces(part):
        send(connection, f"{piece.table}_any", piece)


def written(rows: list[dict[str, Any]]) -> list[str]:
    full = [{name: row.get(name) for name in IN_NETWORK.names} for row in rows]
    return sorted(json.dumps(row, sort_keys=True) for row in full)


def part(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "part.parquet"
    pq.write_table(pa.Table.from_pylist(rows, IN_NETWORK), path)
    return path


@settings(max_examples=60)
@given(elements=ROWS, more=ROWS)
def test_the_view_gives_back_every_row(
    tables: psycopg.Connection[dict[str, Any]],
    tmp_path: Path,
    elements: list[Any],
    more: list[Any],
) -> None:
    place(tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalization, "_BATCH", 3)
        patch.setattr(normalization, "_MOST", 12)
        narrowed, expected = Narrowed(), []
        for rows in (flat(elements), flat(more)):
            copied(tables, narrowed, part(tmp_path, rows))
            expected += rows
    found = tables.execute("select * from mrf.in_network").fetchall()
    assert written(found) == written(expected)
    assert (narrowed.rows, narrowed.substituted) == (len(expected), 0)


def test_what_repeats_is_kept_once(
    tables: psycopg.Connection[dict[str, Any]], tmp_path: Path
) -> None:
    place(tables)
    price = {"negotiated_rate": 1.5, "service_code": ["11", "22"], "setting": "both"}
    elements = [(0, number, "x", [(0, [1], [price] * 3), (1, [1], [price])]) for number in range(4)]
    copied(tables, Narrowed(), part(tmp_path, flat(elements)))
    counts = [
        tables.execute(
            sql.SQL("select count(*) as n from {}").format(relational.table(name))
        ).fetchone()
        for name in NAMES
    ]
    assert [row["n"] for row in counts if row] == [4, 8, 1, 16]


def test_the_declared_columns_are_those_of_parquet() -> None:
    parts = (
        *table_definitions.OF_ITEM,
        *table_definitions.OF_RATE,
        *table_definitions.OF_TERMS,
        *table_definitions.OF_PRICE,
    )
    assert sorted(parts) == sorted(IN_NETWORK.names)


def test_a_column_that_is_only_filled_in_some_rows_is_no_number() -> None:
    with pytest.raises(PermanentError, match="1 prices are without a number"):
        copy_binary.values_of(pa.array([1.0, None]))
    with pytest.raises(PermanentError, match="rates"):
        copy_binary.small(np.array([2**31]))
