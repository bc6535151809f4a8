"""`lsats mrf find`, `fetch`, `providers`, `hosts`: price files to this disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsats_pipeline.cli.options import AsJson, examples, inspect_hub
from lsats_pipeline.cli.output import cut, note, program, say, say_json, say_table
from lsats_pipeline.core.errors import ConfigurationError, LsatsError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.mrf.settings import MrfSettings

if TYPE_CHECKING:
    from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, IngestOutcome, Progress
    from lsats_pipeline.mrf.sources.catalog import CatalogEntry, FileVersion
    from lsats_pipeline.mrf.sources.discovery import Discovery
    from lsats_pipeline.mrf.sources.download import RawFile
    from lsats_pipeline.mrf.sources.transfer import Watch
    from lsats_pipeline.mrf.status import FileStatus
    from lsats_pipeline.warehouse import Warehouse

_COUNTED = ("entries", "new", "changed", "unsupported", "malformed")
_MAX_LISTED = 20
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("lsats mrf find https://files.example.com/2026-11-01_index.json",
                                "lsats mrf find inbox/ files.txt --dry-run"))(find)  # fmt: skip
    app.command(
        epilog=examples("lsats mrf fetch 2026-11-01_payer_in-network-rates",
                        "lsats mrf fetch --due --match '*in-network*' --limit 10")
    )(fetch)  # fmt: skip
    app.command(epilog=examples("lsats mrf providers 2026-11-01_payer_in-network-rates"))(providers)
    app.command(epilog=examples("lsats mrf hosts", "lsats mrf hosts --reset a.example.com:443"))(
        hosts
    )


def find(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Tables of contents, folders, lists or files; default LSATS_MRF_SOURCES.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read unchanged lists too.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Read lists of price files into the catalogue; say what is new, changed and to be fetched."""
    from lsats_pipeline.mrf.sources.discovery import find as look

    # A person asks now: how lately a tick has asked is nothing to them.
    settings = load(MrfSettings, ask_minutes=0)
    named = sources or settings.source_list
    if not named:
        raise ConfigurationError("name a source, or set LSATS_MRF_SOURCES (see .env.example)")
    home = load(HubSettings).lsats_home
    with _catalogue() as warehouse:
        found = look(warehouse, settings, home, named, again=again, dry_run=dry_run)
    say_json(_found_json(found)) if as_json else _say_found(found)
    return found.errors[0][1].exit_code if found.errors else 0


def fetch(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY|ADDRESS...", help="Files of the catalogue, or new ones."),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Everything that is to be fetched.")] = False,
    match: Annotated[
        str, typer.Option(help="With --due: keys or addresses like this, with * for anything.")
    ] = "*",
    plan: Annotated[str, typer.Option(help="With --due: only what is listed for this plan.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 0,
    parallel: Annotated[int, typer.Option(min=1, max=8, help="Files in parallel.")] = 4,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Download files, verified; an unchanged one is not downloaded again."""
    from lsats_pipeline.cli.progress import bars_of_bytes
    from lsats_pipeline.mrf.sources.download import RawFile, fetch_all

    if bool(named) == due:
        raise ConfigurationError("name files by key or address, or say --due")
    settings, home = load(MrfSettings), load(HubSettings).lsats_home
    done: list[RawFile] = []
    errors: list[tuple[str, LsatsError]] = []
    with _catalogue() as warehouse:
        if due:
            keys = _due(warehouse, match, plan)[: limit or None]
        else:
            keys = _chosen(warehouse, named or [], dry_run=dry_run)[: limit or None]
        if dry_run:
            _say_plan(warehouse, keys, as_json)
            return 0
        with bars_of_bytes(as_json or len(keys) > 1) as progress:
            results = fetch_all(
                warehouse, settings, home, keys, parallel=parallel, watch=_watched(progress)
            )
            for key, result in results:
                if isinstance(result, RawFile):
                    done.append(result)
                else:
                    errors.append((key, result))
                    note(f"lsats: {result}")
    _say_fetched(done, errors, as_json)
    return errors[0][1].exit_code if errors else 0


def hosts(
    reset: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Forget its failures: ask it again.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """State of the hosts: failures in a row, circuit open until when, the next free slot."""
    from lsats_pipeline.mrf.sources.circuit_breaker import CircuitBreaker

    with _catalogue() as warehouse:
        breaker = CircuitBreaker(warehouse, load(MrfSettings).rate)
        if reset:
            breaker.reset(reset)
        states = breaker.states()
    if as_json:
        say_json([vars(state) for state in states])
        return
    say_table(
        ("host", "circuit", "failures", "left alone until", "next turn", "last error"),
        (
            (s.host, s.circuit, s.failures, s.open_until, s.next_at, cut(s.last_error or "", 80))
            for s in states
        ),
        right="failures",
    )


def providers(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Published files.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Fetch the provider files that published files (version 1) refer to; failures are rejects."""
    from lsats_pipeline.mrf.sources.providers import fetch_providers
    from lsats_pipeline.mrf.sources.transfer import Downloads

    home = load(HubSettings).lsats_home
    with _catalogue() as warehouse:
        downloads = Downloads.of(warehouse, load(MrfSettings))
        results = [fetch_providers(downloads, home, file, dry_run=dry_run) for file in files]
    if as_json:
        say_json([vars(one) for one in results])
    else:
        headings = ("locations", "failed", "groups", "rejects")
        say_table(
            ("file", *headings, "why"),
            ((o.file, o.locations, o.failed, o.groups, o.rejects, o.codes or "") for o in results),
            right=", ".join(headings),
        )
    return 3 if any(one.failed for one in results) else 0


def ingest_named(
    named: str, name: str, options: IngestOptions, progress: Progress | None
) -> IngestOutcome:
    """Fetch and ingest a file by its key or address; both are recorded in the catalogue."""
    from lsats_pipeline.mrf.ingest.catalog_ingest import ingest_version
    from lsats_pipeline.mrf.sources.download import fetch as fetch_one

    settings, home = load(MrfSettings), load(HubSettings).lsats_home
    _require_known_file(settings, named)
    if name:
        raise ConfigurationError(
            f"--name {name} is for a file of this disk; a fetched one has a key"
        )
    with _catalogue() as warehouse:
        (key,) = _chosen(warehouse, [named], dry_run=False)
        raw = fetch_one(warehouse, settings, home, key, watch=_watched(progress))
        return ingest_version(warehouse, raw.version, home / "exports" / "mrf", options, progress)


def catalog_only(found: list[FileStatus]) -> Iterator[FileStatus]:
    """Files that only the catalogue has, without those that were only listed."""
    from lsats_pipeline.mrf.sources import catalog
    from lsats_pipeline.mrf.status import FileStatus

    folders = {one.file for one in found}
    with _inspect_catalogue() as warehouse:
        if warehouse is None:
            return
        with warehouse.connection() as connection:
            entries, listed = catalog.handled(connection), catalog.listed(connection)
            newest = {one.key: one for one in catalog.versions(connection)}
    for entry in entries:
        version = newest.get(entry.key)
        if entry.key not in folders:
            yield FileStatus(entry.key, *_state(entry, version))
    if listed:
        counts = ", ".join(f"{count:,} {state}" for state, count in listed.items())
        note(f"only listed: {counts}; `{program()} mrf fetch --due --dry-run` names what is due")


def _state(entry: CatalogEntry, version: FileVersion | None) -> tuple[Any, ...]:
    """State, spans, spans done, nothing published, and the reason, as FileStatus has them."""
    if version is None or entry.state != "fetched":
        return entry.state, 0, 0, None, entry.reason or ""
    return (version.state if version.state != "received" else "fetched"), 0, 0, None, (
        version.reason or ""
    )  # fmt: skip


def _watched(progress: Callable[[Any, int, int], None] | None) -> Watch | None:
    """The bar of the bytes received."""
    return (lambda done, total: progress("fetch", done, total)) if progress else None


@contextmanager
def _catalogue() -> Iterator[Warehouse]:
    """The hub's database, up to date; it has to answer at once, before anything long begins."""
    from lsats_pipeline.mrf.health import database_answers
    from lsats_pipeline.warehouse import Warehouse
    from lsats_pipeline.warehouse.location import hub_url
    from lsats_pipeline.warehouse.migrations import migrate

    with hub_url(load(HubSettings)) as url, Warehouse(url) as warehouse:
        database_answers(warehouse)
        migrate(url)
        yield warehouse


@contextmanager
def _inspect_catalogue() -> Iterator[Warehouse | None]:
    """The same, read only: None where there is no catalogue yet."""
    with inspect_hub() as warehouse:
        there = warehouse and warehouse.query("select to_regclass('mrf.files')")[0][0]
        yield warehouse if there else None


def _require_known_file(settings: MrfSettings, named: str) -> None:
    """Reject what may not be fetched, or cannot be a key, before a server is started."""
    from lsats_pipeline.mrf.sources.locations import is_address, located, stem_of
    from lsats_pipeline.mrf.sources.policy import AddressPolicy

    if is_address(named):
        location = located(named)
        if location.scheme != "file":
            AddressPolicy(settings).permits(location)
        return
    if stem_of(named.replace("--", "-")) != named.replace("--", "-"):
        raise ConfigurationError(f"there is no file {named}")
    hub = load(HubSettings)
    if hub.database_url is None and not (hub.lsats_home / "postgres").exists():
        raise ConfigurationError(f"there is no file {named}, and no catalogue that has such a key")


def _due(warehouse: Warehouse, match: str, plan: str) -> list[str]:
    from lsats_pipeline.mrf.sources import catalog

    with warehouse.connection() as connection:
        return [one.key for one in catalog.due(connection, match=match, plan=plan)]


def _chosen(warehouse: Warehouse, named: list[str], *, dry_run: bool) -> list[str]:
    """Keys of what was named; addresses and paths are entered."""
    from lsats_pipeline.core.addresses import redacted
    from lsats_pipeline.mrf.sources import catalog, discovery
    from lsats_pipeline.mrf.sources.locations import is_address

    with warehouse.connection() as connection:
        keys = []
        for one in named:
            if not is_address(one) and not Path(one).exists():
                keys.append(catalog.known(connection, one).key)
            elif dry_run:
                note(f"{redacted(one)} would be entered into the catalogue, and fetched")
            else:
                keys.append(discovery.add(connection, one))
        return list(dict.fromkeys(keys))


def _say_found(found: Discovery) -> None:
    say_table(
        ("source", "what", "read", *_COUNTED),
        (
            (o.source, o.kind, o.read, o.entries, o.counts["new"], o.counts["changed"],
             o.counts["unsupported"], o.malformed)
            for o in found.results
        ),
        right=", ".join(_COUNTED),
    )  # fmt: skip
    for one in found.results:
        if one.error:
            note(f"lsats: {one.source}: {one.error}")
        for fault, count in one.faults.items():
            note(f"⚠️ {one.source}: {count:,} cannot be fetched: {fault}")
        for example in one.examples:
            note(f"⚠️ {one.source}: no entry: {cut(example, 100)}")
    for key in found.new[:_MAX_LISTED]:
        say(f"🆕 {key}")
    for key in found.changed[:_MAX_LISTED]:
        say(f"📝 {key}")
    if found.abandoned:
        note(f"⚠️ left by processes that ended: {', '.join(found.abandoned[:_MAX_LISTED])}")
    if found.due_count:
        note(f"{found.due_count:,} files are to be fetched: `{program()} mrf fetch --due`")


def _found_json(found: Discovery) -> dict[str, Any]:
    sources = [
        {**vars(one), "error": str(one.error) if one.error else None} for one in found.results
    ]
    return {"sources": sources, "due": [one.key for one in found.due],
            "due_count": found.due_count, "cursor": found.cursor,
            "abandoned": found.abandoned}  # fmt: skip


def _say_plan(warehouse: Warehouse, keys: list[str], as_json: bool) -> None:
    from lsats_pipeline.mrf.sources import catalog

    with warehouse.connection() as connection:
        entries = [catalog.known(connection, key) for key in keys]
    rows = [(e.key, e.address, e.kind, e.state, e.due) for e in entries]
    headings = ("key", "address", "kind", "state", "due")
    if as_json:
        say_json([dict(zip(headings, row, strict=True)) for row in rows])
    else:
        say_table(headings, rows)


def _say_fetched(done: list[RawFile], errors: list[tuple[str, LsatsError]], as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "files": [_raw_json(raw) for raw in done],
                "left_out": [
                    {"key": key, "code": getattr(error, "code", ""), "reason": str(error)}
                    for key, error in errors
                ],
            }
        )
        return
    say_table(
        ("key", "what", "version", "bytes", "sha256", "path"),
        (
            (r.key, "received" if r.received else "unchanged", r.version.version, r.size,
             r.sha256[:16], r.path)
            for r in done
        ),
        right="version, bytes",
    )  # fmt: skip


def _raw_json(raw: RawFile) -> dict[str, Any]:
    return {**vars(raw), "version": vars(raw.version)}
