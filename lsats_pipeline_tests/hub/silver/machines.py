"""Machines with the defects that inventories have, and which of their records belong together.

machines ─▶ what TeamDynamix, KeyConfigure and Active Directory each say of them ─▶ rows of tier 1
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Row = dict[str, Any]
Record = tuple[str, str]  # system and id
TABLES = {
    "tdx": ("tdx_assets", "tdx_asset_id"),
    "keyconfigure": ("keyconfigure_computers", "computer_id"),
    "ad": ("ad_computers", "object_guid"),
}
PLACEHOLDERS = ("NONE", "N/A", "To be filled by O.E.M.", "0000000", "System Serial Number", "")


@dataclass
class Campus:
    """Rows by system, and the machine of every record."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    machine: dict[Record, int] = field(default_factory=dict)

    def add(self, machine: int, system: str, row: Row) -> None:
        """One more record of a machine."""
        self.rows[system].append(row)
        self.machine[system, str(row[TABLES[system][1]])] = machine

    @property
    def pairs(self) -> set[tuple[Record, Record]]:
        """Records of different systems that are one machine."""
        together: dict[int, list[Record]] = {}
        for record, machine in self.machine.items():
            together.setdefault(machine, []).append(record)
        order = list(TABLES)
        return {
            (a, b) if order.index(a[0]) < order.index(b[0]) else (b, a)
            for records in together.values()
            for a, b in combinations(records, 2)
            if a[0] != b[0]
        }


def asset(n: int, name: str, serial: str, *macs: str, status: str = "Active") -> Row:
    """A row of tdx_assets."""
    return {
        "external_id": str(n),
        "tdx_asset_id": n,
        "name": name,
        "serial_number": serial or None,
        "mac_addresses": list(macs),
        "form_name": "Computer Form",
        "status_name": status,
    }


def known(name: str, serial: str, *macs: str, session: str = "2026-03-01T08:00:00Z") -> Row:
    """A row of keyconfigure_computers."""
    key = name.upper() if serial.upper() in ("", "N/A", "NONE") else f"{name}-{serial}".upper()
    return {
        "computer_id": key,
        "computer_name": name,
        "oem_serial_number": serial or None,
        "primary_mac_address": macs[0] if macs else None,
        "mac_addresses": list(macs),
        "last_session": session,
    }


def account(n: int, name: str, dns: str | None = None) -> Row:
    """A row of ad_computers."""
    guid = str(uuid.UUID(int=n))
    return {
        "external_id": guid,
        "object_guid": guid,
        "computer_name": name,
        "sam_account_name": f"{name[:15]}$",
        "dns_hostname": f"{dns or name}.example.edu".lower(),
    }


def campus(count: int, seed: int = 1) -> Campus:
    """`count` machines; about one in five has something wrong with it."""
    random, made = Random(seed), Campus()
    docks = [_mac(random) for _ in range(max(count // 400, 1))]
    names = [f"{random.choice(('CHEM', 'PHYS', 'MCDB', 'LSA'))}-{n:05d}" for n in range(count)]
    swapped: Row | None = None
    for n in range(count):
        name, serial = names[n], f"{random.choice('CDFGHM')}{random.randrange(10**9):09d}"
        macs = [_mac(random) for _ in range(random.choice((1, 1, 2)))]
        in_tdx, in_kc, in_ad = (random.random() < share for share in (0.92, 0.55, 0.6))
        fate = random.random()
        old = name
        if fate < 0.03:  # renamed; TeamDynamix has not heard of it
            old = f"{name}-OLD" if random.random() < 0.7 else f"OLD{n}"
        kc_macs = [*macs, random.choice(docks)] if 0.03 < fate < 0.05 else macs
        in_asset = [] if random.random() < 0.12 else macs
        shown = random.choice(PLACEHOLDERS) if 0.05 < fate < 0.09 else serial
        status = "Active"
        if 0.09 < fate < 0.13 and n:  # retired; the next machine took the name
            status, in_ad, in_kc = "Retired", False, fate < 0.10
            old = name = names[n - 1]
        if in_tdx:
            row = asset(n + 1000, old, shown, *in_asset, status=status)
            if 0.13 < fate < 0.14:
                if swapped:
                    row["serial_number"], swapped["serial_number"] = (
                        swapped["serial_number"],
                        row["serial_number"],
                    )
                swapped = None if swapped else row
            made.add(n, "tdx", row)
        if in_kc:
            serial = random.choice((serial, shown))
            session = "2026-03-01" if status == "Active" else "2025-01-01"
            made.add(n, "keyconfigure", known(name, serial, *kc_macs, session=session))
        if in_ad:
            lagging = old if 0 < fate < 0.01 else None
            made.add(n, "ad", account(n + 1, name, lagging))
            if 0.14 < fate < 0.15:
                ghost = account(n + 10**7, f"{name}\nCNF:{uuid.UUID(int=n)}", name)
                made.add(-n - 1, "ad", ghost)
        if not (in_tdx or in_kc or in_ad):
            made.add(n, "ad", account(n + 1, name))
    return made


def fill(connection: psycopg.Connection[Any], rows: dict[str, list[Row]]) -> None:
    """Put rows into the tables of tier 1, in the order given."""
    for system, items in rows.items():
        by_columns: dict[tuple[str, ...], list[Row]] = {}
        for item in items:
            by_columns.setdefault(tuple(item), []).append(item)
        for columns, same in by_columns.items():
            statement = sql.SQL("copy {} ({}) from stdin").format(
                sql.Identifier("silver", TABLES[system][0]),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for item in same:
                    copy.write_row([_plain(item[column]) for column in columns])


def _plain(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, list | dict) else value


def _mac(random: Random) -> str:
    return f"{random.getrandbits(48) | 1 << 41:012X}"
