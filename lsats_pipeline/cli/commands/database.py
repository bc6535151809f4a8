"""`lsats db`: where the database is, its schema, a shell, a backup, stopping the server."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say, say_json
from lsats_pipeline.core.settings import HubSettings, load

app = typer.Typer(help="The hub's database.", no_args_is_help=True)


@app.command(epilog=examples('psql "$(lsats db url)" -c "select * from silver.users limit 5"'))
def url() -> None:
    """Print a URL that psql takes; an embedded server then stays up until `lsats db stop`."""
    from lsats_pipeline.warehouse.location import lasting_url

    settings = load(HubSettings)
    say(lasting_url(settings))
    if settings.database_url is None:
        note("The embedded server stays up for you: `lsats db stop` stops it.")


@app.command(epilog=examples("lsats db migrate"))
def migrate(as_json: AsJson = False) -> None:
    """Bring the database to what the code declares: schema, views, silver tables."""
    from lsats_pipeline.hub.days import record_observed
    from lsats_pipeline.hub.hub import prepare
    from lsats_pipeline.warehouse import Warehouse
    from lsats_pipeline.warehouse.location import hub_url
    from lsats_pipeline.warehouse.migrations import step_of

    settings = load(HubSettings)
    with hub_url(settings) as address, Warehouse(address) as warehouse:
        before = step_of(address)
        prepare(warehouse)
        now = step_of(address)
        with warehouse.connection() as connection:  # of a database that was restored, say
            record_observed(connection, settings)
    if as_json:
        say_json({"database": warehouse.name, "before": before, "step": now})
    else:
        was = "already there" if before == now else f"was {before or 'empty'}"
        say(f"{warehouse.name} is at step {now} ({was})")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog=examples("lsats db shell", "lsats db shell -c 'select count(*) from silver.users'"),
)
def shell(context: typer.Context) -> None:
    """Open psql on the hub's database; what follows is passed to psql."""
    import subprocess

    from lsats_pipeline.warehouse.backup import without_password
    from lsats_pipeline.warehouse.location import hub_url
    from lsats_pipeline.warehouse.programs import psql

    with hub_url(load(HubSettings)) as address:
        bare, environment = without_password(address)
        done = subprocess.run(
            [psql(), "--dbname", bare, *context.args], env=environment, check=False
        )
    raise typer.Exit(1 if done.returncode else 0)


@app.command(epilog=examples("lsats db backup", "lsats db backup /backups/hub.dump"))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="Default: LSATS_HOME/exports/backups/<database>-<time>.dump"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database into one file for pg_restore; the file appears only when it is complete."""
    from lsats_pipeline.warehouse.backup import backup as dump
    from lsats_pipeline.warehouse.database import database_name
    from lsats_pipeline.warehouse.location import hub_url

    settings = load(HubSettings)
    with hub_url(settings) as address:
        name = f"{database_name(address)}-{dt.datetime.now():%Y%m%dT%H%M%S}.dump"
        target = file or settings.lsats_home / "exports" / "backups" / name
        size = dump(address, target)
    if as_json:
        say_json({"file": str(target), "bytes": size})
    else:
        say(f"{target} ({size / 1e6:,.1f} MB)")
        note("It holds personal data. To load it: pg_restore --dbname=URL FILE")


@app.command(epilog=examples("lsats db stop"))
def stop() -> None:
    """Stop the embedded server; whoever is still connected is cut off."""
    from lsats_pipeline.warehouse.embedded import EmbeddedServer

    settings = load(HubSettings)
    if settings.database_url is not None:
        say("DATABASE_URL names a server of your own; this stops the embedded one only")
    server = EmbeddedServer(settings.lsats_home)
    was_running = server.running()
    server.stop()
    say("stopped" if was_running else f"no embedded server is running in {os.fspath(server.home)}")
