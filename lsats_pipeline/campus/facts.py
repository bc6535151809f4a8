"""What holds on one day, keyed so that two days can be compared row by row.

Declares the tables of schema `campus` that have a history; the columns stand in `schema.sql`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

Key = tuple[Any, ...]
Rest = tuple[Any, ...]

encode = msgspec.json.Encoder().encode


class CampusTable(NamedTuple):
    """One table with history: what identifies a row, and what it says."""

    name: str
    key: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row that begins."""
        return (*self.key, *self.rest, "valid_from")


TABLES = (
    CampusTable(
        "departments",
        ("dept_id",),
        ("tdx_id", "name", "college", "vp_area", "campus", "parent_dept_id", "is_active", "oddity"),
    ),
    CampusTable(
        "people",
        ("person_id",),
        (
            "kind", "status", "uniqname", "first_name", "middle_name", "last_name", "nickname",
            "title", "dept_id", "work_phone", "mobile_phone", "building", "room", "defects",
        ),
    ),
    CampusTable(
        "appointments",
        ("person_id", "empl_rcd"),
        ("empl_id", "dept_id", "jobcode", "title", "department_title", "supervisor_empl_id"),
    ),
    CampusTable("records", ("system", "entity", "record_key"), ("lookup", "payload", "fault")),
    CampusTable("labels", ("table_name", "flag", "subject"), ()),
    CampusTable(
        "groups", ("group_key",),
        ("group_name", "family", "ad_group_guid", "gid_number", "description"),
    ),
    CampusTable(
        "group_members", ("group_key", "member_kind", "member"),
        ("is_direct", "in_ad", "in_mcommunity"),
    ),
    CampusTable("group_owners", ("group_key", "owner_kind", "owner"), ()),
    CampusTable(
        "organizational_units", ("object_guid",),
        ("distinguished_name", "name", "level", "branch", "status", "dept_id", "pi_uniqname"),
    ),
    CampusTable(
        "labs", ("pi_uniqname",),
        ("person_id", "dept_id", "ou_dn", "ou_branch", "ou_status", "awards"),
    ),
    CampusTable("lab_members", ("pi_uniqname", "uniqname"), ("is_pi",)),
    CampusTable(
        "lab_awards", ("award_id", "uniqname", "person_role", "project", "dept_id"),
        ("total_cents",),
    ),
    CampusTable(
        "computers", ("machine_id",),
        (
            "name", "serial", "macs", "owner", "financial_owner", "last_user", "dept_id",
            "lab_pi", "status", "defect", "is_second",
        ),
    ),
    CampusTable(
        "machine_records", ("machine_id", "system", "entity", "record_key"), ("is_current",)
    ),
    CampusTable("lab_computers", ("pi_uniqname", "machine_id"), ("methods",)),
    CampusTable("other_accounts", ("object_guid",), ("kind", "name", "distinguished_name")),
)  # fmt: skip
_PLACES = {table.name: place for place, table in enumerate(TABLES)}


class Facts:
    """The rows of one day (or of one person on that day), by table."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: tuple[dict[Key, Rest], ...] = tuple({} for _ in TABLES)

    def add(self, table: str, key: Key, rest: Rest) -> None:
        """Add a row of any table."""
        self.rows[_PLACES[table]][key] = rest

    def of(self, table: str) -> list[tuple[Key, Rest]]:
        """The rows of a table."""
        return list(self.rows[_PLACES[table]].items())

    def department(self, key: Key, rest: Rest) -> None:
        """Add the truth about a department."""
        self.rows[0][key] = rest

    def person(self, key: Key, rest: Rest) -> None:
        """Add the truth about a person."""
        self.rows[1][key] = rest

    def appointment(self, key: Key, rest: Rest) -> None:
        """Add one appointment of a person."""
        self.rows[2][key] = rest

    def record(
        self,
        system: str,
        entity: str,
        key: str,
        content: dict[str, Any],
        lookup: str = "",
        fault: str = "",
    ) -> None:
        """Add what a system gives out."""
        self.rows[3][system, entity, key] = (lookup, encode(content).decode(), fault)

    def label(self, table: str, flag: str, subject: str) -> None:
        """Add a flag that the hub must raise."""
        self.rows[4][table, flag, subject] = ()
