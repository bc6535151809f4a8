"""What every directory of the tests can do, and what it holds according to somebody else.

What the hub reads is compared with what ldap3 decodes of the wire and the standard library makes of
the values: neither shares any code with the hub's own reader.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import socket
import struct
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ldap3

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.settings import from_variables
from lsats_pipeline.hub.sources.active_directory import shapes
from lsats_pipeline.hub.sources.active_directory.client import ActiveDirectoryClient, connect
from lsats_pipeline.hub.sources.active_directory.settings import ActiveDirectorySettings
from lsats_pipeline_tests.hub.directories.entries import ROOT, Entry

NAMES = sorted(
    {
        name
        for shape in (shapes.PERSON, shapes.GROUP, shapes.COMPUTER, shapes.ORGANIZATIONAL_UNIT)
        for name in shape.names
    }
)
_EPOCH = dt.datetime(1601, 1, 1)
_GENERALIZED = {"whenCreated", "whenChanged", "dSCorePropagationData"}
_FILETIMES = {
    "accountExpires", "pwdLastSet", "lastLogon", "lastLogonTimestamp", "lastLogoff", "lockoutTime",
    "badPasswordTime", "ms-Mcs-AdmPwdExpirationTime", "msLAPS-PasswordExpirationTime",
}  # fmt: skip
_BASE64 = {
    "userCertificate", "msDS-AllowedToActOnBehalfOfOtherIdentity", "msDS-GroupMSAMembership",
    "mSMQDigests", "mSMQSignCertificates",
}  # fmt: skip


class DirectoryServer(ABC):
    """A directory that holds some entries, on a loopback address."""

    name: str
    variables: dict[str, str]

    @abstractmethod
    def administrator(self) -> Any:
        """A context: a connection of ldap3 that may write, or at least read everything."""

    @abstractmethod
    def fill(self, entries: list[Entry]) -> None:
        """Add the entries."""

    @abstractmethod
    def delete(self, entry: Entry) -> None:
        """Delete it as an administrator does."""

    @abstractmethod
    def rename(self, entry: Entry, name: str) -> None:
        """Give it another name and, for a person, the account name to go with it."""

    @contextmanager
    def client(
        self, clock: Clock | None = None, **variables: str
    ) -> Iterator[ActiveDirectoryClient]:
        """The hub's own client, on these variables in place of the server's; "" leaves one out."""
        given = {name: value for name, value in (self.variables | variables).items() if value}
        settings = from_variables(ActiveDirectorySettings, given)
        with connect(settings, clock) as client:
            yield client

    def held(self) -> dict[str, dict[str, list[str]]]:
        """Everything there is below the root, by GUID, each value as a record spells it."""
        with self.administrator() as connection:
            found = connection.extend.standard.paged_search(
                ROOT, "(objectClass=*)", ldap3.SUBTREE, attributes=NAMES, paged_size=500
            )
            raw = [entry for entry in found if entry["type"] == "searchResEntry"]
        return dict(_spelled(entry) for entry in raw)


def _spelled(entry: dict[str, Any]) -> tuple[str, dict[str, list[str]]]:
    given = {name: values for name, values in entry["raw_attributes"].items() if values}
    spelled = {name: _values(name, values) for name, values in given.items() if name in NAMES}
    return spelled["objectGUID"][0], {
        "dn": [entry["raw_dn"].decode()],
        **{name: values for name, values in spelled.items() if values},
    }


def _values(name: str, values: Iterable[bytes]) -> list[str]:
    return [text for value in values if (text := spell(name, value)) is not None]


def spell(name: str, value: bytes) -> str | None:
    """A value on the wire as a record has it; None for "never"."""
    if name == "objectGUID":
        return str(uuid.UUID(bytes_le=value))
    if name in ("objectSid", "sIDHistory"):
        return str(ldap3.protocol.formatters.formatters.format_sid(value))
    if name in _BASE64:
        return base64.b64encode(value).decode()
    if name in _GENERALIZED:
        moment = dt.datetime.strptime(value.decode(), "%Y%m%d%H%M%S.0Z")
        return None if moment.year == 1601 else f"{moment.isoformat()}Z"
    if name in _FILETIMES:
        return _filetime(int(value))
    return value.decode()


def _filetime(steps: int) -> str | None:
    if steps in (0, 2**63 - 1):
        return None
    seconds, rest = divmod(steps, 10_000_000)
    moment = (_EPOCH + dt.timedelta(seconds=seconds)).isoformat()
    return f"{moment}.{rest:07d}".rstrip("0") + "Z" if rest else f"{moment}Z"


def plain_dn(dn: str) -> str:
    """A distinguished name without escapes, of which each server has its own."""
    one_byte = re.compile(rb"\\([0-9a-fA-F]{2})|\\(.)", re.DOTALL)
    plain = one_byte.sub(lambda m: bytes.fromhex(m[1].decode()) if m[1] else m[2], dn.encode())
    return plain.decode()


def sid_bytes(text: str) -> bytes:
    """The binary form of `S-1-5-...`."""
    authority, *rest = map(int, text.split("-")[2:])
    return struct.pack(">BB6s", 1, len(rest), authority.to_bytes(6)) + struct.pack(
        f"<{len(rest)}I", *rest
    )


def renamed(name: str) -> dict[str, list[str]]:
    """What a person's new name changes, besides the distinguished name."""
    return {"cn": [name], "name": [name], "sAMAccountName": [name]}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])


def wait_until_listening(address: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when somebody listens; an error when the process ends instead."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex((address, port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} does not listen on {address}:{port}")


def expect_success(connection: Any) -> None:
    """Raise unless the last operation of an administrator succeeded."""
    if connection.result["result"] != 0:
        raise AssertionError(f"{connection.request} -> {connection.result}")
