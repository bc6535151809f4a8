"""How a JSON member becomes a column. Nothing here can raise: what does not fit becomes NULL.

`{0}` stands for the member. `valid`, where there is one, is false for a value that was given and
does not fit; the row then carries the flag `invalid_<column>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True)
class Parser:
    """SQL of one kind of value. `member`: as what the JSON member is read, text or jsonb."""

    sql_type: LiteralString
    expression: LiteralString
    member: LiteralString = "text"
    valid: LiteralString | None = None


def _scalar(sql_type: LiteralString) -> Parser:
    valid: LiteralString = f"pg_input_is_valid({{0}}, '{sql_type}')"
    return Parser(sql_type, f"case when {valid} then {{0}}::{sql_type} end", valid=valid)


TEXT = Parser("text", "nullif(btrim({0}), '')")
LOWER = Parser("text", "lower(nullif(btrim({0}), ''))")
INTEGER = _scalar("integer")
BIGINT = _scalar("bigint")
BOOLEAN = _scalar("boolean")
MONEY = _scalar("numeric(10,2)")

# An all-zero id means none (domain/hub.md 1.1.4).
UUID = Parser(
    "uuid",
    "nullif(case when pg_input_is_valid({0}, 'uuid') then {0}::uuid end,"
    " '00000000-0000-0000-0000-000000000000')",
    valid="pg_input_is_valid({0}, 'uuid')",
)

# PostgreSQL also takes words such as `now` for a time. Years 1, 1601 and 9999 mean unset or never
# (domain/hub.md 1.1.5, 1.4).
_IS_TIME: LiteralString = "{0} ~ '^[0-9]{{4}}-' and pg_input_is_valid({0}, 'timestamptz')"
TIME = Parser(
    "timestamptz",
    f"case when {_IS_TIME} and {{0}} !~ '^(0001|1601|9999)-' then {{0}}::timestamptz end",
    valid=_IS_TIME,
)

JSON = Parser("jsonb", "nullif({0}, 'null')", member="jsonb")
# Directories give a scalar for one value and a list for several (domain/hub.md 1.3).
LIST = Parser(
    "jsonb",
    "case jsonb_typeof({0}) when 'array' then {0} when 'string' then jsonb_build_array({0})"
    " else '[]' end",
    member="jsonb",
)
FIRST = Parser(
    "text",
    "nullif(btrim(case jsonb_typeof({0}) when 'array' then {0}->>0 else {0}#>>'{{}}' end), '')",
    member="jsonb",
)
FIRST_LOWER = Parser("text", f"lower({FIRST.expression})", member="jsonb")
