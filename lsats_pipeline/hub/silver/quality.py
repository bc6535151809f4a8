"""Running quality totals of a silver table, and the checks that follow from them.

Totals are counts per score and per flag. A run moves them by what it changed, so that the mean over
700,000 rows costs nothing on a day when 700 of them changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.core.rules import Result, Rule, combined, exceeds
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.rules import MASS_DISAPPEARANCE, REJECT_SHARE, REMOVALS, reject_share
from lsats_pipeline.hub.silver.completeness import LostRecords
from lsats_pipeline.hub.silver.scoring import INVALID_COST
from lsats_pipeline.hub.silver.spec import SqlModel, Table
from lsats_pipeline.warehouse import Counts, Run
from lsats_pipeline.warehouse.database import Connection

LOW = Decimal("0.70")
_MEASURE = sql.SQL("select data_quality_score::text, quality_flags, count(*) from {} group by 1, 2")

KEY_UNIQUE = Rule("key_unique", about="No two rows claim one key.", severity="error")
KEY_NOT_NULL = Rule("key_not_null", about="Every record has its key.")
QUALITY_MEAN = Rule(
    "quality_mean", about="The mean quality score is as good as the table declares."
)
QUALITY_LOW_SHARE = Rule("quality_low_share", about="Few enough rows score under 0.70.")
# Its threshold is a fall of the mean between two runs that deserves a look.
QUALITY_DROP = Rule(
    "quality_drop",
    about="The mean quality score has not fallen since the last run.",
    threshold=0.05,
)
NO_RECORD_LOST = Rule(
    "no_record_lost",
    about="Every record is in a row, or a flag or a reject says why it is in none.",
)
KEYS = Rule(
    "keys",
    about="Every record is in a row of its own.",
    parts=(KEY_UNIQUE, KEY_NOT_NULL, REJECT_SHARE, NO_RECORD_LOST),
)
# A SQL model rejects nothing; its rows vanish by its own doing, for those that it reads are there.
MODEL_KEYS = Rule("keys", about="Rows can be trusted.", parts=(KEY_UNIQUE, MASS_DISAPPEARANCE))
QUALITY = Rule(
    "quality",
    about="Rows are as good as the table declares.",
    parts=(QUALITY_MEAN, QUALITY_LOW_SHARE, QUALITY_DROP),
)


def rules_of(table: Table) -> tuple[Rule, ...]:
    """The checks of a table. Without a rule that costs anything all rows score 1.00."""
    scored = (QUALITY,) if any(rule.cost for rule in table.rules) else ()
    return (MODEL_KEYS, *scored) if isinstance(table, SqlModel) else (KEYS, *scored, REMOVALS)


@dataclass
class Totals:
    """How many rows have which score, and how many carry which flag."""

    scores: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.scores.total()

    @property
    def mean(self) -> float | None:
        """Mean score; None for an empty table."""
        if not self.rows:
            return None
        total = sum(Decimal(score) * count for score, count in self.scores.items())
        return float(total / self.rows)

    @property
    def low(self) -> int:
        """Rows with a score under 0.70."""
        return sum(count for score, count in self.scores.items() if Decimal(score) < LOW)

    def share(self, flag: str) -> float:
        """The share of rows with a flag."""
        return self.flags[flag] / self.rows if self.rows else 0.0

    def moved(self, plus: Totals, minus: Totals) -> Totals:
        """The totals after some rows came and others went."""
        scores, flags = self.scores.copy(), self.flags.copy()
        for own, new, old in (
            (scores, plus.scores, minus.scores),
            (flags, plus.flags, minus.flags),
        ):
            own.update(new)
            own.subtract(old)
        return Totals(+scores, +flags)


def measure(connection: Connection, rows: sql.Composable) -> Totals:
    """The totals of some rows: a FROM clause with score and flags in it. One scan."""
    totals = Totals()
    for score, flags, count in connection.execute(_MEASURE.format(rows)):
        totals.scores[score] += count
        totals.flags.update(dict.fromkeys(flags, count))
    return totals


def stored_totals(connection: Connection, table: Table) -> tuple[Totals, str] | None:
    """The table's totals, and the fingerprint of the declaration that its rows follow."""
    row = connection.execute(
        "select score_counts, flag_counts, fingerprint from meta.quality where table_name = %s",
        [table.name],
    ).fetchone()
    return (Totals(Counter(row[0]), Counter(row[1])), row[2]) if row else None


def store_totals(run: Run, table: Table, totals: Totals, fingerprint: str) -> None:
    """Keep the totals, in the transaction that wrote the rows."""
    run.connection.execute(
        "insert into meta.quality (table_name, run_id, fingerprint, row_count, mean_score,"
        " score_counts, flag_counts) values (%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (table_name) do update set run_id = excluded.run_id,"
        " fingerprint = excluded.fingerprint, row_count = excluded.row_count,"
        " mean_score = excluded.mean_score, score_counts = excluded.score_counts,"
        " flag_counts = excluded.flag_counts",
        [
            table.name,
            run.run_id,
            fingerprint,
            totals.rows,
            totals.mean,
            Jsonb(dict(totals.scores)),
            Jsonb(dict(totals.flags)),
        ],
    )


def evaluate_checks(
    table: Table,
    settings: HubSettings,
    counts: Counts,
    before: Totals,
    after: Totals,
    *,
    fan_out: int,
    shared_keys: int,
    lost: LostRecords,
    accept_removals: bool,
) -> tuple[Result, ...]:
    """The results of the table's rules (`rules_of`).

    `fan_out`: rows that the table's own SQL gave twice; `shared_keys`: keys written by this run
    that several records claim.
    """
    vanished = exceeds(counts.removed, before.rows, settings.lsats_hold_share)
    many_shared = exceeds(shared_keys, after.rows, settings.lsats_reject_share)
    remedy = "; correct them where they come from" if many_shared else ""
    results = (
        Result(
            KEY_UNIQUE,
            fan_out == 0 and not many_shared,
            f"{fan_out:,} rows came out twice, {shared_keys:,} keys are claimed by several"
            f" records{remedy}",
            values={"rows twice": fan_out, "shared keys": shared_keys},
        ),
        Result(
            KEY_NOT_NULL,
            counts.rejected == 0,
            f"{counts.rejected:,} records have no key and went to the rejects",
        ),
        reject_share(counts, settings, "the records themselves say why"),
        Result(NO_RECORD_LOST, not lost.number, lost.description, values={"lost": lost.number}),
        Result(
            MASS_DISAPPEARANCE,
            accept_removals or not vanished,
            f"{counts.removed:,} of {before.rows:,} rows would be removed"
            + "; if they are to go, run again with removals accepted" * vanished,
            values={
                "removed": counts.removed,
                "removed share": counts.removed / before.rows if before.rows else 0.0,
                "removed share at most": settings.lsats_hold_share,
            },
        ),
        *_check_scores(table, before, after),
    )
    found = {result.rule: result for result in results}
    return tuple(
        combined(
            rule,
            [found[part] for part in rule.parts],
            main_losses(table, after) if rule is QUALITY else "",
        )
        for rule in rules_of(table)
    )


def _check_scores(table: Table, before: Totals, after: Totals) -> Iterator[Result]:
    """How good the rows are, with the share of each flag."""
    mean, expected = after.mean, table.expected
    if mean is None:
        for rule in QUALITY.parts:
            yield Result(rule, True, "the table is empty" if rule is QUALITY_MEAN else "")
        return
    yield Result(
        QUALITY_MEAN,
        mean >= expected.mean,
        f"the mean score is {mean:.2f}, expected at least {expected.mean:.2f}",
        values={"mean": mean, "mean at least": expected.mean},
    )
    low_share = after.low / after.rows
    flags = {rule.name for rule in table.rules} | after.flags.keys()
    yield Result(
        QUALITY_LOW_SHARE,
        low_share <= expected.low_share,
        f"{low_share:.0%} of the rows score under {LOW}, expected at most {expected.low_share:.0%}",
        values={
            f"share under {LOW}": low_share,
            f"share under {LOW} at most": expected.low_share,
            **{f"share of {flag}": after.share(flag) for flag in sorted(flags)},
        },
    )
    drop = (before.mean or mean) - mean
    costs = _costs(table, after)
    grown = max(costs, key=lambda f: costs[f] * (after.share(f) - before.share(f)), default="")
    yield Result(
        QUALITY_DROP,
        drop <= QUALITY_DROP.threshold,
        f"the mean moved by {round(-drop, 3) + 0.0:+.3f} since the last run"
        + f"; what has grown most is {grown}" * (drop > QUALITY_DROP.threshold),
        values={"drop": drop, "drop at most": QUALITY_DROP.threshold},
    )


def main_losses(table: Table, totals: Totals) -> str:
    """What the rows' scores lack, for the most part: the flags that cost the table most."""
    losses = {flag: totals.flags[flag] * cost for flag, cost in _costs(table, totals).items()}
    whole, named, covered = sum(losses.values()), [], 0.0
    abouts = {rule.name: f" ({rule.about})" for rule in table.rules if rule.about}
    for flag in sorted(losses, key=lambda flag: (-losses[flag], flag)):
        if covered >= whole / 2:
            break
        covered += losses[flag]
        named.append(f"{flag} on {totals.share(flag):.0%} of the rows{abouts.get(flag, '')}")
    if not named:
        return ""
    return f"{covered / whole:.0%} of what scores lack is due to {', '.join(named)}"


def _costs(table: Table, totals: Totals) -> dict[str, float]:
    """What each flag costs a row, of those that cost anything."""
    costs = dict.fromkeys(totals.flags, INVALID_COST) | {r.name: r.cost for r in table.rules}
    return {flag: cost for flag, cost in costs.items() if cost}
