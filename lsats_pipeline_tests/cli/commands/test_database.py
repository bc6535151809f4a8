"""`lsats db` on an embedded server of its own and on a configured one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lsats_pipeline.warehouse import programs
from lsats_pipeline.warehouse.embedded import EmbeddedServer
from lsats_pipeline.warehouse.migrations import head
from lsats_pipeline_tests.cli.conftest import Lsats


@pytest.fixture
def embedded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """The embedded server of a state folder of these tests."""
    monkeypatch.setenv("LSATS_HOME", str(folder / "home"))
    server = EmbeddedServer(folder / "home")
    yield server
    server.stop()


def test_url_is_good_for_psql_and_stays_so_until_stop(
    embedded: EmbeddedServer, lsats: Lsats
) -> None:
    result = lsats("db", "url")
    assert result.code == 0
    assert "lsats db stop" in result.err
    asked = subprocess.run(
        [programs.psql(), result.out.strip(), "-Atc", "select current_database()"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout == "lsats_demo\n"
    assert lsats("status").code == 0  # comes and goes, and does not take the server along
    assert embedded.running()
    assert lsats("db", "stop").out == "stopped\n"
    assert not embedded.running()
    assert "no embedded server is running" in lsats("db", "stop").out


def test_the_doctor_knows_a_database_that_no_run_has_filled_yet(
    embedded: EmbeddedServer, lsats: Lsats
) -> None:
    lsats("db", "url")
    result = lsats("doctor")
    assert "database  schema: empty so far" in result.out
    assert "no campus simulated yet" in result.out
    assert "❌ database" not in result.out and "grant" not in result.out
    assert lsats("doctor", "--json").json  # and again: it has changed nothing


def test_migrate_says_what_it_did(database_url: str, lsats: Lsats, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert lsats("db", "migrate", "--json").json["before"] is None
    again = lsats("db", "migrate", "--json").json
    assert again["before"] == again["step"] == head()
    assert "already there" in lsats("db", "migrate").out


def test_a_backup_is_complete_private_and_can_be_read(
    database_url: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    lsats("db", "migrate")
    backup = lsats("db", "backup", "--json").json
    file = Path(backup["file"])
    assert file.parent == tmp_path / "home" / "exports" / "backups"
    assert file.stat().st_mode & 0o077 == 0
    assert file.stat().st_size == backup["bytes"]
    with psycopg.connect(database_url) as connection:
        dumper = programs.pg_dump(connection.info.server_version // 10_000)
    listed = subprocess.run(
        [dumper.with_name("pg_restore"), "--list", file], capture_output=True, text=True, check=True
    )
    assert "raw_entities" in listed.stdout


def test_a_backup_that_fails_leaves_nothing_behind(
    database_url: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("lsats_pipeline.warehouse.backup.pg_dump", lambda version: "/bin/false")
    result = lsats("db", "backup", str(tmp_path / "hub.dump"))
    assert result.code == 1
    assert "pg_dump failed" in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_backup_into_a_place_that_cannot_be_is_a_users_mistake(
    database_url: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "file").touch()
    result = lsats("db", "backup", str(tmp_path / "file" / "hub.dump"))
    assert result.code == 2
    assert "cannot write" in result.err


def test_shell_hands_on_what_follows(
    database_url: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert lsats("db", "shell", "-Atc", "select 6 * 7").code == 0
    assert lsats("db", "shell", "-c", "select nothing").code == 1


def test_the_right_pg_dump_is_found() -> None:
    for version in (16, 17, 18):
        result = subprocess.run(
            [programs.pg_dump(version), "--version"], capture_output=True, text=True, check=True
        )
        assert int(result.stdout.split()[2].split(".")[0]) >= version
    with pytest.raises(Exception, match="no pg_dump here for a PostgreSQL 99"):
        programs.pg_dump(99)
