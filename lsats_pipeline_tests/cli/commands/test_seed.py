"""`lsats seed` and `lsats verify`: flags, exit codes, what is result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import typer

from lsats_pipeline.cli.commands.seed import seed_app
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline_tests.cli.conftest import Lsats

RETAIL = (
    "seed", "retail", "--customers", "200", "--products", "60", "--stores", "5",
    "--geographies", "20",
)  # fmt: skip


@pytest.fixture
def here(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A home and a database of the test's own."""
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


def test_done_is_0_and_verified_is_0(here: str, lsats: Lsats) -> None:
    result = lsats(*RETAIL)
    assert result.code == 0
    assert "✅ 📊 done: " in result.out
    assert "score 100.00 %" in result.out
    verified = lsats("verify", "retail", "--json")
    assert verified.code == 0
    assert verified.json["verdict"] == "pass"


def test_as_json_it_says_all_that_it_did(here: str, lsats: Lsats, tmp_path: Path) -> None:
    result = lsats(*RETAIL, "--to", "both", "--out", str(tmp_path / "out"), "--json")
    assert result.json["status"] == "done"
    assert result.json["rows"] == sum(t["rows"] for t in result.json["tables"])
    assert result.json["batches"][-1]["done"] == result.json["rows"]
    assert result.json["verification"]["score"] == 100
    with psycopg.connect(here) as connection:
        for table in result.json["tables"]:
            row = connection.execute(
                f"select count(*) from retail.{table['table']}".encode()
            ).fetchone()
            assert row == (table["rows"],)
            assert table["written"]["db"]["created"] == table["rows"]
    assert (tmp_path / "out" / "customers.csv").is_file()


def test_a_violated_rule_is_4(here: str, lsats: Lsats) -> None:
    lsats(*RETAIL)
    with psycopg.connect(here) as connection:
        connection.execute("delete from retail.customers where id = 7")
    result = lsats("verify", "retail")
    assert result.code == 4
    assert "200 wanted, 199 found" in result.out


def test_rows_set_aside_are_3(here: str, lsats: Lsats, tmp_path: Path) -> None:
    lsats(*RETAIL)
    with psycopg.connect(here) as connection:
        connection.execute("delete from retail.customers where id = 9")
        connection.execute("alter table retail.customers add constraint no_nine check (id <> 9)")
    result = lsats(*RETAIL, "--on-error", "skip")
    assert result.code == 3
    assert "1 rows were set aside" in result.err
    rejects = tmp_path / "home" / "exports" / "retail" / "rejects.jsonl"
    assert "no_nine" in rejects.read_text()


def test_a_refusal_is_1_and_nothing_changes(here: str, lsats: Lsats) -> None:
    lsats(*RETAIL)
    with psycopg.connect(here) as connection:
        connection.execute(
            "alter table retail.customers add constraint never check (id < 0) not valid"
        )
    result = lsats(*RETAIL, "--seed", "3", "--clear")
    assert result.code == 1
    assert "never" in result.err
    assert "the database is as it was" in result.err


def test_no_connection_is_5_and_no_secret_is_told(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    result = lsats(*RETAIL, "--database-url", "postgresql://u:geheim@127.0.0.1:1/x_test")
    assert result.code == 5
    assert "127.0.0.1:1" in result.err
    logged = "".join(p.read_text() for p in (tmp_path / "home" / "logs").glob("*"))
    assert "geheim" not in result.out + result.err + logged


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("--customers", "0"), "RETAIL_CUSTOMERS"),
        (("--batch-size", "99"), "100<=x<=50000"),
        (("--batch-size", "-5"), "100<=x<=50000"),
        (("--batch-size", "50001"), "100<=x<=50000"),
        (("--as-of", "tomorrow"), "write it like 2026-11-20"),
        (("--table", "shops"), "it has geographies"),
        (("--database-url", "postgresql://127.0.0.1/hub"), "_demo or _test"),
        (("--config", "nowhere.toml"), "--config nowhere.toml"),
    ],
)
def test_a_users_mistake_is_2(line: tuple[str, ...], message: str, here: str, lsats: Lsats) -> None:
    result = lsats("seed", "retail", *line)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_the_admin_is_asked_for_with_a_fresh_id(here: str, lsats: Lsats) -> None:
    result = lsats("seed", "studio")
    assert result.code == 2
    assert "DB_USER_ADMIN_UUID is not set" in result.err
    assert "DB_USER_ADMIN_UUID=" in result.err
    assert lsats("seed", "studio", "--admin-user-uuid", "me").code == 2


def test_a_dry_run_shows_rows_and_writes_nothing(here: str, lsats: Lsats, tmp_path: Path) -> None:
    result = lsats(*RETAIL, "--dry-run", "--preview", "2")
    assert result.code == 0
    assert "nothing was written" in result.out
    assert "geographies" in result.out
    with psycopg.connect(here) as connection:
        query = "select count(*) from pg_namespace where nspname like 'retail%'"
        assert connection.execute(query).fetchone() == (0,)
    assert not (tmp_path / "home" / "exports").exists()


def test_verify_before_seed_says_what_to_do(here: str, lsats: Lsats, tmp_path: Path) -> None:
    result = lsats("verify", "retail")
    assert (result.code, "lsats seed retail" in result.err) == (2, True)
    assert lsats("verify", "retail", "--from", "csv", "--out", str(tmp_path)).code == 2


def test_a_missing_package_is_named_with_the_remedy(
    here: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("lsats_pipeline.synthetic.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = lsats("verify", "retail")
    assert result.code == 1
    assert "the package pyarrow is missing: `make setup`" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", WORLDS)
def test_every_option_of_a_world_has_a_flag(name: str) -> None:
    group: Any = typer.main.get_group(seed_app)
    command = group.get_command(click.Context(group), name)
    flags = {p.name: p for p in command.params}
    for field, info in world(name).options.model_fields.items():
        assert f"--{field.replace('_', '-')}" in flags[field].opts
        assert flags[field].help.lower().startswith((info.description or "").lower())
