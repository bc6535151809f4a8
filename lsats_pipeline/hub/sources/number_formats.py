"""Numbers of workbooks: which of them are times, and what time they are.

Spreadsheets keep a time as a number of days and know it by the format of its cell (ECMA-376 part 1,
18.8.30 and 18.17.4.1).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

EXACT = 2**53  # spreadsheets keep every number as a double


def children(tree: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Elements of a name, of whatever namespace (strict files have another)."""
    return (e for e in tree.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == name)


_BUILT_IN = {n: _as for _as, numbers in (
    ("time", (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))), ("span", (46,)),
) for n in numbers}  # fmt: skip
_NOT_CODE = re.compile(r'"[^"]*"?|\\.|[_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_SPAN = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_TIME = re.compile(r"[ymdhs]", re.IGNORECASE)


def _form(code: str) -> str:
    """What numbers of a format are: `time`, `span` of time, or just numbers."""
    bare = _NOT_CODE.sub("", code).partition(";")[0]
    if _SPAN.search(bare):
        return "span"
    return "time" if _TIME.search(re.sub("general", "", bare, flags=re.IGNORECASE)) else ""


def number_forms(styles: ElementTree.Element | None) -> dict[str, str]:
    """What numbers are, by the style of their cell."""
    if styles is None:
        return {}
    own = {f.get("numFmtId"): _form(f.get("formatCode", "")) for f in children(styles, "numFmt")}
    table = next(children(styles, "cellXfs"), None)
    found: dict[str, str] = {}
    for style in children(table, "xf") if table is not None else ():
        number = style.get("numFmtId", "0")
        built_in = _BUILT_IN.get(int(number), "") if number.isdecimal() else ""
        found[str(len(found))] = own.get(number, built_in)
    return found


def plain_number(number: float) -> Any:
    """A number as JSON knows it: whole where it is whole; None for none."""
    if number.is_integer() and abs(number) < EXACT:
        return int(number)
    return number if number - number == 0 else None


def moment_of(number: float, is_1904: bool) -> Any:
    """A time as ISO 8601 without a zone; of a number below 1 the time of day."""
    epoch = dt.datetime(1904, 1, 1) if is_1904 else dt.datetime(1899, 12, 30)
    if not is_1904 and 1 <= number < 60:
        epoch += dt.timedelta(days=1)  # the format counts a 29th of February 1900
    try:
        moment = epoch + dt.timedelta(milliseconds=round(number * 86_400_000))
    except (OverflowError, ValueError):
        return plain_number(number)
    if 0 <= number < 1:
        return str(moment.time())
    return moment.isoformat() if number >= 0 else plain_number(number)
