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
# Names of people: without marks that nobody sees, which would keep equal names apart.
NAME = Parser("text", "silver.visible_text({0})")
UNIQNAME = Parser("text", "silver.uniqname({0})", valid="silver.uniqname({0}) is not null")
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
FIRST_NAME = Parser("text", f"silver.visible_text({FIRST.expression})", member="jsonb")


# --- TeamDynamix assets (domain/hub.md 4.5): the word None is no text, 0 is no id and no cost.
TEXT_NONE = Parser("text", "nullif(nullif(btrim({0}), ''), 'None')")
ID = Parser("integer", f"nullif({INTEGER.expression}, 0)", valid=INTEGER.valid)
_NUMBER: LiteralString = "{0} ~ '^\\s*[-+]?[0-9]+(\\.[0-9]*)?([eE][-+]?[0-9]{{1,2}})?\\s*$'"
_IS_AMOUNT: LiteralString = f"{_NUMBER} and pg_input_is_valid({{0}}, 'numeric(10,2)')"
AMOUNT = Parser(
    "numeric(10,2)", f"case when {_IS_AMOUNT} then {{0}}::numeric(10,2) end", valid=_IS_AMOUNT
)
COST = Parser("numeric(10,2)", f"nullif({AMOUNT.expression}, 0)", valid=_IS_AMOUNT)
_ARE_INTEGERS: LiteralString = "{0} ~ '^\\s*[0-9]{{1,9}}(\\s*,\\s*[0-9]{{1,9}})*\\s*$'"
INTEGERS = Parser(
    "jsonb",
    f"case when {_ARE_INTEGERS} then to_jsonb(string_to_array({{0}}, ',')::integer[]) end",
    valid=_ARE_INTEGERS,
)

# --- Directories: times as 20260102030405Z, unless the reader has made them ISO 8601.
_ISO: LiteralString = (
    "regexp_replace({0}, '^(\\d\\d\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\.\\d+)?Z$',"
    " '\\1-\\2-\\3T\\4:\\5:\\6Z')"
)
DIRECTORY_TIME = Parser(
    "timestamptz", TIME.expression.replace("{0}", _ISO), valid=_IS_TIME.replace("{0}", _ISO)
)

# --- Documents made by hand (domain/hub.md 1.5, 1.6): spreadsheets make 12.0 of 12.
_WHOLE: LiteralString = "regexp_replace({0}, '\\.0*\\s*$', '')"
WHOLE = Parser(
    "integer",
    INTEGER.expression.replace("{0}", _WHOLE),
    valid=f"pg_input_is_valid({_WHOLE}, 'integer')",
)
# A number that is a name: a department, a serial number.
CODE = Parser("text", "nullif(regexp_replace(btrim({0}), '^([0-9]+)\\.0*$', '\\1'), '')")
MAC = Parser("text", "silver.mac({0})", valid="silver.mac({0}) is not null")
MACS = Parser("jsonb", "nullif(to_jsonb(silver.macs({0})), '[]')")


def _amount(sql_type: LiteralString) -> Parser:
    written: LiteralString = "silver.written_amount({0})"
    valid: LiteralString = f"coalesce(pg_input_is_valid({written}, '{sql_type}'), false)"
    return Parser(sql_type, f"case when {valid} then {written}::{sql_type} end", valid=valid)


# `$1,234.50`; in parentheses: less than nothing.
DOLLARS = _amount("numeric(15,2)")
PERCENT = _amount("numeric(5,2)")
# Whatever the forms, the order is month, day, year; the same on every server, whatever order it
# prefers. A date may be followed by a time of day.
_WRITTEN: LiteralString = "silver.written_time({0})"
_DAY: LiteralString = f"substring({_WRITTEN} from '^\\d+-\\d+-\\d+')"
_IS_WRITTEN: LiteralString = f"coalesce(pg_input_is_valid({_WRITTEN}, 'timestamptz'), false)"
DATE = Parser("date", f"case when {_IS_WRITTEN} then {_DAY}::date end", valid=_IS_WRITTEN)
WRITTEN_TIME = Parser(
    "timestamptz",
    f"case when {_IS_WRITTEN} and {_WRITTEN} !~ '^(0001|1601|9999)-'"
    f" then {_WRITTEN}::timestamptz end",
    valid=_IS_WRITTEN,
)

# Cells of documents: an error or a formula without a value is none; damaged text is kept.
_CELL: LiteralString = "case when silver.has_value({0}) then {0} end"
_IS_SOUND: LiteralString = "silver.has_value({0}) and strpos({0}, chr(65533)) = 0"


def _cell(parser: Parser) -> Parser:
    expression: LiteralString = parser.expression.replace("{0}", _CELL)
    return Parser("text", expression, valid=_IS_SOUND)


CELL_TEXT, CELL_CODE = _cell(TEXT), _cell(CODE)
