"""A Samba domain controller of the tests' own, on a loopback address of its own.

Its ports are always 389 and 636, so it is the address that is free: one of 127.0.0.0/8. Binding
such ports takes root, or `sudo` without a password. It serves LDAP alone.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3

from lsats_pipeline_tests.certificates import certificate
from lsats_pipeline_tests.hub.directories.entries import ROOT, Entry
from lsats_pipeline_tests.hub.directories.server import (
    DirectoryServer,
    expect_success,
    wait_until_listening,
)

REALM = "ADSROOT.ITCS.UMICH.EDU"
ADMINISTRATOR = f"Administrator@{REALM.lower()}"
PASSWORD = "Samba-passw0rd!"
TEMPLATES = Path("/usr/share/samba/setup/provision.ldif")
LDAP, LDAPS = 389, 636
LONGEST_RUN = 3600  # seconds, after which it ends by itself


class Samba(DirectoryServer):
    """A running domain controller."""

    name = "samba"

    def __init__(self, address: str, issuer: Path) -> None:
        self.address = address
        self.variables = {
            "AD_LDAP_URL": f"ldaps://{address}",
            "AD_USER": ADMINISTRATOR,
            "AD_PASSWORD": PASSWORD,
            "AD_SEARCH_BASE": ROOT,
            "AD_CA_FILE": str(issuer),
        }

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        server = ldap3.Server(self.address, port=LDAPS, use_ssl=True, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server, ADMINISTRATOR, PASSWORD, auto_bind=True, check_names=False
        )
        try:
            yield connection
        finally:
            connection.unbind()

    def fill(self, entries: list[Entry]) -> None:
        """Add the entries, one after the other, as an administrator does."""
        with self.administrator() as connection:
            for entry in entries:
                connection.add(entry.dn, [entry.of.chain[-1]], entry.given)
                expect_success(connection)

    def delete(self, entry: Entry) -> None:
        with self.administrator() as connection:
            connection.delete(entry.dn)
            expect_success(connection)

    def rename(self, entry: Entry, name: str) -> None:
        with self.administrator() as connection:
            connection.modify_dn(entry.dn, f"CN={name}")
            expect_success(connection)
            change = {"sAMAccountName": [(ldap3.MODIFY_REPLACE, [name])]}
            connection.modify(f"CN={name},{entry.parent}", change)
            expect_success(connection)


@contextmanager
def start(entries: list[Entry]) -> Iterator[Samba]:
    """Provision a domain, serve and fill it; all of it is gone afterwards."""
    root = _as_root()
    _require_programs()
    # Not below pytest's folder: what belongs to root could not be removed by whoever is not.
    home = Path(tempfile.mkdtemp(prefix="lsats-samba-"))
    try:
        address = _free_address()
        issuer, _ = certificate(home, "localhost", addresses=[address, "127.0.0.1"])
        (home / "key.pem").chmod(0o600)  # Samba uses no key that others may read or write
        subprocess.run([*root, "chown", "root", str(home / "key.pem")], check=True)
        _provision(root, home / "domain", address)
        with _served(root, home / "domain", address, issuer):
            server = Samba(address, issuer)
            server.fill(entries)
            yield server
    finally:
        subprocess.run([*root, "rm", "-rf", str(home)], check=True)


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    allowed = shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False).returncode == 0
    assert allowed, (
        "Samba listens on ports 389 and 636, which takes root: run the tests as root, or as a user"
        " who may sudo without a password"
    )
    return sudo


def _require_programs() -> None:
    found = [shutil.which(name, path=_PATH) for name in ("samba", "samba-tool")]
    assert all(found) and TEMPLATES.exists(), (
        "a Samba domain controller is needed: apt-get install --no-install-recommends"
        " samba-ad-dc samba-ad-provision"
    )


_PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"


def _free_address() -> str:
    picked = random.SystemRandom()
    for _ in range(50):
        address = f"127.{picked.randint(1, 254)}.{picked.randint(0, 254)}.{picked.randint(1, 254)}"
        if not any(_in_use(address, port) for port in (LDAP, LDAPS)):
            return address
    raise AssertionError(f"somebody listens on port {LDAP} or {LDAPS} of every loopback address")


def _in_use(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _provision(root: list[str], domain: Path, address: str) -> None:
    options = (
        f"--targetdir={domain}", f"--realm={REALM}", "--domain=UMROOT", "--server-role=dc",
        "--dns-backend=NONE", f"--adminpass={PASSWORD}", "--use-rfc2307", "--host-name=dc1",
        f"--host-ip={address}",
        # Attributes of files in a file of its own: not every file system of a runner has them.
        "--option=ldb:nosync=yes", "--option=vfs objects=",
        f"--option=posix:eadb={domain}/eadb.tdb",
    )  # fmt: skip
    done = subprocess.run(
        [*root, "env", f"PATH={_PATH}", "samba-tool", "domain", "provision", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"samba-tool: {done.stdout}{done.stderr}"


@contextmanager
def _served(root: list[str], domain: Path, address: str, issuer: Path) -> Iterator[None]:
    options = {
        "server services": "ldap",
        "interfaces": f"{address}/8",
        "bind interfaces only": "yes",
        "pid directory": domain,
        "log file": domain / "log",
        "ldb:nosync": "yes",  # it is thrown away
        "tls cafile": issuer,
        "tls certfile": issuer,
        "tls keyfile": issuer.parent / "key.pem",
    }
    command = [
        *(*root, "env", f"PATH={_PATH}", "samba", "--interactive", "--no-process-group"),
        *("--model=single", "--debug-stdout", f"--maximum-runtime={LONGEST_RUN}"),
        f"--configfile={domain}/etc/smb.conf",
        *(f"--option={name}={value}" for name, value in options.items()),
    ]
    # It ends when its standard input does: also when this process is killed.
    with (
        (domain.parent / "samba.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
    ):
        try:
            wait_until_listening(address, LDAPS, process)
            yield
        finally:
            subprocess.run([*root, "kill", str(process.pid)], check=False)
            process.wait(30)
