"""Options and blocks of synthetic worlds as Dagster has them: a resource each, partitions.

A resource has the flags of `lsats seed` as typed fields: volumes, seed, where to, how.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field, PrivateAttr, create_model

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.dry_runs import record_nothing
from lsats_pipeline.defs.failures import as_refusal
from lsats_pipeline.defs.run_start import choose_default
from lsats_pipeline.defs.worlds.campus_options import CampusResource
from lsats_pipeline.synthetic import choices
from lsats_pipeline.synthetic.choices import OnError, To
from lsats_pipeline.synthetic.parts import Destination
from lsats_pipeline.synthetic.seed_options import choose
from lsats_pipeline.synthetic.seeding import Seeding
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline.warehouse.database import database_name
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.safety import require_synthetic_database

_PLAIN = (int, float, bool)


class WorldResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A world's options for one run; what is not set here comes from variables and defaults."""

    # Of the class: Dagster makes the instance of a run anew, from its configuration.
    world: ClassVar[World]

    to: To = Field(To.db, description=choices.TO)
    out: str | None = Field(
        None, description="Folder of the files, below exports/ in LSATS_HOME; the world's name."
    )
    on_error: OnError = Field(OnError.abort, description=choices.ON_ERROR)
    workers: int | None = Field(None, description=f"{choices.WORKERS} As many as processors.")
    batch_size: int = Field(choices.BATCH, description=choices.BATCH_SIZE)
    clear: bool = Field(False, description=f"{choices.CLEAR} Those of the run's tables, once.")
    dry_run: bool = Field(False, description=f"{choices.DRY_RUN} Nothing is materialized.")

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _options: WorldOptions = PrivateAttr()
    _where: Destination = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WorldResource]:
        """Open as long as the run lasts; what cannot be is refused before any step."""
        choose_default(context)
        if self.dry_run:
            record_nothing(context)
        with self._open:
            with as_refusal(context):
                self._options = self._chosen()
                self._where = self._destination()
            yield self

    @property
    def options(self) -> WorldOptions:
        """The world's options of this run."""
        return self._options

    @property
    def where(self) -> Destination:
        """Where this run writes, and how."""
        return self._where

    def seeding(self, table: WorldTable, parts: Sequence[str] | None) -> Seeding:
        """What to make of a table; `parts`: the run's partitions, None for all of it."""
        numbers = numbers_of(table, self._options, parts, len(block_keys(self.world)))
        return Seeding(
            self.world,
            self._options,
            (table.name,),
            {} if numbers is None else {table.name: numbers},
            workers=self.workers or os.cpu_count() or 1,
        )

    def _chosen(self) -> WorldOptions:
        for name, value, least, most in (
            ("batch_size", self.batch_size, choices.LEAST_BATCH, choices.MOST_BATCH),
            ("workers", self.workers or 1, 1, 1024),
        ):
            if not least <= value <= most:
                raise ConfigurationError(f"{name} {value}: must be from {least:,} to {most:,}")
        names = self.world.options.model_fields
        given = {n: v for n in names if (v := getattr(self, n)) is not None}
        options = choose(self.world, given)
        if self.world.required:
            self.world.required(options)
        return options

    def _destination(self) -> Destination:
        settings = load(HubSettings)
        exports = settings.lsats_home / "exports"
        skip = self.on_error is OnError.skip
        folder = below(exports, self.out or self.world.name)
        where = Destination(self.to.value, "", folder, skip, self.batch_size)
        if not where.in_database:
            return where
        if settings.database_url is not None:
            require_synthetic_database(database_name(settings.database_url.get_secret_value()))
        url = self._open.enter_context(hub_url(settings))
        require_synthetic_database(database_name(url))
        return Destination(self.to.value, url, folder, skip, self.batch_size)


def below(exports: Path, out: str) -> Path:
    """A folder of exports; ConfigurationError for one that lies elsewhere."""
    folder = Path(os.path.normpath(exports / out))
    if folder == exports or not folder.is_relative_to(exports):
        raise ConfigurationError(f"out {out!r}: name a folder below {exports}")
    return folder


def world_resource(declared: World) -> WorldResource:
    """The resource of a world: a field for each of its options."""
    fields: dict[str, Any] = {
        name: (_kind(field.annotation), Field(None, description=_meaning(field)))
        for name, field in declared.options.model_fields.items()
    }
    name = f"{declared.name.capitalize()}Options"
    about = f"What a run makes of the world {declared.name}; the options of `lsats seed`."
    kind: Any = create_model(name, __base__=WorldResource, __doc__=about, **fields)
    kind.world = declared
    made: WorldResource = kind()
    return made


def block_counts(declared: World) -> dict[str, int]:
    """How many blocks each table has by default."""
    options = choose(declared)
    return {
        table.name: len(list(table.blocks(declared.name, options))) for table in declared.tables
    }


def block_keys(declared: World) -> list[str]:
    """Keys of a world's partitions: as many as its largest table has blocks by default."""
    return [f"block_{number:03d}" for number in range(max(block_counts(declared).values()))]


def partitioned_tables(declared: World) -> set[str]:
    """The tables that are several blocks by default; each of the others is made whole."""
    return {name for name, blocks in block_counts(declared).items() if blocks > 1}


def numbers_of(
    table: WorldTable, options: WorldOptions, parts: Sequence[str] | None, of: int
) -> list[int] | None:
    """The blocks of a table in these partitions, of `of` in all: to each a contiguous share.

    None for all of them. For the largest table at its default size, a partition is a block.
    """
    if parts is None:
        return None
    blocks = len(list(table.blocks("", options)))
    chosen = {int(key.rpartition("_")[2]) for key in parts}
    numbers = [number for number in range(blocks) if number * of // blocks in chosen]
    return None if len(numbers) == blocks else numbers


def keys_of(table: WorldTable, options: WorldOptions, numbers: Sequence[int], of: int) -> list[str]:
    """The partitions in which these blocks are; no numbers: all of them."""
    if not numbers:
        return [f"block_{part:03d}" for part in range(of)]
    blocks = len(list(table.blocks("", options)))
    return [f"block_{part:03d}" for part in sorted({number * of // blocks for number in numbers})]


def options_key(name: str) -> str:
    """The name of a world's resource."""
    return f"{name}_options"


@dg.definitions
def defs() -> dg.Definitions:
    """A resource per world, the campus's among them."""
    worlds = {options_key(name): world_resource(world(name)) for name in WORLDS}
    return dg.Definitions(
        resources={**worlds, options_key("campus"): CampusResource.configure_at_launch()}
    )


def _kind(annotation: Any) -> Any:
    return (annotation if annotation in _PLAIN else str) | None


def _meaning(field: Any) -> str:
    """What an option means, its bounds and its default."""
    text = str(field.description)
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    least = getattr(bounds.get("Ge"), "ge", None)
    most = getattr(bounds.get("Le"), "le", None)
    if least is not None and most is not None:
        text += (
            f", from {least:,} to {most:,}" if isinstance(least, int) else f", {least} to {most}"
        )
    if not field.is_required() and field.default is not None:
        text += f" [{field.default}]"
    return f"{text[0].upper()}{text[1:]}"
