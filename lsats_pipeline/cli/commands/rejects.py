"""`lsats rejects`: what could not be used, and trying it again once the cause is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from lsats_pipeline.cli.options import AsJson, examples, inspect_existing_hub, inspect_hub
from lsats_pipeline.cli.output import cut, note, say, say_json, say_table
from lsats_pipeline.core.errors import ConfigurationError

if TYPE_CHECKING:
    from lsats_pipeline.core.report import Report
    from lsats_pipeline.hub.hub import Hub
    from lsats_pipeline.warehouse.rejects import Reject

app = typer.Typer(help="What could not be used, with its reason.", no_args_is_help=True)

STILL_REJECTED = 3
StreamName = Annotated[
    str | None,
    typer.Option("--stream", help="Only of this stream or table: tdx_user, enrichment/tdx_user."),
]


def an_id(text: str | UUID) -> UUID:
    """The id of a reject."""
    try:
        return UUID(str(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no id; `lsats rejects list` shows them") from None


@app.command(
    "list", epilog=examples("lsats rejects list", "lsats rejects list --reason invalid_utf8 --all")
)
def list_(
    stream: StreamName = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List open rejects, the last seen first."""
    from lsats_pipeline.warehouse.rejects import find, open_counts

    with inspect_hub() as warehouse:
        if warehouse is None:
            found, counts = [], []
        else:
            with warehouse.connection() as connection:
                found = find(connection, asset=stream, reason=reason, resolved=every, limit=limit)
                counts = open_counts(connection)
    if as_json:
        say_json([{"asset": r.asset, **vars(r)} for r in found])
    elif not found:
        say("no rejects" if every else "no open rejects")
    else:
        _show_list(found, counts, limit)


@app.command(epilog=examples("lsats rejects show 0199b7a4-6d6e-7c3e-9d4f-2f1f6f0a5c11"))
def show(
    reject_id: Annotated[UUID, typer.Argument(parser=an_id, metavar="ID", help="From the list.")],
    as_json: AsJson = False,
) -> None:
    """Show one reject with its payload, decoded as far as it can be."""
    from lsats_pipeline.warehouse.rejects import one, readable

    with inspect_existing_hub() as warehouse, warehouse.connection() as connection:
        reject, payload = one(connection, reject_id)
    facts = {"asset": reject.asset, **vars(reject)}
    if as_json:
        say_json({**facts, "payload": readable(payload)})
        return
    say_table(("", "value"), facts.items())
    if payload is None:
        say(f"no payload of its own: look at bronze row {reject.raw_id}")
    else:
        note("The payload below is a person's or department's record: handle it as such.")
        say_json(readable(payload))


@app.command(epilog=examples("lsats rejects replay", "lsats rejects replay --stream tdx_user"))
def replay(
    ids: Annotated[
        list[UUID] | None,
        typer.Option("--id", parser=an_id, metavar="ID", help="Only this one; may be repeated."),
    ] = None,
    stream: StreamName = None,
    as_json: AsJson = False,
) -> None:
    """Try open rejects again: land records again, build silver tables with rejects in full."""
    from lsats_pipeline.campus.simulation import SimulatedCampus
    from lsats_pipeline.hub.hub import open_hub
    from lsats_pipeline.warehouse.rejects import find

    with open_hub(simulation=SimulatedCampus()) as hub:
        with hub.warehouse.connection() as connection:
            waiting = find(connection, asset=stream)
        if ids:
            waiting = [reject for reject in waiting if reject.reject_id in set(ids)]
            _refuse_missing(ids, waiting)
        reports = list(_replayed(hub, waiting, by_id=bool(ids)))
    _say_reports(reports, as_json)
    if any(report.counts.rejected for report in reports):
        raise typer.Exit(STILL_REJECTED)


def _replayed(hub: Hub, waiting: list[Reject], *, by_id: bool) -> Iterator[Report]:
    from lsats_pipeline.hub.bronze.replay import replay as land_again
    from lsats_pipeline.hub.silver.tables import SILVER_TABLES
    from lsats_pipeline.hub.sources import SOURCES

    streams = {("bronze", s.name): s for source in SOURCES for s in source.streams}
    details = {("enrichment", d.of.name): d for source in SOURCES for d in source.details}
    tables = {("silver", t.name): t for t in SILVER_TABLES}
    for asset in sorted({(r.layer, r.entity) for r in waiting}):
        mine = [r.reject_id for r in waiting if (r.layer, r.entity) == asset]
        chosen = mine if by_id else None
        if declared := streams.get(asset) or details.get(asset):
            yield land_again(hub.warehouse, hub.settings, declared, chosen)
        elif table := tables.get(asset):
            yield hub.build(table, full=True)
        else:
            note(f"{'/'.join(asset)} is not declared any more; its rejects stay")


def _refuse_missing(ids: list[UUID], waiting: list[Reject]) -> None:
    if missing := set(ids) - {reject.reject_id for reject in waiting}:
        raise ConfigurationError(
            f"not among the open rejects: {', '.join(map(str, sorted(missing)))}"
        )


def _say_reports(reports: list[Report], as_json: bool) -> None:
    if as_json:
        say_json([{"asset": str(r.asset), "run_id": r.run_id, **r.metadata} for r in reports])
    elif not reports:
        say("nothing to replay")
    else:
        for report in reports:
            say(report.line)
        note("What landed flows on with the next `lsats run`.")


def _show_list(found: list[Reject], counts: list[tuple[str, str, int]], limit: int) -> None:
    say_table(
        ("id", "asset", "external id", "reason", "detail", "tries", "last seen", "resolution"),
        (
            (
                r.reject_id,
                r.asset,
                cut(r.external_id or "", 40),
                r.reason,
                cut(r.detail, 50),
                r.attempts,
                r.last_seen,
                r.resolution,
            )
            for r in found
        ),
        right="tries",
    )
    total = sum(number for _, _, number in counts)
    if len(found) == limit < total:
        note(f"{total:,} are open; --limit shows more than {limit}")
