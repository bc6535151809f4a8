"""The simulated campus: one asset, created or advanced to a day, that the simulators then serve."""

# No postponed annotations here: Dagster reads those of asset functions as they stand.

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from lsats_pipeline.campus import lifecycle
from lsats_pipeline.campus.rules import RULES, evaluate, flag_scores, row_counts
from lsats_pipeline.campus.simulation import settled_campus
from lsats_pipeline.core.declaration import place
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.code_references import code_references
from lsats_pipeline.defs.failures import RETRIES, StepResult, as_dagster_failure
from lsats_pipeline.defs.logs import log_to_run
from lsats_pipeline.defs.owners import owners
from lsats_pipeline.defs.worlds.campus_options import CampusResource
from lsats_pipeline.warehouse.database import Connection

_KEY = dg.AssetKey(["campus", "world"])
# Below this share of rightly raised flags silver does not say what the campus means.
_LEAST = 0.99
_DAY_OF_SILVER = (
    "select max(partition_key) from meta.ingestion_runs"
    " where layer = 'silver' and entity = 'users' and status = 'completed'"
)
_DESCRIPTION = (
    "The campus that the simulators serve, and what six systems know of it.\n\n"
    "People, machines and labs, intended defects and the flags that must follow. Run it to create"
    " the campus or to advance it to a day."
)
_COLUMNS = (
    ("seed", "bigint", "what it is made from"),
    ("people", "integer", "how many there were on its first day"),
    ("first_day", "date", "the day that it began on"),
    ("day", "date", "the day that it is at"),
    ("served_day", "date", "the day that the simulators serve"),
    ("wanted_machines", "integer", "0: as many as suit the people"),
)


@dg.asset(
    key=_KEY,
    group_name="campus",
    kinds={"synthetic", "postgres"},
    owners=owners("campus"),
    tags={"layer": "synthetic", "source": "campus"},
    description=_DESCRIPTION,
    metadata={
        "dagster/table_name": "campus.world",
        "dagster/column_schema": dg.TableSchema([dg.TableColumn(*column) for column in _COLUMNS]),
        **code_references(place()),
    },
    retry_policy=RETRIES,
    required_resource_keys={"campus_options"},
    check_specs=[check_spec(_KEY, rule, description=f"{rule.about}.") for rule in RULES],
)
def campus_world(context: dg.AssetExecutionContext) -> Iterator[StepResult]:
    """Create the campus, or advance it to the day of the run."""
    chosen: CampusResource = context.resources.campus_options
    people, seed, day = chosen.wanted
    with as_dagster_failure(), log_to_run(context):
        settled_campus(chosen.warehouse, people=people, seed=seed, first_day=day)
        with chosen.warehouse.owner() as connection:
            lifecycle.advance(connection, day)
            state = _state(connection)
            results, counts = evaluate(connection, state), row_counts(connection)
    yield dg.MaterializeResult(
        metadata={
            "people": state.people,
            "seed": state.seed,
            "first day": state.first_day.isoformat(),
            "day": state.day.isoformat(),
            "dagster/row_count": sum(counts.values()),
            **{f"rows of {table}": rows for table, rows in counts.items()},
        }
    )
    for result in results:
        numbers = {"rows": result.rows, "violations": result.broken}
        yield check_result(_KEY, result, description=result.line, metadata=numbers)


@dg.asset_check(
    asset=_KEY,
    name="flags_of_silver",
    description="Silver raises the flags that the campus means, and no others. Run it after a day"
    " of the hub.",
    required_resource_keys={"campus_options"},
)
def flags_of_silver(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """The flags of silver against the labels of the campus, on the last day that silver shows."""
    chosen: CampusResource = context.resources.campus_options
    with as_dagster_failure(), chosen.warehouse.owner() as connection:
        _state(connection)
        day = _last_day(connection)
        scores = flag_scores(connection, day)
    right = sum(score.right for score in scores.values())
    missed = sum(score.missed for score in scores.values())
    false = sum(score.false for score in scores.values())
    recall, precision = right / max(1, right + missed), right / max(1, right + false)
    worst = min(scores, key=lambda name: min(scores[name].recall, scores[name].precision))
    return dg.AssetCheckResult(
        passed=min(recall, precision) >= _LEAST,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{right:,} flags as meant on {day}, {missed:,} missed, {false:,} false alarms;"
        f" least of {worst}",
        metadata={
            "recall": round(recall, 4),
            "precision": round(precision, 4),
            "missed": missed,
            "false alarms": false,
            **{f"recall of {name}": round(score.recall, 4) for name, score in scores.items()},
        },
    )


def _last_day(connection: Connection) -> dt.date:
    """The day that silver shows: the campus may be ahead of it."""
    made = connection.execute("select to_regclass('meta.ingestion_runs')").fetchone()
    row = connection.execute(_DAY_OF_SILVER).fetchone() if made != (None,) else None
    if row is None or row[0] is None:
        raise ConfigurationError("silver is not built yet: run a day of the hub first")
    day: dt.date = row[0]
    return day


def _state(connection: Connection) -> lifecycle.CampusState:
    state = lifecycle.world(connection)
    if state is None:
        raise ConfigurationError("there is no campus in this database: run campus/world first")
    return state
