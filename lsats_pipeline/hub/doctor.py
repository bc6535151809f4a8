"""Is everything there that a run needs? One finding per thing, with the remedy when it fails.

settings ─▶ disk, memory ─▶ database (server, roles, step, size) ─▶ sources (each asked once)
What later findings depend on comes first; what cannot be checked any more is left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg

from lsats_pipeline.core.diagnosis import Finding, State, failed, misconfigured, ok
from lsats_pipeline.core.errors import (
    ConfigurationError,
    LsatsError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.hub import Hub, Simulation, refuse_mixture
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


def examine(
    simulation: Simulation, others: Iterable[Callable[[], Iterator[Finding]]] = ()
) -> Iterator[Finding]:
    """Every finding in order; changes nothing, though an embedded server may start.

    `others`: the findings of other products about their settings.
    """
    yield from _source_settings()
    try:
        settings = load(HubSettings)
    except ConfigurationError as error:
        yield from misconfigured("the hub", error)
        return
    yield ok("settings", "the hub", f"today is {settings.today()} in {settings.lsats_timezone}")
    yield _dagster_home(settings)
    for examined in others:
        yield from examined()
    yield from _machine(settings)
    yield from _running(settings, simulation)


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def _source_settings() -> Iterator[Finding]:
    for source in SOURCES:
        try:
            settings = load(source.settings)
        except ConfigurationError as error:
            yield from misconfigured(source.title, error)
            continue
        if settings.configured:
            yield ok("settings", source.title, "configured")
        else:
            yield Finding("settings", source.title, "note", f"not configured: {settings.remedy}")


def _dagster_home(settings: HubSettings) -> Finding:
    folder = settings.dagster_home
    if (folder / "dagster.yaml").is_file():
        return ok("settings", "Dagster", f"DAGSTER_HOME is {folder}")
    remedy = "unset DAGSTER_HOME, or copy dagster_home/dagster.yaml of the checkout there"
    text = f"DAGSTER_HOME {folder} holds no dagster.yaml"
    return Finding("settings", "Dagster", "failed", text, remedy, ConfigurationError.exit_code)


# ── the machine ───────────────────────────────────────────────────────────────────────────────────


def _machine(settings: HubSettings) -> Iterator[Finding]:
    home = settings.lsats_home
    free = shutil.disk_usage(_existing(home)).free
    text = f"{free / _GB:,.1f} GB free for LSATS_HOME ({home})"
    remedy = "free some space, or set LSATS_HOME to a folder on a larger disk"
    if free < _NO_DISK:
        yield Finding("machine", "disk", "failed", text, remedy, 1)
    else:
        state: State = "note" if free < _LITTLE_DISK else "ok"
        yield Finding("machine", "disk", state, text, remedy if state == "note" else "")
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


def _running(settings: HubSettings, simulation: Simulation) -> Iterator[Finding]:
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
            findings = list(_database(settings, warehouse, Hub(settings, warehouse, simulation)))
        except psycopg.Error as error:
            # A login with too few rights to look; PostgreSQL's own message says what is missing.
            missing = ConfigurationError(str(error).strip())
            yield failed("database", "PostgreSQL", missing, "grant the login what is missing")
            return
        except LsatsError as error:
            yield failed("database", "PostgreSQL", error, _database_remedy(settings))
            yield from _without_database(settings)
            return
        yield from findings
        yield from _sources(settings, warehouse, simulation)


def _database_remedy(settings: HubSettings) -> str:
    if settings.database_url is None:
        return f"see {settings.lsats_home / 'postgres' / 'server.log'}"
    return "is the server up, and do host, port, name and password in DATABASE_URL hold?"


def _database(settings: HubSettings, warehouse: Warehouse, hub: Hub) -> Iterator[Finding]:
    where = "DATABASE_URL" if settings.database_url else "embedded"
    with warehouse.owner() as connection:
        version = connection.info.parameter_status("server_version")
        size = _one(connection, "select pg_size_pretty(pg_database_size(current_database()))")
        yield ok(
            "database", "server", f"PostgreSQL {version} ({where}), {warehouse.name} has {size}"
        )
        step = step_of(warehouse.url)
        yield _step(step)
        yield _roles(connection)
        if step is None or not declared(connection, "silver views"):
            return
        yield from _between_tables(connection, hub.systems_in_use)
    try:
        refuse_mixture(hub)
    except ConfigurationError as error:
        yield failed("database", "records", error)


def _between_tables(connection: Connection, systems: frozenset[str] | None) -> Iterator[Finding]:
    """What does not hold between silver tables; a state of the data is no failure of the hub."""
    connection.commit()
    results = list(cross_check(connection, systems=systems))
    broken = [result for result in results if not result.passed]
    for result in broken:
        some = "; ".join(result.examples)
        text = f"{result.rule.about} Not so: {result.description}; for example {some}"
        remedy = "`lsats run silver --full` should correct it; if not, it is a defect"
        yield Finding(
            "silver", result.rule.name, "note", text, remedy if result.rule.blocking else ""
        )
    if not broken:
        yield ok("silver", "between tables", f"all {len(results)} rules hold")


def _step(step: str | None) -> Finding:
    if step == head():
        return ok("database", "schema", f"at step {step}, as the code")
    text = f"at step {step}, the code knows {head()}" if step else "empty so far"
    return Finding(
        "database",
        "schema",
        "note",
        text,
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
        return ok(
            "database", "roles", "lsats_etl and lsats_reader; this login may act as lsats_etl"
        )
    user = connection.info.user
    return Finding(
        "database",
        "roles",
        "failed",
        f"login {user} may not act as lsats_etl",
        f"as the owner: grant lsats_etl to {user}",
        ConfigurationError.exit_code,
    )


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _sources(
    settings: HubSettings, warehouse: Warehouse, simulation: Simulation
) -> Iterator[Finding]:
    """Ask every source that can be asked; without any configured one, those of the campus."""
    if not _simulated():
        yield from _ask(settings, warehouse, "")
        return
    with warehouse.owner() as connection:
        simulated = simulation.describe(connection)
    if simulated is None:
        yield _no_campus()
        return
    yield Finding(
        "sources",
        "simulated campus",
        "note",
        f"{simulated}: no real source is configured",
    )
    yield from _ask(settings, warehouse, "simulated ", simulation)


def _without_database(settings: HubSettings) -> Iterator[Finding]:
    if _simulated():
        yield _no_campus()
    else:
        yield from _ask(settings, Warehouse("postgresql:///"), "")


def _simulated() -> bool:
    return not configuration().is_real


def _no_campus() -> Finding:
    return Finding(
        "sources",
        "simulated campus",
        "note",
        "no source is configured and no campus simulated yet",
        "`lsats demo` makes one; or set the variables of your sources in .env",
    )


def _ask(
    settings: HubSettings, warehouse: Warehouse, kind: str, simulation: Simulation | None = None
) -> Iterator[Finding]:
    hub = Hub(settings, warehouse, simulation)
    try:
        for source in SOURCES:
            if finding := _asked(hub, source, kind):
                yield finding
    finally:
        hub.close()


def _asked(hub: Hub, source: Source, kind: str) -> Finding | None:
    name = f"{kind}{source.title}"
    try:
        if not kind and not load(source.settings).configured:
            return None
    except ConfigurationError:
        return None  # reported among the settings
    try:
        return ok("sources", name, source.probe(hub.client(source.system)))
    except LsatsError as error:
        return failed("sources", name, error, _source_remedy(error))


def _source_remedy(error: LsatsError) -> str:
    """What to do about an error whose message does not say so itself."""
    if isinstance(error, Unreachable):
        return "is the server up, and may this machine reach it through the network?"
    if isinstance(error, TransientError):
        return "try again later; if it stays, ask those who run it"
    return ""
