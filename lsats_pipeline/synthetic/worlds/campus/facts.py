"""What holds on one day, keyed so that two days can be compared row by row.

Declares the tables of schema `campus` that have a history; the columns stand in `schema.sql`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

Key = tuple[Any, ...]
Rest = tuple[Any, ...]

encode = msgspec.json.Encoder().encode


class Table(NamedTuple):
    """One table with history: what identifies a row, and what it says."""

    name: str
    key: tuple[str, ...]
    rest: tuple[str, ...]


TABLES = (
    Table(
        "departments",
        ("dept_id",),
        ("tdx_id", "name", "college", "vp_area", "campus", "parent_dept_id", "is_active", "oddity"),
    ),
    Table(
        "people",
        ("person_id",),
        (
            "kind", "status", "uniqname", "first_name", "middle_name", "last_name", "nickname",
            "title", "dept_id", "work_phone", "mobile_phone", "building", "room", "defects",
        ),
    ),
    Table(
        "appointments",
        ("person_id", "empl_rcd"),
        ("empl_id", "dept_id", "jobcode", "title", "department_title", "supervisor_empl_id"),
    ),
    Table("records", ("system", "entity", "record_key"), ("lookup", "payload", "fault")),
    Table("labels", ("table_name", "flag", "subject"), ()),
)  # fmt: skip


class Facts:
    """The rows of one day (or of one person on that day), by table."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: tuple[dict[Key, Rest], ...] = tuple({} for _ in TABLES)

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
