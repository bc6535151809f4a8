"""Columns as COPY text: whatever is in them, PostgreSQL stores the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import dict_row

from lsats_pipeline.mrf.database.copying import VISIBLE_NUL, Copied

# Half of what is drawn is special to COPY, to arrays, to JSON, or to all of them.
SPECIAL = st.sampled_from("\t\n\r\\\"{},'N. \0\x1f\x7fé𝄞")
WORDS = st.text(SPECIAL | st.characters(codec="utf-8"), max_size=6)
WHOLE = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("amount", pa.float64()),
        ("yes", pa.bool_()),
        ("plain", pa.string()),
        ("word", WORD),
        ("numbers", pa.list_(pa.int64())),
        ("words", pa.list_(pa.string())),
        ("few_words", pa.list_(WORD)),
        ("things", pa.list_(pa.struct([("a", pa.string()), ("n", pa.list_(pa.int64()))]))),
    ]
)
THING = st.fixed_dictionaries(
    {"a": st.none() | WORDS, "n": st.none() | st.lists(WHOLE, max_size=3)}
)
ROW = st.fixed_dictionaries(
    {
        "number": st.none() | WHOLE,
        "amount": st.none() | DOUBLES,
        "yes": st.none() | st.booleans(),
        "plain": st.none() | WORDS,
        "word": st.none() | WORDS,
        "numbers": st.none() | st.lists(WHOLE, max_size=3),
        "words": st.none() | st.lists(WORDS, max_size=3),
        "few_words": st.none() | st.lists(WORDS, max_size=3),
        "things": st.none() | st.lists(THING, max_size=2),
    }
)


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(postgres, row_factory=dict_row) as connection:
        connection.execute(
            "create temporary table copied (number bigint, amount double precision, yes boolean,"
            " plain text, word text, numbers bigint[], words text[], few_words text[],"
            " things jsonb)"
        )
        yield connection
        connection.rollback()


def seen(value: Any) -> Any:
    """A value with the character that stands for NUL."""
    if isinstance(value, str):
        return value.replace("\0", VISIBLE_NUL)
    if isinstance(value, list):
        return [seen(item) for item in value]
    return {k: seen(v) for k, v in value.items()} if isinstance(value, dict) else value


def nuls(value: Any) -> int:
    """How many texts hold a NUL."""
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(nuls, value)) if isinstance(value, list) else "\0" in str(value)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    return path


@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_every_value_arrives(
    tmp_path_factory: pytest.TempPathFactory,
    connection: psycopg.Connection[dict[str, Any]],
    rows: list[dict[str, Any]],
) -> None:
    part = written(tmp_path_factory.getbasetemp() / "copied.parquet", rows)
    copied = Copied("other")
    connection.execute("truncate copied")
    with connection.cursor().copy("copy copied from stdin") as stream:
        for piece in copied.pieces(part):
            stream.write(piece.data[0])
    stored = connection.execute("select * from copied").fetchall()
    assert stored == [seen(row) for row in rows]
    assert (copied.rows, copied.substituted) == (len(rows), sum(nuls(row) for row in rows))


def test_an_empty_part_is_no_text(tmp_path: Path) -> None:
    copied = Copied("other")
    assert list(copied.pieces(written(tmp_path / "empty.parquet", []))) == []
    assert copied.rows == 0
