"""`lsats mrf load` and `unload`: price files as tables of the hub's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, program, say_json, say_table
from lsats_pipeline.cli.progress import bar_of_rows
from lsats_pipeline.core.errors import ConfigurationError, LsatsError
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.mrf.database.loading import Loaded
    from lsats_pipeline.warehouse import Warehouse

# One more than the processors of a small machine: while one waits, the others work.
CONNECTIONS = 3
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="Files, or the names under which they are published."),
]
Connections = Annotated[
    int, typer.Option(min=1, max=16, help="Parallel connections to the database.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "load", epilog=examples("lsats mrf load 2026-11-01_payer_in-network-rates",
                                "lsats mrf load --all --connections 4")
    )(load_files)  # fmt: skip
    app.command(
        "unload", epilog=examples("lsats mrf unload 2026-11-01_payer_in-network-rates")
    )(unload_files)  # fmt: skip


def load_files(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that is published.")] = False,
    connections: Connections = CONNECTIONS,
    as_json: AsJson = False,
) -> int:
    """Bring published files into PostgreSQL (schema mrf), each in one step; again changes nothing.

    The rows need about eight times the room of the Parquet files.
    """
    from lsats_pipeline.mrf.status import published_files

    exports = load(HubSettings).lsats_home / "exports" / "mrf"
    files = _chosen(names, every, lambda: published_files(exports))
    done, errors = [], []
    with opened() as warehouse:
        for file in files:
            try:
                done.append(load_one(warehouse, file, connections, quiet=as_json))
            except LsatsError as error:
                errors.append((file, error))
                note(f"lsats: {error}")
    if as_json:
        left_out = [{"file": file, "reason": str(error)} for file, error in errors]
        say_json({"files": [vars(one) for one in done], "left_out": left_out})
    else:
        say_loaded(done)
    return errors[0][1].exit_code if errors else 0


def unload_files(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that is loaded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take files out of PostgreSQL again; their Parquet files stay."""
    from lsats_pipeline.mrf.database.loading import loaded_files, unload_file

    with opened() as warehouse:
        files = _chosen(names, every, lambda: loaded_files(warehouse))
        rows = {file: unload_file(warehouse, file) for file in files}
    if as_json:
        say_json({"rows": rows})
    else:
        say_table(("file", "rows taken out"), rows.items(), right="rows taken out")


@contextmanager
def opened() -> Iterator[Warehouse]:
    """The hub's database, with the schema that the code knows."""
    from lsats_pipeline.warehouse import Warehouse
    from lsats_pipeline.warehouse.location import hub_url
    from lsats_pipeline.warehouse.migrations import migrate

    with hub_url(load(HubSettings)) as url, Warehouse(url) as warehouse:
        migrate(url)
        yield warehouse


def load_one(
    warehouse: Warehouse, file: str, connections: int = CONNECTIONS, *, quiet: bool
) -> Loaded:
    """Load one file, with a bar."""
    from lsats_pipeline.mrf.database.loading import load_file, server_folder

    settings = load(HubSettings)
    with bar_of_rows(quiet) as progress:
        return load_file(
            warehouse,
            settings.lsats_home / "exports" / "mrf",
            file,
            connections=connections,
            server=server_folder(settings),
            progress=progress,
        )


def say_loaded(done: list[Loaded]) -> None:
    """What was loaded, in the tables that have any of it, and what a NUL was replaced in."""
    known = dict.fromkeys(name for one in done for name in one.rows)
    tables = [name for name in known if any(one.rows[name] for one in done)]
    say_table(
        ("file", "state", "seconds", *(f"mrf.{name}" for name in tables)),
        ((o.file, o.state, o.seconds, *(o.rows[name] for name in tables)) for o in done),
        right=", ".join(("seconds", *(f"mrf.{name}" for name in tables))),
    )
    for one in done:
        if one.substituted:
            note(f"⚠️ {one.file}: {one.substituted:,} values hold a NUL, which PostgreSQL does not"
                 " store: it stands as ␀ in them")  # fmt: skip


def _chosen(names: list[str] | None, every: bool, known: Any) -> list[str]:
    from lsats_pipeline.mrf.workspace import name_for

    if bool(names) == every:
        raise ConfigurationError(
            f"name the files, or say --all; `{program()} mrf status` shows what there is"
        )
    return [name_for(Path(name)) for name in names] if names else list(known())
