"""Whether anything in the hub is left for a person: failed, held back, waiting without end.

Read from the run log and the notes of the engines; each rule says how many, and names them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline.warehouse.status import AssetStatus, statuses

# Tries in a row after which a detail is no passing trouble: by then its source said no for a month.
_TRIES = 6
# Days without a run, or behind what it is made of.
_LATE_DAYS = 2
_SHOWN = 10

NONE_FAILED = Rule("none_failed", about="The last run of every stream and table ended well.")
NONE_HELD = Rule("none_held", about="No removal waits for a person to look at the source.")
NONE_UNREAD = Rule("none_unread", about="No document is set aside, and no record got lost.")
NONE_BEHIND = Rule(
    "none_behind",
    about=f"Every stream was read within {_LATE_DAYS} days, every table has used what was read.",
)
NONE_GIVEN_UP = Rule(
    "none_given_up", about=f"No detail could not be read {_TRIES} times in a row or more."
)
HEALTH_RULES = (NONE_FAILED, NONE_HELD, NONE_UNREAD, NONE_BEHIND, NONE_GIVEN_UP)


def health(connection: Connection, today: dt.date) -> Iterator[Result]:
    """A result for every rule."""
    found = [one for one in statuses(connection) if one.status != "never"]
    failed = [f"{s.asset}: {s.status}" for s in found if s.status in ("failed", "died")]
    yield _result(NONE_FAILED, failed, len(failed), len(found))
    held = [f"{s.asset}: {s.held:,}" for s in found if s.held]
    yield _result(NONE_HELD, held, sum(s.held for s in found), sum(s.processed or 0 for s in found))
    unread = [f"{s.asset}: {name}" for s in found for name in s.set_aside]
    lost = [f"{s.asset}: {s.lost:,} lost" for s in found if s.lost]
    count = len(unread) + sum(s.lost for s in found)
    yield _result(NONE_UNREAD, unread + lost, count, count)
    behind = list(_behind(found, today))
    yield _result(NONE_BEHIND, behind, len(behind), len(found))
    yield _given_up(connection)


def _behind(found: Sequence[AssetStatus], today: dt.date) -> Iterator[str]:
    for one in found:
        if one.day and (late := (today - one.day).days) > _LATE_DAYS:
            yield f"{one.asset}: last on {one.day}, {late} days ago"
        elif one.waiting:
            yield f"{one.asset}: {one.waiting} runs not used"


def _given_up(connection: Connection) -> Result:
    rows = connection.execute(
        "select source_system, entity_type, count(*) filter (where failures >= %s), count(*)"
        " from enrichment.fetches group by 1, 2 order by 1, 2",
        [_TRIES],
    ).fetchall()
    names = [f"{system}/{entity}: {failed:,}" for system, entity, failed, _ in rows if failed]
    return _result(NONE_GIVEN_UP, names, sum(r[2] for r in rows), sum(r[3] for r in rows))


def _result(rule: Rule, names: Sequence[str], broken: int, rows: int) -> Result:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    text = "; ".join(names[:_SHOWN]) + more if names else "none"
    return Result(rule, not broken, text, rows, broken, values={"left": broken, "of": rows})
