"""What must hold of every campus, on whatever day, and how silver fares against its labels.

tables of the campus ─▶ a query a rule ─▶ Results       labels, silver.quality_flags ─▶ FlagScore
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from lsats_pipeline.campus.facts import TABLES
from lsats_pipeline.campus.world import CampusState
from lsats_pipeline.core.rules import Result, Rule

Connection = psycopg.Connection[Any]
_EXAMPLES = 5


@dataclass(frozen=True)
class CampusRule(Rule):
    """No row of any table may break it. `tables`: none for all; `broken`: SQL of those that do."""

    broken: str
    tables: tuple[str, ...] = ()


class Reference(NamedTuple):
    """A column that names a row of another table."""

    table: str
    column: str
    parent: str


REFERENCES = (
    Reference("appointments", "person_id", "people"),
    Reference("group_members", "group_key", "groups"),
    Reference("group_owners", "group_key", "groups"),
    Reference("lab_members", "pi_uniqname", "labs"),
    Reference("lab_computers", "pi_uniqname", "labs"),
    Reference("lab_computers", "machine_id", "computers"),
    Reference("machine_records", "machine_id", "computers"),
)
RULES = (
    CampusRule(
        "intervals",
        "select {key} as label from campus.{table}, campus.world"
        " where valid_from > world.day or valid_to <= valid_from or valid_to > world.day",
        about="rows begin before they end, and nothing lies after the campus's day",
        severity="error",
    ),
    CampusRule(
        "one_version_at_a_time",
        "select label from (select {key} as label, valid_from,"
        " lag(coalesce(valid_to, 'infinity')) over (partition by {keys} order by valid_from)"
        " as before from campus.{table}) as versions where before > valid_from",
        about="on every day there is one version of a thing",
        severity="error",
    ),
    CampusRule(
        "references",
        "select {column}::text as label from campus.{table} as child, campus.world"
        " where child.valid_to is null and not exists (select from campus.{parent} as other"
        " where other.{column} = child.{column} and other.valid_to is null)",
        tables=tuple(dict.fromkeys(reference.table for reference in REFERENCES)),
        about="what a current row names is there today",
        severity="error",
    ),
    CampusRule(
        "population",
        "select 'person ' || number as label from generate_series(0, %(population)s - 1) as number"
        " where not exists (select from campus.people where person_id = number)",
        tables=("people",),
        about="everybody whom the seed foretells is there",
        severity="error",
    ),
)


# Silver tables whose flags the campus foretells, and the column that a label's subject is.
SUBJECTS = {
    "tdx_departments": "tdx_id",
    "umapi_departments": "dept_id",
    "umapi_employees": "external_id",
    "tdx_users": "tdx_user_uid",
    "mcommunity_users": "uniqname",
    "ad_users": "ad_user_guid",
    "tdx_assets": "tdx_asset_id",
    "mcommunity_groups": "gid_number",
    "ad_groups": "ad_group_guid",
    "ad_computers": "object_guid",
    "keyconfigure_cards": "external_id",
    "keyconfigure_computers": "computer_id",
    "lab_awards": "external_id",
    "departments": "dept_id",
    "users": "uniqname",
    "groups": "group_key",
}


class FlagScore(NamedTuple):
    """Flags of silver against the labels of the same day: raised rightly, missed, false alarms."""

    right: int
    missed: int
    false: int

    @property
    def recall(self) -> float:
        """The share of the placed defects that were flagged."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def precision(self) -> float:
        """The share of the flags that are of placed defects."""
        return self.right / (self.right + self.false) if self.right + self.false else 1.0


def evaluate(connection: Connection, state: CampusState) -> list[Result]:
    """How every rule fares over all rows of the campus."""
    campus = state.campus
    values = {"population": campus.population(campus.day(state.day))}
    return [_evaluated(connection, rule, values) for rule in RULES]


def row_counts(connection: Connection) -> dict[str, int]:
    """Current rows of every table."""
    counts = sql.SQL(" union all ").join(
        sql.SQL("select {}, count(*) filter (where valid_to is null), count(*) from {}").format(
            sql.Literal(table.name), sql.Identifier("campus", table.name)
        )
        for table in TABLES
    )
    return {name: current for name, current, _ in connection.execute(counts).fetchall()}


def flag_scores(connection: Connection, day: dt.date) -> dict[str, FlagScore]:
    """For each labelled silver table how its flags compare with the campus's labels of a day.

    Flags of which the campus knows nothing are left out.
    """
    statement = files(__package__).joinpath("flag_score.sql").read_text("utf-8")
    scores = {}
    for table, subject in SUBJECTS.items():
        query = sql.SQL(statement).format(
            silver=sql.Identifier("silver", table), subject=sql.Identifier(subject)
        )
        row = connection.execute(query, {"table": table, "day": day}).fetchone()
        scores[table] = FlagScore(*row) if row else FlagScore(0, 0, 0)
    return scores


def _evaluated(connection: Connection, rule: CampusRule, values: dict[str, int]) -> Result:
    rows = broken = 0
    examples = list[str]()
    for table in TABLES:
        if rule.tables and table.name not in rule.tables:
            continue
        for query in _queries(rule, table.name, table.key):
            found = sql.SQL("select count(*), (array_agg(label))[:{}] from ({}) as broken").format(
                sql.Literal(_EXAMPLES), query
            )
            row = connection.execute(found, values).fetchone()
            assert row is not None
            broken += row[0]
            examples += [f"{table.name} {label}" for label in row[1] or ()]
        total = sql.SQL("select count(*) from {}").format(sql.Identifier("campus", table.name))
        rows += connection.execute(total).fetchall()[0][0]
    return Result(rule, not broken, "", rows, broken, examples[:_EXAMPLES])


def _queries(rule: CampusRule, table: str, key: Sequence[str]) -> list[sql.Composed]:
    """The rule's query for a table; for each of its references where the rule is about those."""
    keys = sql.SQL(", ").join(map(sql.Identifier, key))
    names = {
        "table": sql.Identifier(table),
        "keys": keys,
        "key": sql.SQL("concat_ws(' ', {})").format(keys),
    }
    text = sql.SQL(rule.broken)
    if "{parent}" not in rule.broken:
        return [text.format(**names)]
    return [
        text.format(**names, column=sql.Identifier(one.column), parent=sql.Identifier(one.parent))
        for one in REFERENCES
        if one.table == table
    ]
