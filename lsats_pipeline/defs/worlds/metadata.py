"""Metadata of a synthetic table: its columns, what a run did, its score, a sample, its shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import dagster as dg
import sqlalchemy as sa
from psycopg import sql

from lsats_pipeline.core.rules import Result
from lsats_pipeline.defs.code_references import code_references
from lsats_pipeline.defs.drawing import FAINT, INK, as_markdown, framed, rect, text
from lsats_pipeline.defs.markdown import in_rows
from lsats_pipeline.defs.sample_tables import ROWS, Sample, in_table
from lsats_pipeline.synthetic.parts import Destination
from lsats_pipeline.synthetic.report import SeedReport, TableReport
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets.ledger import seeded
from lsats_pipeline.synthetic.validation import Results, rules_of
from lsats_pipeline.warehouse.database import Connection, connect

_WIDTH, _ROW, _TOP = 760, 18, 44
_NAME_RIGHT, _BARS_LEFT, _BARS_RIGHT = 220, 230, 640
_MOST_LABELS, _MOST_PICTURES = 16, 4
_MOST_COLUMNS = 8
_WANTED, _FOUND = "#cbd5e0", "#2b6cb0"
_BETWEEN = 30


def about(world: World, table: WorldTable) -> str:
    """The table in a sentence."""
    return f"{table.about[0].upper()}{table.about[1:]}; made up, of the world {world.name}."


def defined(world: World, table: WorldTable) -> Mapping[str, Any]:
    """What is known before anything has run."""
    rules = [[f"`{rule.name}`", rule.weight, rule.about] for rule in rules_of(table)]
    return {
        "dagster/table_name": f"{world.name}.{table.name}",
        "dagster/column_schema": dg.TableSchema([_column(c) for c in table.table.columns]),
        **code_references(table.place),
        "rules": dg.MetadataValue.md(in_rows(["rule", "weight", "holds that"], rules)),
    }


def recorded(
    world: World,
    table: WorldTable,
    options: WorldOptions,
    where: Destination,
    report: SeedReport | None,
    found: Results | None,
) -> dict[str, Any]:
    """What one run did to the table, and how it is now; no report where it had nothing to make."""
    made = {"rows made": 0} if report is None else _made(report.table(table.name), report.seconds)
    pictures = shares_picture(found) if found else ""
    return {
        **made,
        **(_table_state(world, table, where.url) if where.in_database else {}),
        **({"score": round(found.score, 3)} if found else {}),
        **({"folder": dg.MetadataValue.path(str(where.folder))} if where.to != "db" else {}),
        "options": dg.MetadataValue.json(options.model_dump(mode="json")),
        **({"shares": dg.MetadataValue.md(pictures)} if pictures else {}),
    }


def _made(done: TableReport, seconds: float) -> dict[str, Any]:
    return {
        "rows made": done.rows,
        "new": done.counts.created,
        "changed": done.counts.updated,
        "unchanged": done.counts.unchanged,
        "set aside": done.counts.rejected,
        "seconds": round(seconds, 3),
        "rows per second": round(done.rate),
        "sha256": done.sha256,
    }


def _table_state(world: World, table: WorldTable, url: str) -> dict[str, Any]:
    """The table as it is in the database, whoever made its rows."""
    with connect(url) as connection:
        state = seeded(connection, world.name).get(table.name)
        rows = sample(connection, world, table) if state else None
    if state is None:
        return {"dagster/row_count": 0, "blocks": 0}
    return {
        "dagster/row_count": state.rows + state.strangers,
        "sha256": state.sha256,
        "blocks": state.blocks,
        **({"sample": rows} if rows else {}),
    }


def sample(connection: Connection, world: World, table: WorldTable) -> Sample | None:
    """The first rows as they are stored: nobody in a world is real."""
    columns = [*table.table.columns][:_MOST_COLUMNS]
    rows = connection.execute(
        sql.SQL("select {} from {} limit {}").format(
            sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
            sql.Identifier(world.name, table.name),
            ROWS,
        )
    ).fetchall()
    return in_table([_column(column) for column in columns], rows)


def shares_picture(found: Results) -> str:
    """Markdown with a drawing of each distribution: what was wanted, what was found."""
    measured = [result for result in found if result.values]
    return "\n\n".join(as_markdown(r.label, _drawn(r)) for r in measured[:_MOST_PICTURES])


def _drawn(result: Result) -> str:
    shares = dict(islice(result.values.items(), _MOST_LABELS))
    height = _TOP + len(shares) * _ROW + _BETWEEN
    title = f"{result.name}: wanted (grey) and found"
    parts = [text(16, 26, title, 15, INK), *_bars(shares)]
    left = len(result.values) - len(shares)
    if left:
        parts.append(
            text(16, height - 12, f"and {left} more, closer to what was wanted", 12, FAINT)
        )
    return framed(title, _WIDTH, height, parts)


def _bars(shares: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    most = max((max(pair) for pair in shares.values()), default=0.0) or 1.0
    scale = (_BARS_RIGHT - _BARS_LEFT) / most
    for i, (label, (wanted, found)) in enumerate(shares.items()):
        top = _TOP + i * _ROW
        yield text(_NAME_RIGHT, top + 11, label[:32], 12, INK, "end")
        yield rect(_BARS_LEFT, top, max(wanted * scale, 1), 14, _WANTED)
        yield rect(_BARS_LEFT, top + 4, max(found * scale, 1), 6, _FOUND)
        label = f"{100 * found:.2f} % ({100 * (found - wanted):+.2f})"
        yield text(_WIDTH - 16, top + 11, label, 12, FAINT, "end")


def _column(column: sa.Column[Any]) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        str(column.type).lower(),
        column.comment or _origin(column),
        dg.TableColumnConstraints(nullable=bool(column.nullable), unique=bool(column.unique)),
    )


def _origin(column: sa.Column[Any]) -> str | None:
    keys = [f"{key.column.table.name}.{key.column.name}" for key in column.foreign_keys]
    return f"one of {keys[0]}" if keys else None
