"""The two directories: MCommunity and Active Directory, as data (hub.md 1.3, 1.4)."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from lsats_pipeline.campus.simulators.entries import Attributes
from lsats_pipeline.campus.simulators.ldap_filter import Columns, Filter, FilterColumn

USER_ACCOUNT, MACHINE_ACCOUNT = "805306368", "805306369"  # sAMAccountType
_FILETIME_EPOCH = dt.datetime(1601, 1, 1)
Volatile = Callable[[str, dt.date], Attributes]


@dataclass(frozen=True)
class EntryKind:
    """One kind of entry, kept as one entity of the campus.

    `home`: the branch below the base that holds all of them ("" anywhere). `always`, `never`:
    object classes, in lower case, and account types, that every entry has and none has; those
    settle most filters without a look at the entries. `columns`: what the campus can search by.
    """

    entity: str
    columns: Columns
    home: str = ""
    always: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    volatile: Volatile = lambda key, day: {}

    def may_match(self, criteria: Filter) -> bool:
        """Whether its object classes can match."""
        return criteria.possible(self.always, self.never)

    def may_be(self, dn: str) -> bool:
        """Whether an entry of this kind may have this name."""
        name = re.match(r"\s*(\w+)\s*=", dn)
        return name is not None and name[1].lower() in self.columns


@dataclass(frozen=True)
class SimulatedDirectory:
    """How one directory differs from another.

    `most_entries`: the cap of a whole search, pages included (0: none). `page_limit`: the cap of a
    page and of a search without pages. `unbound_code`: the result code for unbound clients.
    `most_values`: of an attribute with more of them only so many come at once, as a range (0: all).
    """

    system: str
    base: str
    user: str
    password: str = field(repr=False)
    kinds: tuple[EntryKind, ...]
    most_entries: int = 0
    page_limit: int = 1000
    unbound_code: int = 50
    most_values: int = 0


def mcommunity(password: str) -> SimulatedDirectory:
    """Truncates every search at 350 entries; unbound clients get insufficientAccessRights."""
    people = EntryKind(
        "user",
        {"uid": FilterColumn("lookup", True), "uidnumber": FilterColumn("record_key", False)},
        home="ou=People",
    )
    groups = EntryKind(
        "group",
        {"cn": FilterColumn("lookup", True), "gidnumber": FilterColumn("record_key", False)},
        home="ou=User Groups,ou=Groups",
        never=frozenset({"person"}),
    )
    return SimulatedDirectory(
        system="mcommunity_ldap",
        base="dc=umich,dc=edu",
        user="cn=lsats-hub,ou=Services,dc=umich,dc=edu",
        password=password,
        kinds=(people, groups),
        most_entries=350,
    )


def active_directory(password: str) -> SimulatedDirectory:
    """Returns 1000 entries at a time; unbound clients get operationsError."""
    return SimulatedDirectory(
        system="active_directory",
        base="OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu",
        user="UMROOT\\lsats-hub",
        password=password,
        kinds=(
            _kind(
                "user",
                "cn",
                {"person"},
                {"computer", "group", "organizationalunit", MACHINE_ACCOUNT},
                _logon_attributes,
            ),
            _kind(
                "group",
                "cn",
                {"group"},
                {"person", "computer", "organizationalunit", USER_ACCOUNT, MACHINE_ACCOUNT},
                _replication_attributes,
            ),
            _kind(
                "computer",
                "cn",
                {"computer", "person"},
                {"group", "organizationalunit", USER_ACCOUNT},
                _logon_attributes,
            ),
            _kind(
                "organizational_unit",
                "ou",
                {"organizationalunit"},
                {"person", "computer", "group", USER_ACCOUNT, MACHINE_ACCOUNT},
                _replication_attributes,
            ),
            _kind(
                "service_account",
                "cn",
                {"person", "user", "computer", MACHINE_ACCOUNT},
                {"group", "organizationalunit", "contact"},
                _logon_attributes,
            ),
            _kind(
                "contact",
                "cn",
                {"person", "contact"},
                {"user", "computer", "group", "organizationalunit"},
                _replication_attributes,
            ),
        ),
        unbound_code=1,
        most_values=1500,
    )


def _kind(
    entity: str, name: str, always: set[str], never: set[str], volatile: Volatile
) -> EntryKind:
    columns = {name: FilterColumn("lookup", True), "objectguid": FilterColumn("record_key", False)}
    classes = frozenset(always | {"top"}), frozenset(never)
    return EntryKind(entity, columns, always=classes[0], never=classes[1], volatile=volatile)


def _replication_attributes(key: str, day: dt.date) -> Attributes:
    """What replication changes: another value every day, the same for the same day."""
    volatile = _volatile_attributes(_seed(key), day)
    return {name: volatile[name] for name in ("whenChanged", "uSNChanged", "dSCorePropagationData")}


def _logon_attributes(key: str, day: dt.date) -> Attributes:
    """The same, and what logging on changes."""
    return _volatile_attributes(_seed(key), day)


def _seed(key: str) -> int:
    return zlib.crc32(key.encode()) % 4096


@lru_cache(maxsize=8192)
def _volatile_attributes(seed: int, day: dt.date) -> Attributes:
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
