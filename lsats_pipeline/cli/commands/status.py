"""`lsats status`, `doctor`, `history`: looking at the hub without changing it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from lsats_pipeline.cli.options import (
    NOTHING_YET,
    AsJson,
    a_moment,
    examples,
    inspect_existing_hub,
    inspect_hub,
)
from lsats_pipeline.cli.output import cut, exact, note, say, say_json, say_table
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.core.diagnosis import Finding
    from lsats_pipeline.hub.silver.history import History, RowVersion
    from lsats_pipeline.warehouse.status import AssetStatus

_NUMBERS = "new, changed, same, removed, rejected, seconds, waiting, open rejects, rows, quality"
_MARKS = {"ok": "✅", "note": "i ", "failed": "❌"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("lsats status", "lsats status --json"))(status)
    app.command(epilog=examples("lsats doctor"))(doctor)
    app.command(
        epilog=examples("lsats history users jdoe", "lsats history departments 170000 --json")
    )(history)


def status(as_json: AsJson = False) -> None:
    """Per stream and table: last run, day, counts, waiting runs, rejects, quality."""
    from lsats_pipeline.warehouse.status import statuses

    today = load(HubSettings).today()
    with inspect_hub() as warehouse:
        if warehouse is None:
            found = []
        else:
            with warehouse.connection() as connection:
                found = statuses(connection)
    if as_json:
        say_json([asset.as_json(today) for asset in found])
    elif not found:
        say(NOTHING_YET)
    else:
        _show_status(found, today)


def doctor(as_json: AsJson = False) -> None:
    """Look at configuration, database, disk, memory and every source; say what to do."""
    from lsats_pipeline.campus.simulation import SimulatedCampus
    from lsats_pipeline.core.diagnosis import exit_code_of
    from lsats_pipeline.hub.doctor import examine
    from lsats_pipeline.mrf.settings import settings_findings

    found: list[Finding] = []
    for finding in examine(SimulatedCampus(), [settings_findings]):
        found.append(finding)
        if not as_json:
            _show_finding(finding)
    if as_json:
        say_json([vars(finding) for finding in found])
    raise typer.Exit(exit_code_of(found))


def history(
    table: Annotated[str, typer.Argument(help="A silver table: users, departments, tdx_users ...")],
    key: Annotated[str, typer.Argument(help="The row: a uniqname, a department id ...")],
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(parser=a_moment, metavar="TIME", help="Only as it was then (end of a day)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Versions of one thing, what changed between them, and the source of each value."""
    from lsats_pipeline.hub.silver.history import histories, table_named
    from lsats_pipeline.hub.silver.tables import SILVER_TABLES

    declared = table_named(table, SILVER_TABLES)
    with inspect_existing_hub() as warehouse, warehouse.connection() as connection:
        found = histories(connection, declared, key)
    zone = load(HubSettings).zone
    moment = as_of if as_of is None or as_of.tzinfo else as_of.replace(tzinfo=zone)
    if as_json:
        say_json([_history_json(one, moment) for one in found])
    else:
        for one in found:
            _show_history(one, moment, zone)


def _show_status(found: list[AssetStatus], today: dt.date) -> None:
    say_table(
        (
            "asset",
            "status",
            "day",
            "new",
            "changed",
            "same",
            "removed",
            "rejected",
            "seconds",
            "waiting",
            "open rejects",
            "rows",
            "quality",
            "look",
        ),
        (
            (
                a.asset,
                a.status,
                a.day,
                a.created,
                a.updated,
                a.skipped,
                a.removed,
                a.rejected,
                f"{a.seconds:.1f}" if a.seconds is not None else "",
                a.waiting,
                a.open_rejects,
                a.rows,
                a.mean_quality,
                " ".join(a.marks(today)),
            )
            for a in found
        ),
        right=_NUMBERS,
    )
    for asset in found:
        if asset.status == "failed" and asset.error:
            note(f"{asset.asset} failed: {cut(asset.error, 200)}")
        for file, cause in asset.set_aside.items():
            note(f"{asset.asset} set {file} aside: {cause}")
        if asset.lost:
            some = ", ".join(asset.lost_examples)
            note(
                f"{asset.asset}: {asset.lost:,} records are in no row, and no flag says why: {some}"
            )
        if asset.held:
            note(
                f"{asset.asset}: {asset.held:,} removals are held; look at the source, then"
                f" `lsats run bronze --entity {asset.entity} --accept-removals`"
            )


def _show_finding(finding: Finding) -> None:
    say(f"{_MARKS[finding.state]} {finding.area:9} {finding.name}: {finding.text}")
    if finding.remedy:
        say(f"   {'':9} ▶ {finding.remedy}")


def _history_json(one: History, moment: dt.datetime | None) -> dict[str, Any]:
    versions = [one.as_of(moment)] if moment else one.versions
    return {
        "table": one.table,
        "key": one.key,
        "removed_at": one.removed_at,
        "versions": [_version_json(version) for version in versions],
    }


def _version_json(version: RowVersion) -> dict[str, Any]:
    return {
        **vars(version),
        "evidence": {name: vars(e) for name, e in version.evidence.items()},
        "changes": [vars(change) for change in version.changes],
    }


def _show_history(one: History, moment: dt.datetime | None, zone: ZoneInfo) -> None:
    chosen = one.as_of(moment) if moment else one.versions[-1]
    number = one.versions.index(chosen) + 1
    which = f"version {number} of {len(one.versions)}"
    say(f"silver.{one.table} {one.key}: {which}, {_span(chosen, zone)}")
    _show_values(chosen)
    _show_evidence(chosen)
    if moment:
        return
    for version in reversed(one.versions):
        if version.changes:
            say()
            say(f"changed at {_local(version.valid_from, zone)} (run {version.run_id})")
            say_table(
                ("column", "before", "after", "source"),
                (
                    (c.column, cut(exact(c.before), 40), cut(exact(c.after), 40), c.source)
                    for c in version.changes
                ),
            )


def _span(version: RowVersion, zone: ZoneInfo) -> str:
    begins = f"from {_local(version.valid_from, zone)}"
    if version.valid_to is None:
        return f"{begins}, still so"
    return f"{begins} until {_local(version.valid_to, zone)}"


def _local(moment: dt.datetime, zone: ZoneInfo) -> str:
    """A time as the hub's days have it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _show_values(version: RowVersion) -> None:
    say_table(
        ("column", "value", "source"),
        (
            (name, cut(exact(value), 70), version.sources.get(name, ""))
            for name, value in version.values.items()
            if value is not None
        ),
    )


def _show_evidence(version: RowVersion) -> None:
    say()
    say_table(
        ("source", "stream", "record", "day", "bronze raw_id", "run"),
        (
            (name, e.stream, e.external_id, e.day, e.raw_id, e.run_id)
            for name, e in version.evidence.items()
        ),
        title="worked out from",
    )
