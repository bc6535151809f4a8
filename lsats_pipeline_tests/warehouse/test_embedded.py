"""The embedded server through real processes: shared, stopped by the last, closed to others."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from lsats_pipeline.core.errors import ConfigurationError, Unreachable
from lsats_pipeline.warehouse import server_account
from lsats_pipeline.warehouse.embedded import EmbeddedServer
from lsats_pipeline.warehouse.server_account import ServerAccount

CHECKOUT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from lsats_pipeline.warehouse.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])).hold() as url:
    print(url, flush=True)
    sys.stdin.read()
"""
START = """
import sys
from pathlib import Path
from lsats_pipeline.warehouse.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1])).start())
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A state folder with a stopped server, to copy: initdb is the slow part."""
    home = Path(tempfile.mkdtemp(prefix="lsats-test-"))
    try:
        with EmbeddedServer(home).hold():
            pass
        yield home
    finally:
        shutil.rmtree(home)


@pytest.fixture
def home(initialised: Path) -> Iterator[Path]:
    """A state folder of this test alone, with no server running at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lsats-test-")) / "home"
    copy(initialised, folder)
    try:
        yield folder
    finally:
        EmbeddedServer(folder).stop()
        shutil.rmtree(folder.parent)


def copy(source: Path, target: Path) -> None:
    """Copy with owners, which shutil forgets."""
    subprocess.run(["cp", "-a", source, target], check=True)


class Holder:
    """Another process that holds the server until asked to leave, or killed."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, home],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def leave(self) -> int:
        self.process.communicate("", timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        return connection.execute("select 1").fetchone() == (1,)
    return False


def socket_folder(url: str) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))


def server_pid(home: Path) -> int:
    return int((home / "postgres/postmaster.pid").read_text().split()[0])


def test_a_fresh_home_gets_a_server_and_a_closed_folder(home: Path) -> None:
    fresh = home.parent / "fresh"
    server = EmbeddedServer(fresh)
    with server.hold() as url:
        assert server.running()
        assert answers(url)
        assert fresh.stat().st_mode & 0o007 == 0 or os.geteuid() == 0
        assert (fresh / "postgres").stat().st_mode & 0o077 == 0
    assert not server.running()


def test_the_last_of_two_processes_stops_the_server(home: Path) -> None:
    first, second = Holder(home), Holder(home)
    assert first.url == second.url
    assert first.leave() == 0
    assert answers(second.url)
    assert second.leave() == 0
    assert not EmbeddedServer(home).running()
    assert not (home / "postgres/postmaster.pid").exists()


def test_two_holders_in_one_process_are_counted_apart(home: Path) -> None:
    server = EmbeddedServer(home)
    with server.hold() as url:
        with EmbeddedServer(home).hold():
            pass
        assert answers(url)
    assert not server.running()


def test_a_killed_holder_leaves_a_server_that_the_next_adopts_and_stops(home: Path) -> None:
    killed = Holder(home)
    pid = server_pid(home)
    killed.kill()
    assert answers(killed.url)
    with EmbeddedServer(home).hold() as url:
        assert server_pid(home) == pid
        assert answers(url)
    assert not EmbeddedServer(home).running()
    assert not answers(killed.url)


def test_four_processes_starting_at_once_get_one_server(home: Path) -> None:
    fresh = home.parent / "fresh"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", START, fresh], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    urls = {process.communicate(timeout=120)[0].strip() for process in starting}
    try:
        assert [process.returncode for process in starting] == [0] * 4
        assert len(urls) == 1
        assert answers(urls.pop())
    finally:
        EmbeddedServer(fresh).stop()


def test_keep_running_outlives_holders_until_stop(home: Path) -> None:
    server = EmbeddedServer(home)
    url = server.keep_running()
    assert Holder(home).leave() == 0
    assert answers(url)
    server.stop()
    assert not server.running()
    server.stop()  # a second time is no error


def test_the_mark_to_keep_running_dies_with_the_server_it_was_for(home: Path) -> None:
    server = EmbeddedServer(home)
    server.keep_running()
    crash(home)
    with server.hold():
        pass
    assert not server.running()


def test_committed_rows_survive_a_crash_of_the_server(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    url = server.ensure_database("crash_test")
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 7 as n")
    crash(home)
    with server.hold(), psycopg.connect(server.url("crash_test")) as connection:
        assert connection.execute("select n from kept").fetchone() == (7,)


def test_a_process_number_in_use_by_another_program_does_not_prevent_a_start(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    crash(home)
    for lock in (home / "postgres/postmaster.pid", home / "postgres/.s.PGSQL.5432.lock"):
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    assert not server.running()
    with server.hold() as url:
        assert answers(url)


def test_a_half_made_data_folder_is_made_anew(home: Path) -> None:
    fresh = home.parent / "fresh"
    (fresh / "postgres.new/base").mkdir(parents=True)
    with EmbeddedServer(fresh).hold() as url:
        assert answers(url)


def test_a_long_home_gets_a_private_socket_folder_elsewhere(home: Path) -> None:
    deep = home.parent / ("deep-" * 20)
    home.rename(deep)
    server = EmbeddedServer(deep)
    with server.hold() as url:
        folder = socket_folder(url)
        assert answers(url)
        assert not folder.is_relative_to(deep)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_a_socket_folder_that_is_open_to_others_is_refused(home: Path) -> None:
    deep = home.parent / ("open-" * 20)
    home.rename(deep)
    server = EmbeddedServer(deep)
    folder = socket_folder(server.url("postgres"))
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(ConfigurationError, match="closed to others"):
            server.start()
    finally:
        folder.rmdir()


def test_a_home_with_odd_characters_works(home: Path) -> None:
    odd = home.parent / 'it\'s "odd", $HOME, `x` ü'
    home.rename(odd)
    with EmbeddedServer(odd).hold() as url:
        assert answers(url)
    odd.rename(home)


def test_port_and_host_of_the_environment_change_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1234")
    monkeypatch.setenv("PGHOST", "db.example.edu")
    with EmbeddedServer(home).hold() as url:
        assert answers(url)


def test_ensure_database_may_be_repeated_and_takes_any_name(home: Path) -> None:
    server = EmbeddedServer(home)
    with server.hold():
        first = server.ensure_database('Hub "one"/ü_test')
        assert server.ensure_database('Hub "one"/ü_test') == first
        with psycopg.connect(first) as connection:
            assert connection.info.dbname == 'Hub "one"/ü_test'


def test_a_data_folder_of_another_version_is_refused(home: Path) -> None:
    mark = home / "postgres/PG_VERSION"
    mark.write_text("16\n")
    with pytest.raises(ConfigurationError, match=r"made by PostgreSQL 16, and this hub carries 18"):
        EmbeddedServer(home).start()
    mark.write_text("18\n")


def test_version_16_of_the_same_wheel_can_be_asked_for(home: Path) -> None:
    server = EmbeddedServer(home.parent / "sixteen", version=16)
    with server.hold() as url, psycopg.connect(url) as connection:
        assert connection.info.server_version // 10000 == 16


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    (home / "postgres/global/pg_control").unlink()
    with pytest.raises(Unreachable, match="pg_control") as failure:
        EmbeddedServer(home).start()
    assert failure.value.exit_code == 5


def test_a_home_deleted_under_a_holder_is_no_error(initialised: Path) -> None:
    parent = Path(tempfile.mkdtemp(prefix="lsats-test-"))
    copy(initialised, parent / "home")
    with EmbeddedServer(parent / "home").hold():
        pid = server_pid(parent / "home")
        shutil.rmtree(parent)
    os.kill(pid, signal.SIGQUIT)  # it would notice by itself within a minute


def test_every_role_is_open_to_the_owner(home: Path) -> None:
    server = EmbeddedServer(home)
    with server.hold() as url:
        with psycopg.connect(url) as connection:
            connection.execute("create role somebody login")
        assert answers(url.replace("postgres@", "somebody@"))


def test_the_environment_of_the_server_shows_no_secrets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_PASSWORD", "not-for-others")
    with EmbeddedServer(home).hold():
        assert "TDX_PASSWORD" not in psutil.Process(server_pid(home)).environ()


@as_root
def test_another_user_cannot_even_reach_the_socket(home: Path) -> None:
    home.parent.chmod(0o755)
    with EmbeddedServer(home).hold() as url:
        assert "Permission" in as_user("nobody", lambda: knock(home / "postgres/.s.PGSQL.5432"))
        assert "Permission" in as_user("nobody", lambda: psycopg.connect(url))


@as_root
def test_another_user_who_reaches_the_socket_is_refused(home: Path) -> None:
    with EmbeddedServer(home).hold() as url:
        for folder in (home.parent, home, home / "postgres"):
            folder.chmod(0o755)
        (home / "postgres/.s.PGSQL.5432").chmod(0o777)
        assert as_user("nobody", lambda: knock(home / "postgres/.s.PGSQL.5432")) == "open"
        refusal = as_user("nobody", lambda: psycopg.connect(url))
        (home / "postgres").chmod(0o700)
    assert "Peer authentication failed" in refusal


@as_root
def test_root_may_use_the_server_of_an_ordinary_user(home: Path) -> None:
    subprocess.run(["chown", "-R", "nobody:", home.parent], check=True)
    with EmbeddedServer(home).hold() as url:
        assert answers(url)
        assert psutil.Process(server_pid(home)).username() == "nobody"


@as_root
def test_an_ordinary_user_runs_it_as_himself(home: Path) -> None:
    subprocess.run(["chown", "-R", "nobody:", home.parent], check=True)
    fresh = home.parent / "his"
    assert as_user("nobody", lambda: hold_once(fresh)) == "True"
    assert fresh.stat().st_mode & 0o777 == 0o700
    assert (fresh / "postgres").owner() == "nobody"
    assert not EmbeddedServer(fresh).running()


@as_root
def test_the_home_of_another_user_is_refused_with_a_reason(home: Path) -> None:
    home.parent.chmod(0o755)
    home.chmod(0o755)
    refusal = as_user("nobody", lambda: hold_once(home))
    assert refusal.startswith("ConfigurationError")
    assert "Set LSATS_HOME to a folder of your own" in refusal


@as_root
def test_only_the_server_may_pass_through_a_closed_parent(home: Path) -> None:
    home.parent.chmod(0o755)
    closed = home.parent / "closed/inner"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    for _ in range(2):
        server_account.let_pass(account("nobody"), closed)
    assert "os.stat_result" in as_user("nobody", closed.stat)
    assert "PermissionError" in as_user("nobody", lambda: list(closed.parent.iterdir()))
    assert "PermissionError" in as_user("daemon", closed.stat)


@as_root
def test_without_access_lists_a_closed_parent_lets_all_pass_but_none_list(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", unsupported)
    closed = home.parent / "closed/inner"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    server_account.let_pass(account("nobody"), closed)
    assert closed.parent.stat().st_mode & 0o777 == 0o701


@as_root
def test_program_files_closed_by_a_strict_umask_are_opened_for_reading(tmp_path: Path) -> None:
    program, data = tmp_path / "bin/postgres", tmp_path / "share.sql"
    for file, mode in ((program, 0o700), (data, 0o600)):
        file.parent.mkdir(exist_ok=True)
        file.touch()
        file.chmod(mode)
    server_account.let_read(account("nobody"), tmp_path)
    assert program.stat().st_mode & 0o777 == 0o755
    assert data.stat().st_mode & 0o777 == 0o644


def account(name: str) -> ServerAccount:
    entry = pwd.getpwnam(name)
    return ServerAccount(name, entry.pw_uid, entry.pw_gid)


def crash(home: Path) -> None:
    """End the server the way a failing machine does."""
    server = psutil.Process(server_pid(home))
    children = server.children()
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(child.is_running() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)


def as_user(name: str, action: Callable[[], object]) -> str:
    """What the action gives, or the error it raises, as text, when another user runs it.

    By forking: the interpreter itself may lie where that user cannot start it.
    """
    user = pwd.getpwnam(name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.write(writing, outcome(action).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as answer:  # noqa: PTH123
        answered = answer.read()
    os.waitpid(child, 0)
    return answered


def outcome(action: Callable[[], object]) -> str:
    try:
        return str(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def knock(socket_path: Path) -> str:
    """Connect to a socket without a word."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(socket_path))
    return "open"


def hold_once(home: Path) -> str:
    with EmbeddedServer(home).hold() as url:
        return str(answers(url))
