"""Options and blocks of synthetic worlds as Dagster has them: a resource each, partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field, PrivateAttr, create_model

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.default_partition import choose_default
from lsats_pipeline.defs.failures import as_dagster_failure
from lsats_pipeline.synthetic.seed_options import choose
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

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _url: str = PrivateAttr(default="")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WorldResource]:
        """Open as long as the run lasts."""
        choose_default(context)
        with self._open:
            yield self

    def options(self) -> WorldOptions:
        """The options of this run."""
        names = type(self).model_fields
        chosen = {n: v for n in names if (v := getattr(self, n)) is not None}
        return choose(self.world, chosen)

    def url(self) -> str:
        """The hub's database, which must be one for synthetic data."""
        if not self._url:
            with as_dagster_failure():
                self._url = self._open.enter_context(hub_url(load(HubSettings)))
                require_synthetic_database(database_name(self._url))
        return self._url


def world_resource(declared: World) -> WorldResource:
    """The resource of a world: a field for each of its options."""
    fields: dict[str, Any] = {
        name: (_kind(field.annotation), Field(None, description=field.description))
        for name, field in declared.options.model_fields.items()
    }
    kind = create_model(f"{declared.name.capitalize()}Options", __base__=WorldResource, **fields)
    kind.world = declared
    return kind()


def block_counts(declared: World) -> dict[str, int]:
    """How many blocks each table has by default."""
    options = choose(declared)
    return {
        table.name: len(list(table.blocks(declared.name, options))) for table in declared.tables
    }


def block_keys(declared: World) -> list[str]:
    """Keys of a world's partitions: as many as its largest table has blocks by default."""
    return [f"block_{number:03d}" for number in range(max(block_counts(declared).values()))]


def numbers_of(table: WorldTable, options: WorldOptions, keys: Sequence[str], of: int) -> list[int]:
    """The blocks of a table in these partitions, of `of` in all: to each a contiguous share.

    For the largest table at its default size, a partition is a block.
    """
    blocks = len(list(table.blocks("", options)))
    parts = {int(key.rpartition("_")[2]) for key in keys}
    return [number for number in range(blocks) if number * of // blocks in parts]


def options_key(name: str) -> str:
    """The name of a world's resource."""
    return f"{name}_options"


@dg.definitions
def defs() -> dg.Definitions:
    """A resource per world."""
    return dg.Definitions(
        resources={options_key(name): world_resource(world(name)) for name in WORLDS}
    )


def _kind(annotation: Any) -> Any:
    return (annotation if annotation in _PLAIN else str) | None
