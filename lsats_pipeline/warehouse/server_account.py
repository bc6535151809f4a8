"""The operating system account that runs the embedded server, and what it may reach.

PostgreSQL refuses to run as root. An ordinary user runs it as himself; root runs it as the system
user `pgserver`, made on first use without password or login shell. That user must be able to walk
down to its data folder and to its programs, also when they lie under /root:

    closed parent folder ──> access list entry "pgserver may pass"
                        └──> where access lists are unsupported: all may pass, none may list
"""

from __future__ import annotations

import errno
import logging
import os
import pwd
import shutil
import stat
import struct
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from lsats_pipeline.core.errors import ConfigurationError

SYSTEM_USER = "pgserver"
_log = logging.getLogger(__name__)

# Linux keeps an access list as an extended attribute: a version, then (tag, permissions, id) each.
_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ACL_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_PASS = 0o1


class ServerAccount(NamedTuple):
    """A user by name and numbers."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether this is somebody else than the running process."""
        return self.uid != os.geteuid()

    def run_as(self) -> dict[str, Any]:
        """Arguments that make `subprocess.run` start a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


def current_account() -> ServerAccount:
    """The user of this process; ConfigurationError when the system does not know his name."""
    return _account(os.geteuid())


def server_account(data: Path) -> ServerAccount:
    """The user to run the server as.

    The owner of the data folder; before there is one, ourselves or, for root, `pgserver`.
    """
    if data.exists():
        return _owner(data)
    return _system_user() if os.geteuid() == 0 else current_account()


def let_pass(account: ServerAccount, folder: Path) -> None:
    """Allow another account to walk through all parents of a folder."""
    if not account.is_other:
        return
    for parent in folder.resolve().parents:
        if not parent.stat().st_mode & stat.S_IXOTH and parent.stat().st_uid != account.uid:
            _let_pass_one(account, parent)


def let_read(account: ServerAccount, folder: Path) -> None:
    """Allow reading of the published program files in a folder, which a strict umask has closed."""
    if not account.is_other or not folder.exists():
        return
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        wanted = 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644
        if not stat.S_ISLNK(mode) and mode & wanted != wanted:
            path.chmod(stat.S_IMODE(mode) | wanted)


def _owner(data: Path) -> ServerAccount:
    owner = data.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise ConfigurationError(
            f"{data} belongs to another user (uid {owner}). Run as that user, or set LSATS_HOME to "
            "a folder of your own."
        )
    return _account(owner)


def _account(uid: int) -> ServerAccount:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ConfigurationError(
            f"the system has no user name for uid {uid}, which the embedded PostgreSQL needs. Add "
            "one to /etc/passwd, or set DATABASE_URL to a server of your own."
        ) from None
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_user() -> ServerAccount:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _add_system_user()
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _add_system_user() -> pwd.struct_passwd:
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run(
            ["useradd", *options, SYSTEM_USER], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        # Two first starts at once: the loser finds the user made.
        if SYSTEM_USER in {entry.pw_name for entry in pwd.getpwall()}:
            return pwd.getpwnam(SYSTEM_USER)
        reason = getattr(error, "stderr", "") or error
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and adding the system user {SYSTEM_USER!r} failed: "
            f"{str(reason).strip()}. Add it by hand, run as an ordinary user, or set DATABASE_URL."
        ) from error
    return pwd.getpwnam(SYSTEM_USER)


def _let_pass_one(account: ServerAccount, folder: Path) -> None:
    try:
        _add_to_access_list(account.uid, folder)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
            raise _closed(account, folder, error) from error
        _log.warning(
            "%s: no access lists here; letting all users pass (not list) this folder", folder
        )
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


def _closed(account: ServerAccount, folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the database's system user {account.name!r} cannot pass through {folder} "
        f"({error.strerror}). Set LSATS_HOME to a folder outside it, or run as an ordinary user."
    )


def _add_to_access_list(uid: int, folder: Path) -> None:
    if not hasattr(os, "setxattr"):
        raise OSError(errno.ENOTSUP, "no extended attributes")
    entries = _access_list(folder)
    known = {(tag, owner): permissions for tag, permissions, owner in entries}
    known[_USER, uid] = known.get((_USER, uid), 0) | _PASS
    known[_MASK, _NO_ID] = known.get((_MASK, _NO_ID), known[_GROUP, _NO_ID]) | _PASS
    packed = [_ACL_ENTRY.pack(tag, rights, owner) for (tag, owner), rights in sorted(known.items())]
    os.setxattr(folder, _ACL, _ACL_VERSION + b"".join(packed))


def _access_list(folder: Path) -> list[tuple[int, int, int]]:
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        return [
            (_OWNER, mode >> 6 & 7, _NO_ID),
            (_GROUP, mode >> 3 & 7, _NO_ID),
            (_OTHER, mode & 7, _NO_ID),
        ]
    return list(_ACL_ENTRY.iter_unpack(raw[len(_ACL_VERSION) :]))


def private_folder(folder: Path, account: ServerAccount) -> Path:
    """A folder that only the account may enter, made when absent; refused when open or foreign."""
    try:
        folder.mkdir(mode=0o700)
        shutil.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{folder} should be a folder of {account.name!r} closed to others, and is not: "
            "another user may have put it there. Remove it, or set LSATS_HOME to a shorter path."
        )
    return folder
