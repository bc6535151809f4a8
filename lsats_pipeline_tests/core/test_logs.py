"""Messages: for people, as JSON lines, in a file of the day, and never with secrets."""

from __future__ import annotations

import datetime as dt
import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsats_pipeline.core import logs
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings

log = logging.getLogger("lsats_pipeline.test")


@pytest.fixture(autouse=True)
def untouched_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def file_of(home: Path) -> Path:
    (found,) = (home / "logs").iterdir()
    return found


def test_people_read_the_time_and_the_message_as_it_is(home: Path, capsys) -> None:
    logs.set_up(home)
    log.info("✅ bronze/tdx_user: %s", "done")
    log.warning("look")
    log.debug("nothing for now")
    first, second = capsys.readouterr().err.splitlines()
    assert first[8:] == " ✅ bronze/tdx_user: done"
    assert second[8:] == " WARNING look"
    kept = file_of(home).read_text().splitlines()
    assert [line.partition("] ")[2] for line in kept] == [first[9:], second[9:]]
    assert kept[0].startswith(dt.date.today().isoformat())


def test_json_lines_for_collectors(home: Path, capsys) -> None:
    logs.set_up(home, style="json")
    try:
        raise ValueError("x")
    except ValueError:
        log.exception("two\nlines")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["message"]) == ("error", "two\nlines")
    assert "ValueError: x" in entry["traceback"]
    assert dt.datetime.fromisoformat(entry["time"]).tzinfo


def test_secrets_are_blotted_out(home: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "https://campus.example.edu/api")
    monkeypatch.setenv("TDX_BEID", "the-admin-beid")
    monkeypatch.setenv("TDX_WEB_SERVICES_KEY", "the-admin-key")
    monkeypatch.setenv("DATABASE_URL", "postgresql://hub:word-of-hub@db.example.edu/lsats")
    load(HubSettings)
    load(TdxSettings)
    logs.set_up(home)
    log.info("sent the-admin-beid and the-admin-key")
    log.info("postgresql://other:word-of-other@db/x and Authorization: Bearer abcdefgh.ijkl")
    log.info("host=db password=word-of-third")
    log.info("the address is https://campus.example.edu/api")
    log.info("fetching https://files.example.com/a.json.gz?Expires=1&Signature=word-of-store now")
    written = capsys.readouterr().err + file_of(home).read_text()
    for secret in ("the-admin", "word-of", "abcdefgh"):
        assert secret not in written
    assert "https://campus.example.edu/api" in written
    assert "postgresql://other:***@db/x" in written
    assert "https://files.example.com/a.json.gz?*** now" in written


def test_the_file_outlives_a_reset_of_all_handlers(home: Path) -> None:
    logs.set_up(home)
    log.info("one")
    # Dagster does this when a run starts.
    logging.config.dictConfig(
        {"version": 1, "incremental": False, "disable_existing_loggers": False}
    )
    log.info("two")
    assert [line[-3:] for line in file_of(home).read_text().splitlines()] == ["one", "two"]


def test_old_files_go_and_others_stay(home: Path) -> None:
    (home / "logs").mkdir()
    old = dt.date.today() - dt.timedelta(days=logs.KEPT_DAYS + 1)
    for name in (f"lsats-{old}.log", f"lsats-{old + dt.timedelta(days=1)}.log", "daemon.log"):
        (home / "logs" / name).touch()
    logs.set_up(home)
    log.info("new day")
    assert sorted(path.name for path in (home / "logs").iterdir()) == [
        "daemon.log",
        f"lsats-{old + dt.timedelta(days=1)}.log",
        f"lsats-{dt.date.today()}.log",
    ]


def test_the_file_is_private(home: Path) -> None:
    logs.set_up(home)
    log.info("x")
    assert file_of(home).stat().st_mode & 0o077 == 0


def test_no_state_folder_is_made_for_a_message(tmp_path: Path, capsys) -> None:
    logs.set_up(tmp_path / "home")
    log.info("x")
    assert not (tmp_path / "home").exists()
    assert "x" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_costs_only_the_file(home: Path, capsys) -> None:
    (home / "logs").write_text("in the way")
    logs.set_up(home)
    log.info("first")
    log.info("second")
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_second_set_up_replaces_the_first(home: Path, capsys) -> None:
    logs.set_up(home)
    logs.set_up(home)
    log.info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
