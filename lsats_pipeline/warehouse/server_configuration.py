"""How the embedded server is set up, and who may connect: its three configuration files.

Written anew at every start, so that a folder made by an older hub gets today's settings.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

PORT = 5432  # only names the socket; no TCP port is opened

_CONFIGURATION = """\
# Written by lsats_pipeline at every start.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 192MB
work_mem = 16MB
maintenance_work_mem = 128MB
dynamic_shared_memory_type = {dynamic_shared_memory_type}
fsync = on
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
checkpoint_timeout = 15min
jit = off
datestyle = 'ISO, MDY'
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
# Personal data stays out of the log: no statement texts, no rows.
log_min_error_statement = panic
log_error_verbosity = terse
"""
_WHO_MAY = "local all all peer map=hub\n"


def write_configuration(data: Path, socket_folder: Path, users: set[str]) -> None:
    """Write all three files into the data folder; the users get in as any role."""
    text = _CONFIGURATION.format(
        port=PORT,
        socket_folder=socket_folder,
        dynamic_shared_memory_type=_shared_memory_type(),
    )
    _replace(data / "postgresql.conf", text)
    _replace(data / "pg_hba.conf", _WHO_MAY)
    write_identities(data, users)


def write_identities(data: Path, users: set[str]) -> bool:
    """Let these users of the system in, as any role; says whether that is news."""
    text = "".join(f'hub "{name}" all\n' for name in sorted(users))
    path = data / "pg_ident.conf"
    if path.exists() and path.read_text() == text:
        return False
    _replace(path, text)
    return True


def _replace(path: Path, text: str) -> None:
    """Write a file anew by renaming, which follows no link that somebody may have put there."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    new = Path(file.name)
    new.chmod(0o644)  # the folder is closed already, and the server's user has to read it
    new.replace(path)


def _shared_memory_type() -> str:
    """Where parallel queries share memory; many containers have only 64 MB in /dev/shm."""
    shm = Path("/dev/shm")
    return "posix" if shm.is_dir() and shutil.disk_usage(shm).total >= 512_000_000 else "mmap"
