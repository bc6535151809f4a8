"""The days that a hub knows: a small file, from which Dagster's calendar is made.

run log ─▶ record_observed ─┐
                            ├─▶ LSATS_HOME/days.json ─▶ known_days, when definitions are loaded
a person ─▶ ask_for_days ───┘

A day is known once a stream has been read for it. A past day that nobody read, and that a source
can still answer for, is known as long as the date lasts on which somebody asked for it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.warehouse.database import Connection

log = logging.getLogger(__name__)


class Days(msgspec.Struct, frozen=True):
    """The file. `asked`: the date on which somebody asked for each of these days."""

    observed: list[dt.date] = []
    asked: dict[dt.date, dt.date] = {}


def days_file(settings: HubSettings) -> Path:
    """Where the days are."""
    return settings.lsats_home / "days.json"


def known_days(settings: HubSettings) -> list[dt.date]:
    """Every day that was observed or is asked for, in order, from LSATS_FIRST_DAY on.

    None without the file; none, with a warning, when it is damaged: the next run writes it anew.
    """
    days, first = _read(days_file(settings)), settings.lsats_first_day or dt.date.min
    return sorted(day for day in {*days.observed, *_current(days, settings)} if day >= first)


def record_observed(connection: Connection, settings: HubSettings) -> None:
    """Bring the file up to date with the run log; a folder that cannot be written is a warning."""
    rows = connection.execute(
        "select distinct partition_key from meta.ingestion_runs"
        " where layer = 'bronze' and status = 'completed' order by 1"
    ).fetchall()
    observed = [row[0] for row in rows]

    def change(days: Days) -> Days:
        asked = _current(days, settings)
        return Days(observed, {day: on for day, on in asked.items() if day not in observed})

    try:
        _rewrite(settings, change)
    except OSError as error:
        log.warning("⚠️ the days of the calendar were not written: %s", error)


def ask_for_days(settings: HubSettings, wanted: Iterable[dt.date]) -> None:
    """Put past days on the calendar, for definitions that are loaded later today.

    ConfigurationError when the file cannot be written.
    """
    asked = dict.fromkeys(wanted, _date(settings))
    if not asked:
        return
    try:
        _rewrite(settings, lambda days: Days(days.observed, {**_current(days, settings), **asked}))
    except OSError as error:
        raise ConfigurationError(f"LSATS_HOME, {settings.lsats_home}: {error}") from None


def _current(days: Days, settings: HubSettings) -> dict[dt.date, dt.date]:
    """What was asked for today. Whoever asked and was killed leaves nothing behind for long."""
    return {day: on for day, on in days.asked.items() if on == _date(settings)}


def _date(settings: HubSettings) -> dt.date:
    """By the clock: LSATS_TODAY is another day within one command that runs several."""
    return dt.datetime.now(settings.zone).date()


def _read(file: Path) -> Days:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Days)
    except FileNotFoundError:
        return Days()
    except (OSError, msgspec.DecodeError) as error:
        log.warning("⚠️ %s is no list of days (%s): only today is shown until a run", file, error)
        return Days()


def _rewrite(settings: HubSettings, change: Callable[[Days], Days]) -> None:
    """Replace the file in one step, one writer at a time, and only if that changes it."""
    file = days_file(settings)
    with _locked(file):
        before = _read(file)
        after = change(before)
        if after == before and file.exists():
            return
        part = file.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(after)) + b"\n")
        part.replace(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file.parent, os.O_RDONLY)  # the folder: a file for the lock alone would stay
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
