"""`lsats seed WORLD` and `lsats verify WORLD`: synthetic worlds, with a flag for every option.

The flags of a world are made from its options when it is named: worlds are read only then.
"""

from __future__ import annotations

import datetime as dt
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from lsats_pipeline.cli.options import AsJson, a_day, examples
from lsats_pipeline.cli.output import note, say_json
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.synthetic import choices
from lsats_pipeline.synthetic.choices import OnError, To
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline.warehouse.database import database_name
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.safety import require_synthetic_database

if TYPE_CHECKING:
    from lsats_pipeline.synthetic.progress import Watcher
    from lsats_pipeline.synthetic.seeding import Seeding


class From(StrEnum):
    """Where a stored world is."""

    db = "db"
    csv = "csv"
    parquet = "parquet"


DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="A database whose name ends in _demo or _test, instead of DATABASE_URL."),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the files.", show_default="LSATS_HOME/exports/WORLD")
]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this table; repeatable.")]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options for seeding any world; each field is a flag."""

    to: Annotated[To, typer.Option(help=choices.TO)] = To.db
    out: Out = None
    table: Tables = None
    workers: Annotated[
        int | None, typer.Option(min=1, help=choices.WORKERS, show_default="processors")
    ] = None
    batch_size: Annotated[
        int,
        typer.Option(min=choices.LEAST_BATCH, max=choices.MOST_BATCH, help=choices.BATCH_SIZE),
    ] = choices.BATCH
    on_error: Annotated[OnError, typer.Option(help=choices.ON_ERROR)] = OnError.abort
    memory_limit_mb: Annotated[
        int, typer.Option(min=1, help="Megabytes from which memory is warned of.")
    ] = 1024
    clear: Annotated[bool, typer.Option("--clear", help=choices.CLEAR)] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help=choices.DRY_RUN)] = False
    preview: Annotated[int, typer.Option(min=0, help="Example rows of a dry run.")] = 3
    config: Annotated[
        Path | None, typer.Option(help="TOML file with a section of the world's name.")
    ] = None
    database_url: DatabaseUrl = None
    as_json: AsJson = False


class WorldGroup(TyperGroup):
    """A command per world, made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The worlds."""
        return list(WORLDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command that seeds a world."""
        return _seed_command(name) if name in WORLDS else None


seed_app = typer.Typer(
    cls=WorldGroup,
    help="Seed a synthetic world: the same seed, the same bytes, at any size.",
    epilog=examples("lsats seed retail --customers 1000 --products 100", "lsats seed jobs --help"),
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(seed_app, name="seed")
    app.command(epilog=examples("lsats verify retail", "lsats verify jobs --from csv --json"))(
        verify
    )


def verify(
    world_name: Annotated[
        str, typer.Argument(metavar="WORLD", help=f"One of {', '.join(WORLDS)}.")
    ],
    source: Annotated[From, typer.Option("--from", help="Where it is stored.")] = From.db,
    table: Tables = None,
    out: Out = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> int:
    """Check a stored world by all of its rules, over all rows; writes nothing."""
    from lsats_pipeline.cli.world_report import say_results
    from lsats_pipeline.synthetic.stored_worlds import verify_database, verify_files

    declared, settings = world(world_name), load(HubSettings)
    if source == From.db:
        with _database(settings, database_url) as url:
            found = verify_database(url, declared, table)
    else:
        found = verify_files(_folder(settings, declared.name, out), declared, source.value, table)
    if as_json:
        say_json(found.as_json())
    else:
        say_results(found)
    return 4 if found.status == "fail" else 0


def _seed_command(name: str) -> click.Command:
    """The command of one world: common flags, and one for each of its options."""
    declared = world(name)
    fields = declared.options.model_fields

    def command(**values: Any) -> int:
        chosen = {n: values.pop(n) for n in fields}
        flags = {n: value for n, value in chosen.items() if value is not None}
        return _seed(name, flags, RunOptions(**values))

    common = inspect.signature(RunOptions, eval_str=True).parameters.values()
    own = [_flag(n, field) for n, field in fields.items()]
    parameters = [*own, *common]
    command.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = declared.about
    app = typer.Typer(add_completion=False)
    app.command(name, epilog=_examples(name))(command)
    return typer.main.get_command(app)


def _examples(name: str) -> str:
    return examples(
        f"lsats seed {name}",
        f"lsats seed {name} --to csv --out {name}_files --seed 7",
        f"lsats seed {name} --dry-run",
    )


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """A flag for an option; unset leaves it to variable, file and default."""
    kind: Any = field.annotation if field.annotation in (int, float, bool, dt.date) else str
    day: dict[str, Any] = {"parser": a_day, "metavar": "DAY"} if kind is dt.date else {}
    option = typer.Option(help=_meaning(name, field), show_default=False, **day)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _meaning(name: str, field: FieldInfo) -> str:
    text = field.description or name.replace("_", " ")
    default = "" if field.is_required() or field.default is None else f" [{field.default}]"
    return f"{text[0].upper()}{text[1:]}{default}"


def _seed(name: str, flags: dict[str, Any], options: RunOptions) -> int:
    from lsats_pipeline.cli.world_report import say_dry_run, say_seeded
    from lsats_pipeline.synthetic.dry_run import plan_seeding
    from lsats_pipeline.synthetic.pipeline import build_pipeline
    from lsats_pipeline.synthetic.seeding import seed

    seeding, settings = _seeding(name, flags, options), load(HubSettings)
    needed = options.to in (To.db, To.both)
    with _database(settings, options.database_url, needed=needed) as url:
        if options.dry_run:
            planned = plan_seeding(seeding, url, options.preview)
            say_json(planned.as_json()) if options.as_json else say_dry_run(planned)
            return 0
        seeding, targets = build_pipeline(
            seeding,
            options.to.value,
            url,
            _folder(settings, name, options.out),
            skip=options.on_error is OnError.skip,
            batch_size=options.batch_size,
            clear=options.clear,
        )
        with _progress_bar(options.as_json) as watch:
            report = seed(seeding, targets, watch)
    say_json(report.as_json()) if options.as_json else say_seeded(report)
    if report.error:
        note(f"lsats: {report.error}")
    return report.exit_code


def _seeding(name: str, flags: dict[str, Any], options: RunOptions) -> Seeding:
    from lsats_pipeline.synthetic.seed_options import choose
    from lsats_pipeline.synthetic.seeding import Seeding

    return Seeding(
        world(name),
        choose(world(name), flags, options.config),
        tuple(options.table) if options.table else None,
        workers=options.workers or os.cpu_count() or 1,
        memory_limit=options.memory_limit_mb,
    )


@contextmanager
def _database(
    settings: HubSettings, database_url: str | None, *, needed: bool = True
) -> Iterator[str]:
    """URL of the database: the one named, else the hub's; empty when none is needed."""
    if not needed:
        yield ""
    elif database_url:
        require_synthetic_database(database_name(database_url))
        yield database_url
    else:
        with hub_url(settings) as url:
            yield url


def _folder(settings: HubSettings, name: str, out: Path | None) -> Path:
    return out.expanduser().absolute() if out else settings.lsats_home / "exports" / name


@contextmanager
def _progress_bar(quiet: bool) -> Iterator[Watcher | None]:
    """A bar on a terminal; elsewhere the log's lines say how far it is."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=100.0)
        yield lambda record: bar.update(task, completed=record.percent, description=record.line)
