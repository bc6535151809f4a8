"""What a world declares: options, tables, how a block of rows is made, what must hold.

World ── options (flags, variables, lines of a config file)
  └── WorldTable, one file each ── SQLAlchemy table, number of rows, generator of a block, rules

A block is a fixed range of rows that can be made alone, in any order, in any process: its random
values come from (world, table, block, seed, purpose) and from nothing else.
"""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from lsats_pipeline.core.declaration import Place, place
from lsats_pipeline.core.errors import BadDeclaration, ConfigurationError
from lsats_pipeline.synthetic.columns import schema_of
from lsats_pipeline.synthetic.rules import WorldRule
from lsats_pipeline.synthetic.sampling import generator

Columns = Mapping[str, Any]


def options_config(prefix: str) -> SettingsConfigDict:
    """How a world's options are read: variables `PREFIX_NAME`, `.env`, and nothing else."""
    return SettingsConfigDict(
        env_prefix=prefix, env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )


class WorldOptions(BaseSettings):
    """What may be chosen of any world. Every field is a flag too (`--as-of`), and hashable."""

    seed: int = Field(42, ge=0, lt=2**63, description="the same seed, the same bytes")
    as_of: dt.date = Field(
        dt.date(2025, 10, 1), description="the day that the world takes for today"
    )


@dataclass(frozen=True)
class Block:
    """A range of rows to make: `start` up to, without, `stop`, counted from 0 in the table."""

    world: str
    table: str
    number: int
    start: int
    stop: int
    options: Any

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def rows(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The numbers of the rows, from 0 in the table."""
        return np.arange(self.start, self.stop, dtype=np.int64)

    def rng(self, purpose: str) -> np.random.Generator:
        """The random generator of this block for one purpose, commonly a column."""
        return generator(self.options.seed, self.world, self.table, str(self.number), purpose)


@dataclass(frozen=True)
class WorldTable:
    """A table of a world.

    `generate` gives for a block each column's values: a numpy or Arrow array, a list, or one value
    for all rows. Columns of money take whole units of the last digit (cents).
    `key`: the natural key, by which a second run finds its rows; by default the primary key.
    `stamped`: `created_at` and `updated_at` say when the row came to the database; a second run
    keeps the first and moves the second.
    `renamed`: for a unique column, SQL for another value where a row of somebody else has that one.
    `cpu_bound`: worth a process of its own (text); vectorised tables are not.
    """

    table: sa.Table
    rows: Callable[[Any], int]
    generate: Callable[[Block], Columns]
    about: str
    rules: tuple[WorldRule, ...] = ()
    key: tuple[str, ...] = ()
    stamped: bool = False
    renamed: Mapping[str, str] | None = None
    block: int = 20_000
    cpu_bound: bool = False
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.block < 1:
            raise BadDeclaration(f"{self.name}: a block of {self.block} rows")
        for column in (*self.natural_key, *(self.renamed or {})):
            if column not in self.table.c:
                raise BadDeclaration(f"{self.name}: there is no column {column!r}")

    @property
    def name(self) -> str:
        """Its name in the world's schema, and in `lsats seed`."""
        return str(self.table.name)

    @property
    def natural_key(self) -> tuple[str, ...]:
        """Columns by which a second run finds the row."""
        return self.key or tuple(column.name for column in self.table.primary_key)

    @cached_property
    def schema(self) -> pa.Schema:
        """Its columns as Arrow types."""
        return schema_of(self.table)

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Names of the other tables that it refers to."""
        referred = {key.column.table.name for key in self.table.foreign_keys}
        return tuple(sorted(referred - {self.name}))

    def blocks(self, world: str, options: WorldOptions) -> Iterator[Block]:
        """All blocks of the table in order."""
        total = self.rows(options)
        for number, start in enumerate(range(0, total, self.block)):
            yield Block(world, self.name, number, start, min(start + self.block, total), options)


@dataclass(frozen=True)
class World:
    """A world: its schema has its name. `tables` are kept parents first.

    `required`: what has to be set before anything is made, as (field, explanation).
    `glossary`: what columns without a comment of their own mean, by `table.column` or by name.
    """

    name: str
    about: str
    options: type[WorldOptions]
    tables: tuple[WorldTable, ...]
    required: Callable[[Any], None] | None = None
    glossary: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        if len(set(names)) != len(names):
            raise BadDeclaration(f"world {self.name}: two tables of one name in {sorted(names)}")
        object.__setattr__(self, "tables", _parents_first(self.name, self.tables))
        self._check_rules()
        for table in self.tables:
            for column in table.table.columns:
                words = self.glossary.get(f"{table.name}.{column.name}")
                column.comment = words or column.comment or self.glossary.get(column.name)

    def table(self, name: str) -> WorldTable:
        """One table by name; ConfigurationError lists those there are."""
        for table in self.tables:
            if table.name == name:
                return table
        known = ", ".join(t.name for t in self.tables)
        raise ConfigurationError(f"world {self.name} has no table {name!r}; it has {known}")

    def _check_rules(self) -> None:
        names = [(table.name, rule.name) for table in self.tables for rule in table.rules]
        twice = sorted({f"{t}: {name}" for t, name in names if names.count((t, name)) > 1})
        if twice:
            raise BadDeclaration(f"world {self.name}: two rules of one name: {', '.join(twice)}")


def tables_in(package: str) -> tuple[WorldTable, ...]:
    """`TABLE` of every module of a package: a table is one file, and adding it touches no other."""
    found = importlib.import_module(package)
    modules = sorted(module.name for module in pkgutil.iter_modules(found.__path__))
    return tuple(importlib.import_module(f"{package}.{name}").TABLE for name in modules)


def _parents_first(world: str, tables: Sequence[WorldTable]) -> tuple[WorldTable, ...]:
    by_name = {table.name: table for table in sorted(tables, key=lambda t: t.name)}
    for table in by_name.values():
        if missing := set(table.parents) - set(by_name):
            raise BadDeclaration(f"{world}.{table.name} refers to {sorted(missing)}: no such table")
    try:
        order = TopologicalSorter({n: t.parents for n, t in by_name.items()}).static_order()
        return tuple(by_name[name] for name in order)
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise BadDeclaration(f"world {world}: tables refer to each other: {cycle}") from None
