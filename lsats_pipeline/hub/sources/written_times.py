"""Times as documents have them as text: the forms that count, in the order month, day, year.

Every date of KeyConfigure and of the award office is American; 01/02/2026 is the second of January
and 31/12/2026 is no date. `silver/parsers.py` says the same in SQL (WRITTEN_DATE, WRITTEN_TIME).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_DATES = (
    re.compile(r"(?P<month>\d{1,2})([/-])(?P<day>\d{1,2})\2(?P<year>\d{4}|\d{2})"),
    re.compile(r"(?P<year>\d{4})([/-])(?P<month>\d{1,2})\2(?P<day>\d{1,2})"),
    re.compile(r"(?P<day>\d{1,2})[\s-]*(?P<name>[a-z]{3,9})\.?[\s,-]*(?P<year>\d{4}|\d{2})"),
    re.compile(r"(?P<name>[a-z]{3,9})\.?\s*(?P<day>\d{1,2})[\s,]+(?P<year>\d{4})"),
)
_CLOCK = re.compile(
    r"[t\s]\s*([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})\d*)?)?\s*(?:([ap])m)?"
    r"(?:z|[+-]\d\d(?::?\d\d)?)?"
)
# What people and programs add without meaning: `Fri, Jan 2nd, 2026, 3:04 p.m. UTC`.
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2009\u202f", " "))
_DECORATION = (
    (re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s+"), ""),
    (re.compile(r"^([a-z]+\.?\s*)?(\d{1,2})(st|nd|rd|th)\b"), r"\1\2"),
    (re.compile(r"(\d),\s+(\d{1,2}:)"), r"\1 \2"),
    (re.compile(r"([ap])\.\s?m\b\.?"), r"\1m"),
    (re.compile(r"\s*(utc|gmt)$"), "z"),
)
_SERIAL = re.compile(r"[1-9]\d{4}(\.\d+)?")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip


def written_time(written: Any) -> dt.datetime | None:
    """The moment, without a zone; None for what is no time in any of the forms.

    A number of five digits counts days since 1899, as spreadsheets do.
    """
    text = str(written if written is not None else "").translate(_SPACES).strip().lower()
    for form, kept in _DECORATION:
        text = form.sub(kept, text, count=1)
    if _SERIAL.fullmatch(text):
        return dt.datetime(1899, 12, 30) + dt.timedelta(milliseconds=round(float(text) * 86400000))
    for date in _DATES:
        if found := date.match(text):
            try:
                day = dt.datetime(_year(found["year"]), _month(found), int(found["day"]))
            except ValueError:
                return None
            return _at(day, text[found.end() :])
    return None


def _year(written: str) -> int:
    year = int(written)
    return year if len(written) == 4 else year + (1900 if year > 68 else 2000)


def _month(found: re.Match[str]) -> int:
    groups = found.groupdict()
    if "month" in groups:
        return int(groups["month"])
    return next((n for n, m in enumerate(_MONTHS, 1) if m.startswith(groups["name"])), 0)


def _at(day: dt.datetime, clock: str) -> dt.datetime | None:
    """The day at a time of day; None when something else follows."""
    if not clock:
        return day
    found = _CLOCK.fullmatch(clock)
    if found is None:
        return None
    hour = int(found[1])
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5] == "p" else 0)
    fraction = int((found[4] or "0").ljust(6, "0"))
    return day.replace(
        hour=hour, minute=int(found[2]), second=int(found[3] or 0), microsecond=fraction
    )
