"""The generation engine on a small world: targets, all or nothing, batches, faults, progress."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.synthetic.columns import parsed
from lsats_pipeline.synthetic.dry_run import plan_seeding
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.progress import BlockRecord
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import World, WorldTable
from lsats_pipeline.synthetic.stored_worlds import verify_database, verify_files
from lsats_pipeline.synthetic.targets import Target
from lsats_pipeline.synthetic.targets.batches import BatchSize
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
from lsats_pipeline.synthetic.targets.files import FilesTarget
from lsats_pipeline.synthetic.targets.readback import stored_rows
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline_tests.synthetic.toy import (
    BOOKS_TABLE,
    SHELVES,
    SHELVES_TABLE,
    TOY,
    ToyOptions,
    books,
)

BOOKS = 2000


def options(**values: Any) -> ToyOptions:
    return ToyOptions(**{"books": BOOKS, **values})


def run(
    url: str,
    folder: Path,
    to: str = "db",
    *,
    world: World = TOY,
    tables: tuple[str, ...] | None = None,
    watch: Any = None,
    chosen: ToyOptions | None = None,
    **how: Any,
) -> SeedReport:
    seeding = Seeding(world, chosen or options(), tables)
    return seed(*build_pipeline(seeding, to, url, folder, **how), watch)


def rows(url: str, text: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()


def count(url: str, table: str) -> int:
    return int(rows(url, f"select count(*) from toy.{table}")[0][0])


def toy_with(books_table: WorldTable) -> World:
    return World("toy", "spoilt", ToyOptions, (SHELVES_TABLE, books_table))


def spoilt(**columns: Any) -> World:
    """The toy world with columns of its books replaced."""
    return toy_with(
        replace(
            BOOKS_TABLE, generate=lambda b: {**books(b), **{c: f(b) for c, f in columns.items()}}
        )
    )


def test_every_target_gets_the_same_rows(database_url: str, tmp_path: Path) -> None:
    both = run(database_url, tmp_path, "both")
    assert (both.status, both.exit_code) == ("done", 0)
    parquet = run("", tmp_path, "parquet")
    hashes = [[t.sha256 for t in report.tables] for report in (both, parquet)]
    assert hashes[0] == hashes[1]
    text = (tmp_path / "books.csv").read_bytes()
    from_csv = parsed(text.split(b"\n", 1)[1], BOOKS_TABLE.schema)
    from_parquet = pq.read_table(tmp_path / "books.parquet")
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        stored = next(stored_rows(connection, TOY, BOOKS_TABLE))
    by_id = [("id", "ascending")]
    assert from_csv.equals(from_parquet)
    assert stored.sort_by(by_id).equals(from_csv.sort_by(by_id))
    assert stored.num_rows == BOOKS == both.table("books").counts.created


def test_files_need_no_database(tmp_path: Path) -> None:
    report = run("postgresql://nobody@127.0.0.1:1/none_test", tmp_path, "csv")
    assert report.exit_code == 0
    assert {f.name for f in tmp_path.iterdir()} == {"books.csv", "shelves.csv", "world.json"}
    assert verify_files(tmp_path, TOY, "csv").score == 100


def test_a_second_run_keeps_created_at_and_moves_updated_at(
    database_url: str, tmp_path: Path
) -> None:
    run(database_url, tmp_path)
    query = "select min(created_at), max(created_at), min(updated_at) from toy.books"
    first = rows(database_url, query)[0]
    report = run(database_url, tmp_path)
    second = rows(database_url, query)[0]
    assert second[:2] == first[:2]
    assert second[2] > first[2]
    assert (count(database_url, "books"), count(database_url, "shelves")) == (BOOKS, SHELVES)
    assert report.table("books").counts.updated == BOOKS
    assert report.table("shelves").counts.unchanged == SHELVES


def test_keys_checks_references_and_indexes_are_there(database_url: str, tmp_path: Path) -> None:
    run(database_url, tmp_path)
    names = rows(
        database_url,
        "select conname from pg_constraint where conrelid = 'toy.books'::regclass"
        " and contype <> 'n' order by 1",
    )
    assert [n for (n,) in names] == [
        "books_code_key", "books_pkey", "books_price_check", "books_shelf_id_fkey",
    ]  # fmt: skip
    indexes = "select indexname from pg_indexes where schemaname = 'toy' and tablename = 'books'"
    assert ("books_by_kind",) in rows(database_url, indexes)


def test_another_seed_is_refused_unless_the_world_is_cleared(
    database_url: str, tmp_path: Path
) -> None:
    run(database_url, tmp_path)
    report = run(database_url, tmp_path, chosen=options(seed=7))
    assert (report.status, report.exit_code) == ("failed", 2)
    assert "seed 42 (asked for: 7)" in str(report.error)
    assert "--clear" in str(report.error)
    assert run(database_url, tmp_path, chosen=options(seed=7), clear=True).exit_code == 0
    assert count(database_url, "books") == BOOKS
    assert verify_database(database_url, TOY).score == 100


def test_clearing_touches_the_worlds_own_rows_only(database_url: str, tmp_path: Path) -> None:
    run(database_url, tmp_path)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "create table notes (shelf_id int references toy.shelves on delete cascade)"
        )
        connection.execute("insert into notes values (1)")
    report = run(database_url, tmp_path, tables=("books",), clear=True)
    assert report.exit_code == 0
    assert rows(database_url, "select count(*) from notes") == [(1,)]
    assert count(database_url, "books") == BOOKS


@pytest.mark.parametrize("table", ["shelves", "books"])
def test_a_failure_in_any_table_leaves_the_database_as_it_was(
    database_url: str, tmp_path: Path, table: str
) -> None:
    run(database_url, tmp_path, chosen=options(books=500))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            sql.SQL("alter table toy.{} add constraint impossible check (id is null) not valid")
            .format(sql.Identifier(table))
        )  # fmt: skip
    before = rows(database_url, "select * from toy.books order by id")
    report = run(database_url, tmp_path, chosen=options(seed=5), clear=True)
    assert (report.status, report.exit_code) == ("failed", 1)
    assert "impossible" in str(report.error)
    assert rows(database_url, "select * from toy.books order by id") == before


def test_an_orphan_stores_nothing_and_names_the_foreign_key(
    database_url: str, tmp_path: Path
) -> None:
    world = spoilt(shelf_id=lambda b: np.where(b.rows == 777, SHELVES + 1, b.rows % SHELVES + 1),
                   room=lambda b: None)  # fmt: skip
    report = run(database_url, tmp_path, "both", world=world)
    assert (report.status, report.exit_code) == ("failed", 4)
    assert "foreign_key_shelf_id" in str(report.error)
    assert rows(database_url, "select count(*) from pg_tables where schemaname like 'toy%'") == [
        (0,)
    ]
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.parametrize("to", ["db", "csv", "parquet"])
def test_a_row_that_breaks_a_rule_is_refused_by_the_same_rule_everywhere(
    database_url: str, tmp_path: Path, to: str
) -> None:
    world = spoilt(price=lambda b: np.where(b.rows == 3, 100_00, 5_00))
    report = run(database_url, tmp_path, to, world=world)
    assert report.exit_code == 4
    assert "books.cheap: 1 of 2,000" in str(report.error)


@pytest.mark.parametrize("to", ["db", "csv", "parquet"])
def test_skip_sets_rows_aside_with_their_reason(database_url: str, tmp_path: Path, to: str) -> None:
    world = spoilt(price=lambda b: np.where(b.rows % 1000 == 3, 100_00, 5_00))
    report = run(database_url, tmp_path, to, world=world, skip=True)
    assert (report.status, report.exit_code, report.rejected) == ("partial", 3, 2)
    rejected = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(r["table"], r["rule"], r["row"]["price"]) for r in rejected] == [
        ("books", "cheap", "100.00"),
        ("books", "cheap", "100.00"),
    ]
    assert report.results.of("books").results[0].passed  # the row count, less those set aside


def test_one_poisoned_batch_of_twenty_costs_its_bad_rows_only(
    database_url: str, tmp_path: Path
) -> None:
    run(database_url, tmp_path, chosen=options(books=1))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "alter table toy.books add constraint poison check (code not in ('0000B1', '0000B2'))"
        )
    report = run(database_url, tmp_path, clear=True, skip=True, batch_size=100)
    assert (report.exit_code, report.rejected) == (3, 2)
    assert count(database_url, "books") == BOOKS - 2
    rejected = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert {r["row"]["code"] for r in rejected} == {"0000B1", "0000B2"}
    assert {r["rule"] for r in rejected} == {"poison"}


def test_batches_shrink_after_failure_or_too_much_memory_and_grow_after_success() -> None:
    memory = [False]
    size = BatchSize(1000, lambda: memory[0])
    size.failed()
    assert size.rows == 500
    for _ in range(5):
        size.succeeded()
    assert size.rows == 625
    memory[0] = True
    size.succeeded()
    assert size.rows == 312
    for _ in range(9):
        size.failed()
    assert size.rows == 100


def test_strangers_names_are_kept_and_ours_replaced(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("create schema toy")
        for table in ("shelves", "books"):
            for statement in _whole(table):
                connection.execute(statement)
        connection.execute("insert into toy.shelves values (1, 'room 0')")
        connection.execute(
            "insert into toy.books select gen_random_uuid(), lpad(n::text, 6, '0'), 1, 'room 0',"
            " 1, 'novel', '{}', now(), now() from generate_series(100, 999) n"
        )
    report = run(database_url, tmp_path)
    ours = report.table("books").counts
    assert report.exit_code == 0
    # Base 36: of 100 to 999 there are as many below 2000 as have digits only.
    assert ours.renamed == sum(np.base_repr(n, 36).isdigit() for n in range(2000) if n >= 1296)
    assert ours.examples[0] == "000100"
    assert count(database_url, "books") == BOOKS + 900
    assert verify_database(database_url, TOY, ["books"]).results[0].passed


def _whole(name: str) -> list[bytes]:
    from lsats_pipeline.synthetic.targets import ddl

    table = TOY.table(name).table
    return [ddl.bare_table(table), *ddl.keys(table)]


def test_a_table_alone_needs_its_parents(database_url: str, tmp_path: Path) -> None:
    report = run(database_url, tmp_path, tables=("books",))
    assert report.exit_code == 2
    assert "toy.books refers to toy.shelves, which is not there" in str(report.error)
    assert run(database_url, tmp_path, tables=("shelves",)).exit_code == 0
    assert run(database_url, tmp_path, tables=("books",)).exit_code == 0
    assert verify_database(database_url, TOY).score == 100


def test_a_block_alone_goes_in_and_the_rest_follows(database_url: str, tmp_path: Path) -> None:
    run(database_url, tmp_path, tables=("shelves",))
    for blocks in ([2], [0, 1, 3]):
        seeding = Seeding(TOY, options(), ("books",), {"books": blocks})
        report = seed(*build_pipeline(seeding, "db", database_url, tmp_path))
        assert report.exit_code == 0
    assert verify_database(database_url, TOY).score == 100
    assert count(database_url, "books") == BOOKS


class Breaking(DatabaseTarget):
    """A database that goes away after some blocks."""

    blocks = 0

    def write(self, table: WorldTable, block: Any) -> Any:
        self.blocks += 1
        if self.blocks > 2:
            raise psycopg.OperationalError("the connection is lost")
        return super().write(table, block)


def test_csv_is_whole_though_the_database_fails(database_url: str, tmp_path: Path) -> None:
    targets: list[Target] = [
        Breaking(Session(database_url, "toy"), TOY, options()),
        FilesTarget(TOY, options(), tmp_path, "csv"),
    ]
    report = seed(Seeding(TOY, options()), targets)
    assert (report.status, report.exit_code) == ("partial", 3)
    assert list(report.lost) == ["db"]
    assert verify_files(tmp_path, TOY, "csv").score == 100
    assert rows(database_url, "select count(*) from pg_tables where schemaname = 'toy'") == [(0,)]


CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)
SESSIONS = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


def test_a_cut_connection_is_opened_again(database_url: str, tmp_path: Path) -> None:
    many = options(books=40_000)
    session = Session(database_url, "toy", waits=(0.01, 0.01, 0.01))
    cuts: list[int] = []

    def cut(record: BlockRecord) -> None:
        if not cuts:
            cuts.append(record.block)
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute(CUT)

    report = seed(Seeding(TOY, many), [DatabaseTarget(session, TOY, many)], cut)
    assert report.exit_code == 0
    assert session.retries == 1
    assert count(database_url, "books") == 40_000


def test_retries_end_and_their_waits_grow(database_url: str, monkeypatch: Any) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    session = Session(database_url, "toy")

    def always(connection: Any) -> None:
        raise psycopg.errors.DeadlockDetected("again")

    with pytest.raises(psycopg.errors.DeadlockDetected):
        session.reliably(always)
    pauses = [w for w in waits if w]
    assert session.retries == 3
    assert pauses == sorted(pauses)
    assert len(pauses) == 3
    with pytest.raises(psycopg.errors.UndefinedTable):
        session.reliably(lambda c: c.execute("select from nothing"))
    assert session.retries == 3
    session.close()


def test_who_has_ended_is_in_nobodys_way(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(seconds: float) -> None:
        assert not seconds

    monkeypatch.setattr(time, "sleep", at_once)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(30):
            session = Session(database_url, "toy")
            session.connection()
            session.close()
            Claim("toy").take_for_transaction(connection)


@pytest.mark.parametrize("name", ["hub", "hub_prod", "demo_hub", "hubdemo", "hub_testing", "test"])
def test_other_databases_are_refused_before_connecting(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="_demo or _test"):
        build_pipeline(
            Seeding(TOY, options()), "db", f"postgresql://u:geheim@127.0.0.1:1/{name}", tmp_path
        )


@pytest.mark.parametrize("name", ["hub_demo", "hub_test"])
def test_an_unreachable_database_is_named_without_its_password(name: str, tmp_path: Path) -> None:
    url = f"postgresql://u:geheim@127.0.0.1:1/{name}"
    session = Session(url, "toy", waits=())
    report = seed(Seeding(TOY, options()), [DatabaseTarget(session, TOY, options())])
    assert report.exit_code == 5
    assert "geheim" not in json.dumps(report.as_json())


def test_no_session_is_left_and_no_second_writer_let_in(database_url: str, tmp_path: Path) -> None:
    first = Session(database_url, "toy")
    first.connection()
    report = run(database_url, tmp_path)
    first.close()
    assert report.exit_code == 1
    assert "being seeded by another process" in str(report.error)
    assert run(database_url, tmp_path).exit_code == 0
    time.sleep(0.1)
    assert rows(database_url, SESSIONS) == [(0,)]


def test_no_setting_of_the_server_is_touched(database_url: str, tmp_path: Path) -> None:
    settings = (
        "select name, setting, source from pg_settings where context <> 'internal' order by 1"
    )
    files = "select sourcefile, name, setting from pg_file_settings order by 1, 2"
    before = rows(database_url, settings), rows(database_url, files)
    run(database_url, tmp_path)
    assert (rows(database_url, settings), rows(database_url, files)) == before


def test_programs_may_rely_on_these_calls() -> None:
    assert str(inspect.signature(seed)) == (
        "(seeding: 'Seeding', targets: 'Sequence[Target]', watch: 'Watcher | None' = None)"
        " -> 'SeedReport'"
    )
    assert [f.name for f in fields(Seeding)] == [
        "world", "options", "tables", "blocks", "workers", "memory_limit", "rejects",
        "verify_stored",
    ]  # fmt: skip
    assert list(inspect.signature(build_pipeline).parameters) == [
        "seeding", "to", "url", "folder", "skip", "batch_size", "clear",
        "claim",
    ]  # fmt: skip
    assert list(inspect.signature(verify_database).parameters) == [
        "url", "world", "tables", "rejected",
    ]  # fmt: skip


def test_progress_reports_every_block_and_survives_a_failing_callback(
    database_url: str, tmp_path: Path
) -> None:
    heard: list[BlockRecord] = []

    def listen(record: BlockRecord) -> None:
        heard.append(record)
        raise RuntimeError("no ears")

    report = run(database_url, tmp_path, watch=listen)
    assert report.exit_code == 0
    assert len(heard) == 1
    blocks = report.blocks
    assert [(b.table, b.block) for b in blocks] == [
        ("shelves", 0),
        *(("books", n) for n in range(4)),
    ]
    assert blocks[-1].percent == 100
    assert blocks[-1].seconds_left == 0
    assert all(b.memory > 10 and b.rate > 0 and b.generate_rate > b.rate for b in blocks)
    assert report.rows == BOOKS + SHELVES


def test_listeners_are_called_sparingly(tmp_path: Path) -> None:
    heard: list[BlockRecord] = []
    many = options(books=60_000)
    seed(Seeding(TOY, many), [FilesTarget(TOY, many, tmp_path, "csv")], heard.append)
    assert 5 <= len(heard) <= 7
    assert heard[-1].percent == 100


def test_memory_over_the_limit_is_warned_of_once(tmp_path: Path, caplog: Any) -> None:
    seeding = Seeding(TOY, options(), memory_limit=1)
    seed(seeding, [FilesTarget(TOY, options(), tmp_path, "csv")])
    assert sum("over the limit" in r.message for r in caplog.records) == 1


def test_a_dry_run_writes_nothing(database_url: str, tmp_path: Path) -> None:
    run(database_url, tmp_path, chosen=options(books=5))
    stamp = "select count(*), max(updated_at) from toy.books"
    before = rows(database_url, stamp)
    planned = plan_seeding(Seeding(TOY, options()), database_url, examples=2)
    assert rows(database_url, stamp) == before
    assert [(t.table, t.rows, len(t.examples)) for t in planned.tables] == [
        ("shelves", SHELVES, 2),
        ("books", BOOKS, 2),
    ]
    assert planned.seconds > 0


def test_a_full_disk_or_a_wrong_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    report = run("", tmp_path / "file", "csv")
    assert report.exit_code == 2
    assert "choose a folder" in str(report.error)


KILLED = """
import os, signal, sys
from pathlib import Path
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline_tests.synthetic.toy import TOY, ToyOptions
from lsats_pipeline.synthetic.targets.database import DatabaseTarget

written = DatabaseTarget.write
def dying(self, table, block):
    out = written(self, table, block)
    if (table.name, block.number) == ("books", 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return out
DatabaseTarget.write = dying
seed(*build_pipeline(Seeding(TOY, ToyOptions(books=2000)), "db", sys.argv[1], Path(sys.argv[2])))
"""


def test_a_killed_run_goes_on_where_it_was(database_url: str, tmp_path: Path, caplog: Any) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, database_url, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert rows(database_url, "select count(*) from toy_staging.books") == [(1000,)]
    assert rows(database_url, "select count(*) from pg_tables where schemaname = 'toy'") == [(0,)]
    caplog.set_level("INFO")
    report = run(database_url, tmp_path)
    assert report.exit_code == 0
    assert any("2 blocks are staged already" in r.message for r in caplog.records)
    assert count(database_url, "books") == BOOKS
    assert report.table("books").sha256 == run("", tmp_path, "csv").table("books").sha256
    assert rows(
        database_url, "select count(*) from pg_tables where schemaname = 'toy_staging'"
    ) == [(0,)]
