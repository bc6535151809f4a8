"""What holds for every world that is listed: same bytes however made, every target, every rule."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from lsats_pipeline.core.errors import BadDeclaration, ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.synthetic import blocks
from lsats_pipeline.synthetic.blocks import BlockGenerator, GeneratedBlock, make
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seed_options import choose
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import Block, World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.stored_worlds import verify_database, verify_files
from lsats_pipeline.synthetic.validation import rules_of
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline_tests.synthetic.toy import BOOK, BOOKS_TABLE, SHELVES_TABLE, TOY, metadata

ADMIN = "6f6d8f55-8a3c-4c1e-9f6e-0123456789ab"
SMALL: dict[str, dict[str, Any]] = {
    "retail": {"customers": 300, "products": 120, "stores": 7, "geographies": 30},
    "jobs": {"jobs": 400},
    "studio": {
        "users": 60, "content_items": 130, "content_items_auto": 170, "admin_user_uuid": ADMIN,
    },
}  # fmt: skip
BLOCKS = 4  # of each table

worlds = pytest.mark.parametrize("name", WORLDS)


def small(name: str) -> tuple[World, WorldOptions]:
    return world(name), choose(world(name), SMALL[name])


def seeded(name: str, to: str, url: str, folder: Path, **how: Any) -> SeedReport:
    declared, options = small(name)
    return seed(*build_pipeline(Seeding(declared, options), to, url, folder, **how))


def in_small_blocks(declared: World, options: WorldOptions) -> World:
    """So that a few rows are several blocks, and all text is made by processes."""
    return replace(
        declared,
        tables=tuple(
            replace(t, block=max(1, -(-t.rows(options) // BLOCKS)), cpu_bound=True)
            for t in declared.tables
        ),
    )


def hashes(declared: World, options: WorldOptions, workers: int) -> dict[str, str]:
    with BlockGenerator(declared, options, workers) as maker:
        maker.start(declared.tables, wait=True)
        return {t.name: _hash(made.batch for made in maker.made(t)) for t in declared.tables}


def _hash(batches: Any) -> str:
    return sha256(b"".join(csv_text(batch).to_pybytes() for batch in batches)).hexdigest()


def test_every_world_is_tried_here() -> None:
    assert set(SMALL) == set(WORLDS)
    folders = {
        p.parent.name for p in (CHECKOUT / "lsats_pipeline/synthetic/worlds").glob("*/tables")
    }
    assert folders == set(WORLDS), "a world has to be listed"


@worlds
def test_one_hash_whatever_the_workers(name: str) -> None:
    declared, options = small(name)
    blocks = in_small_blocks(declared, options)
    one, two, four = (hashes(blocks, options, workers) for workers in (1, 2, 4))
    assert one == two == four
    assert one != hashes(blocks, choose(declared, {**SMALL[name], "seed": 7}), 1)


class _Slow:
    """A pool of which no block is done before it is waited for."""

    def submit(self, function: Any, block: Block) -> Future[GeneratedBlock]:
        future = Future[GeneratedBlock]()
        future.result = lambda timeout=None: function(block)  # type: ignore[method-assign]
        return future

    def result(self, future: Future[GeneratedBlock]) -> GeneratedBlock:
        return future.result()


def test_no_table_is_made_ahead_of_a_slow_process(monkeypatch: pytest.MonkeyPatch) -> None:
    declared, options = small("jobs")
    table = replace(declared.table("jobs"), block=10, cpu_bound=True)
    here: list[int] = []

    def make_here(table: WorldTable, block: Block) -> GeneratedBlock:
        here.append(block.number)
        return make(table, block)

    monkeypatch.setattr(blocks, "make", make_here)
    monkeypatch.setattr(blocks, "_make_by_name", partial(make, table))
    with BlockGenerator(declared, options, 2) as maker:
        monkeypatch.setattr(maker, "_opened", _Slow)
        made = maker.made(table)
        first = next(made)
        assert 0 < len(here) < 10
        assert [one.block.number for one in (first, *made)] == list(range(40))


@worlds
def test_blocks_in_any_order_are_the_same(name: str) -> None:
    declared, options = small(name)
    for table in in_small_blocks(declared, options).tables:
        blocks = list(table.blocks(name, options))
        forward = [csv_text(make(table, block).batch) for block in blocks]
        backward = [csv_text(make(table, block).batch) for block in reversed(blocks)]
        assert forward == backward[::-1], table.name


@worlds
def test_every_target_holds_the_same_and_verifies(
    name: str, database_url: str, tmp_path: Path
) -> None:
    both = seeded(name, "both", database_url, tmp_path)
    assert (both.status, both.exit_code, both.error) == ("done", 0, None)
    parquet = seeded(name, "parquet", "", tmp_path / "parquet")
    assert [t.sha256 for t in parquet.tables] == [t.sha256 for t in both.tables]
    declared, _ = small(name)
    for found in (
        both.results,
        verify_database(database_url, declared),
        verify_files(tmp_path, declared, "csv"),
        verify_files(tmp_path / "parquet", declared, "parquet"),
    ):
        assert (found.score, found.failed) == (100.0, ())
    assert len(list(both.results)) == sum(len(rules_of(t)) for t in declared.tables)
    _no_orphans(database_url, declared)


def _no_orphans(url: str, declared: World) -> None:
    """Asked in SQL, apart from the rules."""
    with psycopg.connect(url) as connection:
        for table in declared.tables:
            for key in table.table.foreign_keys:
                row = connection.execute(_orphans(key)).fetchone()
                assert row == (0,), key


def _orphans(key: sa.ForeignKey) -> sql.Composed:
    child, parent = key.parent.table, key.column.table
    return sql.SQL(
        "select count(*) from {} c where c.{} is not null and not exists"
        " (select from {} p where p.{} = c.{})"
    ).format(
        sql.Identifier(str(child.schema), child.name),
        sql.Identifier(key.parent.name),
        sql.Identifier(str(parent.schema), parent.name),
        sql.Identifier(key.column.name),
        sql.Identifier(key.parent.name),
    )


@worlds
def test_a_second_run_changes_no_row_but_stamps(
    name: str, database_url: str, tmp_path: Path
) -> None:
    seeded(name, "db", database_url, tmp_path)
    again = seeded(name, "db", database_url, tmp_path)
    assert again.exit_code == 0
    for table in small(name)[0].tables:
        written = again.table(table.name).counts
        rows = again.table(table.name).rows
        expected = (0, rows, 0) if table.stamped else (0, 0, rows)
        assert (written.created, written.updated, written.unchanged) == expected, table.name


@worlds
def test_batches_store_what_all_at_once_stores(
    name: str, database_url: str, tmp_path: Path
) -> None:
    report = seeded(name, "db", database_url, tmp_path, skip=True, batch_size=100)
    assert (report.exit_code, report.rejected) == (0, 0)
    assert report.results.score == 100.0


@worlds
def test_every_option_is_a_line_of_a_file_and_a_variable_wins(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = world(name)
    file = tmp_path / "worlds.toml"
    file.write_text(f"[{name}]\nseed = 5\nas_of = 2025-03-04\n")
    assert choose(declared, {}, file).seed == 5
    monkeypatch.setenv(f"{name.upper()}_SEED", "6")
    assert choose(declared, {}, file).seed == 6
    assert choose(declared, {"seed": 7}, file).seed == 7
    assert str(choose(declared, {}, file).as_of) == "2025-03-04"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1", r"has no section \[retail\]"),
        ("[retail]\ncolour = 1", "has no colour; it has seed"),
        ("[retail", "is no TOML"),
        ("[retail]\ncustomers = 0", "RETAIL_CUSTOMERS .* not 0"),
    ],
)
def test_a_wrong_file_is_reported(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "worlds.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        choose(world("retail"), {}, file)


def test_an_unknown_world_or_table_lists_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="retail, jobs, studio"):
        world("wonderland")
    with pytest.raises(ConfigurationError, match="has no table 'shops'; it has geographies"):
        world("retail").table("shops")


def test_importing_worlds_touches_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, socket, builtins\n"
        "def refuse(*a, **k): raise SystemExit('touched the network')\n"
        "socket.socket.connect = refuse\n"
        "from lsats_pipeline.synthetic.worlds import WORLDS, world\n"
        "assert [world(n).tables for n in WORLDS]\n"
        "assert 'psycopg' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def _referring(table: str, to: str) -> WorldTable:
    declared = sa.Table(
        table,
        metadata(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("other", sa.ForeignKey(f"toy.{to}.id")),
    )
    sa.Table(to, declared.metadata, sa.Column("id", sa.Integer, primary_key=True))
    return WorldTable(declared, lambda _: 1, lambda b: {"id": b.rows, "other": None}, about="x")


def test_tables_are_put_parents_first_and_a_cycle_is_named() -> None:
    assert [t.name for t in TOY.tables] == ["shelves", "books"]
    with pytest.raises(BadDeclaration, match=r"a -> b -> a|b -> a -> b"):
        replace(TOY, tables=(_referring("a", "b"), _referring("b", "a")))
    with pytest.raises(BadDeclaration, match=r"toy.a refers to \['b'\]: no such table"):
        replace(TOY, tables=(_referring("a", "b"),))


def test_a_world_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(BadDeclaration, match="two tables of one name"):
        replace(TOY, tables=(SHELVES_TABLE, SHELVES_TABLE))
    with pytest.raises(BadDeclaration, match="two rules of one name: books: cheap"):
        doubled = replace(BOOKS_TABLE, rules=(*BOOKS_TABLE.rules, BOOKS_TABLE.rules[0]))
        replace(TOY, tables=(SHELVES_TABLE, doubled))
    with pytest.raises(BadDeclaration, match="no column 'isbn'"):
        replace(BOOKS_TABLE, key=("isbn",))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v: {**v, "isbn": 1}, r"unknown \['isbn'\]"),
        (lambda v: {k: x for k, x in v.items() if k != "price"}, r"missing \['price'\]"),
        (lambda v: {**v, "code": ["a"]}, "code: 1 values for 500 rows"),
        (lambda v: {**v, "price": ["dear"] * 500}, "books.price: "),
    ],
)
def test_a_generator_that_does_not_fit_its_table_is_refused(spoil: Any, message: str) -> None:
    def generate(block: Any) -> Mapping[str, Any]:
        values: Mapping[str, Any] = spoil(BOOKS_TABLE.generate(block))
        return values

    table = replace(BOOKS_TABLE, generate=generate)
    block = next(table.blocks("toy", choose(TOY)))
    with pytest.raises(BadDeclaration, match=message):
        make(table, block)
    assert BOOK.name == "books"
