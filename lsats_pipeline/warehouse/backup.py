"""A copy of the hub's database in one file, complete or absent."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from psycopg import conninfo

from lsats_pipeline.core.errors import ConfigurationError, PermanentError
from lsats_pipeline.warehouse.database import connect
from lsats_pipeline.warehouse.programs import pg_dump


def backup(url: str, file: Path) -> int:
    """Dump the database into `file` (custom format, for pg_restore); returns its size in bytes.

    Written next to it under another name and renamed when complete, so a half-written backup never
    carries the name. The file is readable by its owner only: it holds personal data.
    """
    with connect(url) as connection:
        program = pg_dump(connection.info.server_version // 10_000)
    file = file.expanduser().absolute()
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise ConfigurationError(f"cannot write {file} ({error.strerror})") from None
    try:
        _dump(program, url, unfinished)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def _dump(program: Path, url: str, file: Path) -> None:
    bare, environment = without_password(url)
    result = subprocess.run(
        [program, "--format=custom", f"--file={file}", f"--dbname={bare}"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise PermanentError(f"pg_dump failed: {result.stderr.strip()}")


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """A URL fit for a command line, which every user can see, and the environment with the rest."""
    parts = conninfo.conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = dict(os.environ)
    if password:
        environment["PGPASSWORD"] = str(password)
    return conninfo.make_conninfo("", **parts), environment
