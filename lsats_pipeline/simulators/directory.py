"""The two directories: MCommunity and Active Directory, as data (hub.md 1.3, 1.4)."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from lsats_pipeline.simulators.entries import Attributes
from lsats_pipeline.simulators.ldap_filter import Column, Columns

_FILETIME_EPOCH = dt.datetime(1601, 1, 1)


@dataclass(frozen=True)
class Directory:
    """What tells one directory from another.

    `most_entries`: the cap of a whole search, pages included (0: none). `page_limit`: the cap of a
    page and of a search without pages. `unbound_code`: how it refuses strangers.
    """

    system: str
    base: str
    user: str
    password: str = field(repr=False)
    columns: Columns
    most_entries: int = 0
    page_limit: int = 1000
    unbound_code: int = 50
    volatile: Callable[[str, dt.date], Attributes] = lambda key, day: {}


def mcommunity(password: str) -> Directory:
    """Truncates every search at 350 entries and refuses strangers with insufficientAccessRights."""
    return Directory(
        system="mcommunity_ldap",
        base="dc=umich,dc=edu",
        user="cn=lsats-hub,ou=Services,dc=umich,dc=edu",
        password=password,
        columns={"uid": Column("lookup", True), "uidnumber": Column("record_key", False)},
        most_entries=350,
    )


def active_directory(password: str) -> Directory:
    """Hands out 1000 entries at a time and refuses strangers with operationsError."""
    return Directory(
        system="active_directory",
        base="OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu",
        user="UMROOT\\lsats-hub",
        password=password,
        columns={"cn": Column("lookup", True), "objectguid": Column("record_key", False)},
        unbound_code=1,
        volatile=_restless,
    )


def _restless(key: str, day: dt.date) -> Attributes:
    """What Active Directory keeps touching: another value every day, the same for the same day."""
    return _restless_of(zlib.crc32(key.encode()) % 4096, day)


@lru_cache(maxsize=8192)
def _restless_of(seed: int, day: dt.date) -> Attributes:
    number = day.toordinal()
    seen = dt.datetime.combine(day, dt.time()) - dt.timedelta(seconds=seed * 20)
    filetime = int((seen - _FILETIME_EPOCH).total_seconds()) * 10_000_000
    stamp = f"{seen:%Y%m%d%H%M%S}.0Z"
    return {
        "whenChanged": [stamp],
        "uSNChanged": [str(number * 4096 + seed)],
        "lastLogon": [str(filetime)],
        "lastLogoff": [str(filetime + 36_000_000_000)],
        "badPasswordTime": [str(filetime - 50_000_000)],
        "badPwdCount": [str((seed + number) % 7)],
        "logonCount": [str(seed + number % 65_536)],
        "dSCorePropagationData": [stamp, "16010101000000.0Z"],
    }
