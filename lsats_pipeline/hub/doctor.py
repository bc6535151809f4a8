"""Is everything there that a run needs? One finding per thing, with the remedy when it fails.

settings ─▶ disk, memory ─▶ database (server, roles, step, size) ─▶ sources (each asked once)
What later findings depend on comes first; what cannot be looked at any more is left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
import psycopg

from lsats_pipeline import campus
from lsats_pipeline.core.errors import FixConfiguration, LsatsError
from lsats_pipeline.core.settings import SOURCE_SETTINGS, HubSettings, MrfSettings, load
from lsats_pipeline.hub.hub import Hub, any_source_configured
from lsats_pipeline.hub.silver.cross_checks import cross_check
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Source
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection, declared
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import head, step_of

_GB = 2**30
_LITTLE_DISK, _NO_DISK = 5 * _GB, _GB // 2
_LITTLE_MEMORY = _GB

State = Literal["ok", "note", "failed"]


@dataclass(frozen=True)
class Finding:
    """What was found about one thing. `exit_code`: what a failure means (contract.md)."""

    area: str
    name: str
    state: State
    text: str
    remedy: str = ""
    exit_code: int = 0


def examine() -> Iterator[Finding]:
    """Every finding in order; changes nothing, though an embedded server may start."""
    yield from _source_settings()
    try:
        settings = load(HubSettings)
    except FixConfiguration as error:
        yield from _misconfigured("the hub", error)
        return
    yield _ok("settings", "the hub", f"today is {settings.today()} in {settings.lsats_timezone}")
    yield _dagster_home(settings)
    yield from _price_files()
    yield from _machine(settings)
    yield from _running(settings)


def verdict(findings: Sequence[Finding]) -> int:
    """The exit code: 0, else 2 when any configuration failed, else 5."""
    codes = {finding.exit_code for finding in findings}
    return 2 if 2 in codes else max(codes, default=0)


def _ok(area: str, name: str, text: str) -> Finding:
    return Finding(area, name, "ok", text)


def _failed(area: str, name: str, error: LsatsError, remedy: str = "") -> Finding:
    return Finding(area, name, "failed", str(error), remedy, error.exit_code)


def _misconfigured(name: str, error: FixConfiguration) -> Iterator[Finding]:
    for line in str(error).splitlines():
        remedy = "mend the variable in .env or in the environment; .env.example explains each"
        yield Finding("settings", name, "failed", line, remedy, error.exit_code)


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def _source_settings() -> Iterator[Finding]:
    for source in SOURCES:
        try:
            settings = load(SOURCE_SETTINGS[source.system])
        except FixConfiguration as error:
            yield from _misconfigured(source.title, error)
            continue
        if settings.configured:
            yield _ok("settings", source.title, "configured")
        else:
            yield Finding("settings", source.title, "note", f"not configured: {settings.remedy}")


def _dagster_home(settings: HubSettings) -> Finding:
    folder = settings.dagster_home
    if (folder / "dagster.yaml").is_file():
        return _ok("settings", "Dagster", f"DAGSTER_HOME is {folder}")
    remedy = "unset DAGSTER_HOME, or copy dagster_home/dagster.yaml of the checkout there"
    text = f"DAGSTER_HOME {folder} holds no dagster.yaml"
    return Finding("settings", "Dagster", "failed", text, remedy, FixConfiguration.exit_code)


def _price_files() -> Iterator[Finding]:
    """Where price files are looked for, and whether they could be fetched."""
    try:
        settings = load(MrfSettings)
    except FixConfiguration as error:
        yield from _misconfigured("price files", error)
        return
    if not settings.source_list:
        yield Finding("settings", "price files", "note", "not configured: set LSATS_MRF_SOURCES")
        return
    hosts = ", ".join(settings.host_list)
    told = f"sources: {len(settings.source_list)}; hosts that may be asked: {hosts or 'none'}"
    if not hosts and any("://" in source for source in settings.source_list):
        remedy = "name the hosts of your sources, and of the files they list, in LSATS_MRF_HOSTS"
        yield Finding("settings", "price files", "note", told, remedy)
    else:
        yield _ok("settings", "price files", told)


# ── the machine ───────────────────────────────────────────────────────────────────────────────────


def _machine(settings: HubSettings) -> Iterator[Finding]:
    home = settings.lsats_home
    free = shutil.disk_usage(_existing(home)).free
    told = f"{free / _GB:,.1f} GB free for LSATS_HOME ({home})"
    remedy = "free some space, or set LSATS_HOME to a folder on a larger disk"
    if free < _NO_DISK:
        yield Finding("machine", "disk", "failed", told, remedy, 1)
    else:
        state: State = "note" if free < _LITTLE_DISK else "ok"
        yield Finding("machine", "disk", state, told, remedy if state == "note" else "")
    available = psutil.virtual_memory().available
    little = available < _LITTLE_MEMORY
    yield Finding(
        "machine",
        "memory",
        "note" if little else "ok",
        f"{available / _GB:,.1f} GB available",
        "a run needs about 1 GB: end other programs first" if little else "",
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


# ── database and sources ──────────────────────────────────────────────────────────────────────────


def _running(settings: HubSettings) -> Iterator[Finding]:
    if settings.database_url is None and not (settings.lsats_home / "postgres").exists():
        yield Finding(
            "database",
            "embedded PostgreSQL",
            "note",
            f"not made yet; the first run makes it under {settings.lsats_home}",
        )
        yield from _without_database(settings)
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(hub_url(settings))
            warehouse = stack.enter_context(Warehouse(url))
            findings = list(_database(settings, warehouse))
        except psycopg.Error as error:
            # A login with too few rights to look; what it may not do, PostgreSQL says well.
            told = FixConfiguration(str(error).strip())
            yield _failed("database", "PostgreSQL", told, "grant the login what is missing")
            return
        except LsatsError as error:
            yield _failed("database", "PostgreSQL", error, _database_remedy(settings))
            yield from _without_database(settings)
            return
        yield from findings
        yield from _sources(settings, warehouse)


def _database_remedy(settings: HubSettings) -> str:
    if settings.database_url is None:
        return f"see {settings.lsats_home / 'postgres' / 'server.log'}"
    return "is the server up, and do host, port, name and password in DATABASE_URL hold?"


def _database(settings: HubSettings, warehouse: Warehouse) -> Iterator[Finding]:
    where = "DATABASE_URL" if settings.database_url else "embedded"
    with warehouse.owner() as connection:
        version = connection.info.parameter_status("server_version")
        size = _one(connection, "select pg_size_pretty(pg_database_size(current_database()))")
        yield _ok(
            "database", "server", f"PostgreSQL {version} ({where}), {warehouse.name} has {size}"
        )
        yield _step(step_of(warehouse.url))
        yield _roles(connection)
        if declared(connection, "silver views"):
            yield from _between_tables(connection)


def _between_tables(connection: Connection) -> Iterator[Finding]:
    """What does not hold between silver tables; a state of the data is no failure of the hub."""
    connection.commit()
    results = list(cross_check(connection))
    broken = [result for result in results if not result.passed]
    for result in broken:
        told = f"{result.rule.about} Not so: {result.text}"
        remedy = "`lsats run silver --full` should mend it; if not, it is a defect"
        yield Finding(
            "silver", result.rule.name, "note", told, remedy if result.rule.serious else ""
        )
    if not broken:
        yield _ok("silver", "between tables", f"all {len(results)} rules hold")


def _step(step: str | None) -> Finding:
    if step == head():
        return _ok("database", "schema", f"at step {step}, as the code")
    told = f"at step {step}, the code knows {head()}" if step else "empty so far"
    return Finding(
        "database",
        "schema",
        "note",
        told,
        "the next run or `lsats db migrate` brings it up to date",
    )


def _roles(connection: Connection) -> Finding:
    missing = _one(
        connection,
        "select string_agg(name, ', ') from unnest(array['lsats_etl', 'lsats_reader']) as name"
        " where not exists (select from pg_roles where rolname = name)",
    )
    if missing:
        return Finding(
            "database", "roles", "note", f"{missing} not there yet", "`lsats db migrate` makes them"
        )
    if _one(connection, "select pg_has_role(current_user, 'lsats_etl', 'member')"):
        return _ok(
            "database", "roles", "lsats_etl and lsats_reader; this login may act as lsats_etl"
        )
    user = connection.info.user
    return Finding(
        "database",
        "roles",
        "failed",
        f"login {user} may not act as lsats_etl",
        f"as the owner: grant lsats_etl to {user}",
        FixConfiguration.exit_code,
    )


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _sources(settings: HubSettings, warehouse: Warehouse) -> Iterator[Finding]:
    """Ask every source that can be asked; without any configured one, those of the campus."""
    if not _simulated():
        yield from _ask(settings, warehouse, "")
        return
    with warehouse.owner() as connection:
        world = campus.world(connection)
    if world is None:
        yield _no_campus()
        return
    yield Finding(
        "sources",
        "simulated campus",
        "note",
        f"{world.people:,} people, seed {world.seed}, at {world.day}: no real source is configured",
    )
    yield from _ask(settings, warehouse, "simulated ")


def _without_database(settings: HubSettings) -> Iterator[Finding]:
    if _simulated():
        yield _no_campus()
    else:
        yield from _ask(settings, Warehouse("postgresql:///"), "")


def _simulated() -> bool:
    try:
        return not any_source_configured()
    except FixConfiguration:
        return False


def _no_campus() -> Finding:
    return Finding(
        "sources",
        "simulated campus",
        "note",
        "no source is configured and no campus simulated yet",
        "`lsats demo` makes one; or set the variables of your sources in .env",
    )


def _ask(settings: HubSettings, warehouse: Warehouse, kind: str) -> Iterator[Finding]:
    hub = Hub(settings, warehouse)
    try:
        for source in SOURCES:
            if finding := _asked(hub, source, kind):
                yield finding
    finally:
        hub.close()


def _asked(hub: Hub, source: Source, kind: str) -> Finding | None:
    name = f"{kind}{source.title}"
    try:
        if not kind and not load(SOURCE_SETTINGS[source.system]).configured:
            return None
    except FixConfiguration:
        return None  # told among the settings
    try:
        return _ok("sources", name, source.probe(hub.client(source.system)))
    except LsatsError as error:
        return _failed("sources", name, error, "check address, credentials and network, then again")
