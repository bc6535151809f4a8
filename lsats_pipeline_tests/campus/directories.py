"""What the campus says its systems hold on a day, read back for tests."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import psycopg

Entry = dict[str, Any]
BROKEN = ("\\u0000", "\ue0ff")

_RECORDS = """
select record_key, payload from campus.records
where system = %(system)s and entity = %(entity)s and fault = ''
    and valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)
"""


def readable(
    connection: psycopg.Connection, system: str, entity: str, day: dt.date
) -> dict[str, Entry]:
    """The records of a stream that can be read and have a key."""
    scope = {"system": system, "entity": entity, "day": day}
    return {
        key: json.loads(payload)
        for key, payload in connection.execute(_RECORDS, scope)
        if not any(sign in payload for sign in BROKEN) and not key.startswith("?")
    }


def everything(
    connection: psycopg.Connection, system: str, entity: str, day: dt.date
) -> dict[str, Entry]:
    """The same with those that cannot be read; what is broken in them is put right."""
    scope = {"system": system, "entity": entity, "day": day}
    return {key: json.loads(text) for key, text in connection.execute(_RECORDS, scope)}


def truth(connection: psycopg.Connection, table: str, day: dt.date) -> list[dict[str, Any]]:
    """The rows of a table of the campus that hold on a day."""
    cursor = connection.execute(
        f"select to_jsonb(t) from campus.{table} t"
        " where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)",
        {"day": day},
    )
    return [row for (row,) in cursor]


def many(entry: Entry, name: str) -> list[str]:
    """The values of an attribute."""
    found: list[str] = entry["attributes"].get(name, [])
    return found


def one(entry: Entry, name: str) -> str:
    """The first value, or ""."""
    return next(iter(many(entry, name)), "")
