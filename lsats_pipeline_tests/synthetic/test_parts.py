"""Parts of a world side by side: any block first, parents made once, the same rows however made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lsats_pipeline.core.errors import Busy, ConfigurationError, PermanentError
from lsats_pipeline.core.worker_pool import WorkerPool
from lsats_pipeline.synthetic.parts import (
    Destination,
    clear_once,
    results_of,
    seed_missing_parents,
    seed_part,
)
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import World
from lsats_pipeline.synthetic.stored_worlds import verify_database
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
from lsats_pipeline.synthetic.targets.ledger import seeded
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline_tests.synthetic.toy import (
    BOOKS_TABLE,
    SHELVES,
    SHELVES_TABLE,
    ToyOptions,
)

BOOKS, BLOCKS = 2000, 8
# Shelves in blocks too: a parent of which some may be there and some not.
FINE = World(
    "toy",
    "in small blocks",
    ToyOptions,
    (replace(SHELVES_TABLE, block=SHELVES // 4), replace(BOOKS_TABLE, block=BOOKS // BLOCKS)),
)


_WAITS = "select 1 from pg_locks where locktype = 'advisory' and not granted"


def options(**values: Any) -> ToyOptions:
    return ToyOptions(**{"books": BOOKS, **values})


def part(table: str, *blocks: int, **values: Any) -> Seeding:
    return Seeding(FINE, options(**values), (table,), {table: blocks} if blocks else {})


def made(url: str, folder: Path, seeding: Seeding) -> tuple[int, list[str]]:
    """As a run makes a part: how often it had to try again, and the parents that it made."""
    parents = seed_missing_parents(seeding, url)
    report = seed_part(seeding, Destination("db", url, folder))
    return sum(block.retries for block in report.blocks), [p.table.name for p in parents]


def block_made(url: str, folder: Path, number: int) -> tuple[int, list[str]]:
    return made(url, folder, part("books", number))


def stored(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        return {name: table.sha256 for name, table in seeded(connection, "toy").items()}


def whole(url: str, folder: Path) -> dict[str, str]:
    """The hashes of a world made at once."""
    seeding = Seeding(FINE, options())
    report = seed(*build_pipeline(seeding, "parquet", url, folder))
    return {table.table: table.sha256 for table in report.tables}


def test_all_blocks_at_once_in_any_order(database_url: str, tmp_path: Path) -> None:
    with WorkerPool(4, preload=[__name__]) as processes:
        order = [3, 7, 1, 0, 6, 2, 5, 4]
        begun = [processes.submit(block_made, database_url, tmp_path, n) for n in order]
        done = [processes.result(future) for future in begun]
    assert [retries for retries, _ in done] == [0] * BLOCKS
    # The first makes the shelves; the others wait for it.
    assert sorted(name for _, parents in done for name in parents) == ["shelves"]
    assert stored(database_url) == whole(database_url, tmp_path)
    found = verify_database(database_url, FINE)
    assert (found.score, found.failed) == (100, ())


def test_blocks_of_a_parent_that_are_missing_are_made(database_url: str, tmp_path: Path) -> None:
    made(database_url, tmp_path, part("shelves", 2))
    assert made(database_url, tmp_path, part("books", 5)) == (0, ["shelves"] * 3)
    assert stored(database_url)["shelves"] == whole(database_url, tmp_path)["shelves"]


def test_a_parent_of_which_another_run_makes_a_block_meanwhile(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever finds none of it waits for that run, and then makes the rest."""
    other = Session(database_url, "toy", claim=Claim("toy", "shelves", (2,)))
    with psycopg.connect(database_url, autocommit=True) as looking, ThreadPoolExecutor(1) as worker:
        other.connection()
        waiting = worker.submit(made, database_url, tmp_path, part("books", 5))
        while not looking.execute(_WAITS).fetchone():
            assert not waiting.done()
        report = seed(part("shelves", 2), [DatabaseTarget(other, FINE, options())])
        other.close()
        assert report.error is None
        assert waiting.result() == (0, ["shelves"] * 3)
    assert stored(database_url)["shelves"] == whole(database_url, tmp_path)["shelves"]


def test_rules_over_the_table_wait_for_its_last_block(database_url: str, tmp_path: Path) -> None:
    where = Destination("db", database_url, tmp_path)
    rules = list[set[str]]()
    for number in reversed(range(BLOCKS)):
        seeding = part("books", number)
        seed_missing_parents(seeding, database_url)
        found = results_of(seeding, where, seed_part(seeding, where))
        assert found is not None
        assert found.failed == ()
        rules.append({result.name for result in found})
        rows = {result.rows for result in found if result.name == "cheap"}
        assert rows == {BOOKS if number == 0 else BOOKS // BLOCKS}
    assert rules[-1] - rules[0] == {"row_count", "kinds", "poems"}
    assert results_of(part("books", 3), where, None) is not None


def test_a_table_whole_waits_for_its_blocks(database_url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as workers:
        jobs = [part("books"), part("books", 2), part("shelves"), part("books", 0, 1, 2, 3)]
        done = list(workers.map(partial(made, database_url, tmp_path), jobs))
    assert [retries for retries, _ in done] == [0] * 4
    assert stored(database_url) == whole(database_url, tmp_path)


def test_another_seed_meanwhile_is_refused(database_url: str, tmp_path: Path) -> None:
    made(database_url, tmp_path, part("books", 1))
    with pytest.raises(ConfigurationError, match=r"seed 42 \(asked for: 7\)"):
        made(database_url, tmp_path, part("books", 2, seed=7))


def test_a_whole_world_and_its_parts_keep_out_of_each_other_s_way(
    database_url: str, tmp_path: Path
) -> None:
    world = Session(database_url, "toy")
    world.connection()
    with pytest.raises(Busy, match="being seeded by another process"):
        made(database_url, tmp_path, part("shelves"))
    world.close()
    one = Session(database_url, "toy", claim=Claim("toy", "books", (3,)))
    one.connection()
    report: SeedReport = seed(*build_pipeline(part("shelves"), "db", database_url, tmp_path))
    assert "being seeded by another process" in str(report.error)
    one.close()


def test_a_run_clears_once(database_url: str, tmp_path: Path) -> None:
    clear = partial(clear_once, FINE, options(seed=7), database_url)
    made(database_url, tmp_path, part("books", 1))
    with pytest.raises(PermanentError, match=r"toy.books refer to rows"):
        clear(["shelves"], "a run")
    clear(["shelves", "books"], "a run")
    made(database_url, tmp_path, part("books", 2, seed=7))
    clear(["shelves", "books"], "a run")
    assert set(stored(database_url)) == {"books", "shelves"}


def test_files_of_blocks_are_named_for_them(database_url: str, tmp_path: Path) -> None:
    for blocks in ([0], [1, 2, 3]):
        seed_part(part("books", *blocks), Destination("csv", "", tmp_path))
    assert {f.name for f in tmp_path.iterdir()} == {
        "books.000.csv", "books.001-003.csv", "world.json",
    }  # fmt: skip
