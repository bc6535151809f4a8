"""The metadata of an asset's definition and of one materialisation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.code_references import code_references
from lsats_pipeline.defs.hub.metadata.columns import column_lineage, schema
from lsats_pipeline.defs.hub.metadata.pictures import quality_picture
from lsats_pipeline.defs.hub.metadata.samples import sample
from lsats_pipeline.defs.hub.metadata.subject import Subject
from lsats_pipeline.defs.markdown import in_rows
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.silver.quality import Totals, stored_totals
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.warehouse import Warehouse

Metadata = dict[str, Any]


def defined(subject: Subject) -> Mapping[str, Any]:
    """What is known before anything has run."""
    return {
        "dagster/table_name": subject.sql_name,
        "dagster/column_schema": schema(subject),
        **code_references(subject.place),
        **({"flags": _flags(subject.table)} if subject.table and subject.table.rules else {}),
        **({"dagster/column_lineage": column_lineage(subject.table)} if subject.table else {}),
    }


def recorded(
    hub: Hub, subject: Subject, reports: Sequence[Report], *, brief: bool = False
) -> Metadata:
    """What one run did to the asset, over one day or several; `brief`: without what is large.

    What does not change from run to run stands with the definition alone.
    """
    last, warehouse, table = reports[-1], hub.warehouse, subject.table
    state = _landed(warehouse, subject) if table is None else _built(warehouse, table)
    rows = sample(warehouse, subject, last) if last.run_id and not brief else None
    return {
        "day": _days([report.day for report in reports]),
        **({} if is_left_out(last) else _counts(reports)),
        **state,
        **({"sample": rows} if rows else {}),
        **({"note": last.note} if last.note else {}),
        **({"configured": False} if is_left_out(last) else {}),
        "seconds": round(sum(report.seconds for report in reports), 3),
        **({"run id": str(last.run_id)} if last.run_id else {}),
    }


def is_left_out(report: Report) -> bool:
    """Whether nothing was read because the site has not configured the source."""
    return report.metadata.get("configured") is False


def _counts(reports: Sequence[Report]) -> Metadata:
    def total(name: str) -> int:
        return sum(getattr(report.counts, name) for report in reports)

    return {
        "new": total("created"),
        "changed": total("updated"),
        "unchanged": total("skipped"),
        "removed": total("removed"),
        "rejected": total("rejected"),
        "dagster/partition_row_count": sum(report.counts.changed for report in reports),
    }


def _landed(warehouse: Warehouse, subject: Subject) -> Metadata:
    live = warehouse.query(
        "select count(*) from bronze.heads where source_system = %s and entity_type = %s"
        " and not is_removed",
        [subject.source_system, subject.entity_type],
    )
    rejects = warehouse.query(
        "select reason, count(*) from meta.rejects where layer = %s and entity = %s"
        " and resolution = 'open' group by reason order by reason",
        [subject.layer, subject.name],
    )
    return {
        "dagster/row_count": live[0][0],
        **({"open rejects": dict(rejects)} if rejects else {}),
    }


def _built(warehouse: Warehouse, table: Table) -> Metadata:
    with warehouse.connection() as connection:
        totals = (stored_totals(connection, table) or (Totals(), ""))[0]
    notes = frozenset(rule.name for rule in table.rules if rule.severity == "note")
    return {
        "dagster/row_count": totals.rows,
        **({} if totals.mean is None else {"mean quality": round(totals.mean, 4)}),
        "quality": dg.MetadataValue.md(quality_picture(f"silver.{table.name}", totals, notes)),
    }


def _flags(table: Table) -> dg.MarkdownMetadataValue:
    """What a row may be marked with, and what that costs its score."""
    lines = [
        [f"`{rule.name}`", f"−{rule.cost:.2f}" if rule.cost else "note", rule.about]
        for rule in table.rules
    ]
    return dg.MetadataValue.md(in_rows(["flag", "score", "when"], lines))


def _days(days: Sequence[dt.date]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} … {days[-1]}"
