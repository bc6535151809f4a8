"""What a silver table declares. DDL, SQL, checks, metadata and documentation all follow from it.

StagingTable   tier 1: one typed row per record of a stream (with its detail, if there is one)
IntegratedTable   tier 2: one row per person, machine, ..., from several tier 1 tables
SqlModel  tiers 2 and 3: rows by an algorithm in a SQL file
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

from lsats_pipeline.core.declaration import Place, place
from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.core.rules import Rule, Severity
from lsats_pipeline.hub.silver.parsers import Parser
from lsats_pipeline.hub.sources.source import Detail, Stream

Name = LiteralString
Sql = LiteralString


@dataclass(frozen=True)
class Column:
    """A column read from the record: `path` is the JSON member, in the detail if `detail`.

    `otherwise`: the member to read where there is no `path`. `document`: one of the table's own
    `documents` to read from.
    """

    name: Name
    parser: Parser
    path: str
    detail: bool = False
    personal: bool = False
    about: str = ""
    otherwise: str = ""
    document: Name = ""

    @property
    def sql_type(self) -> Sql:
        """Its PostgreSQL type."""
        return self.parser.sql_type

    @property
    def origin(self) -> str:
        """Where it comes from, for lineage and the data dictionary."""
        member = f"{self.document}[{self.path}]" if self.document else self.path
        other = f", {self.otherwise}" if self.otherwise else ""
        return f"{'detail ' if self.detail else ''}{member}{other}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The members it reads."""
        return (self.path, self.otherwise) if self.otherwise else (self.path,)


@dataclass(frozen=True)
class Computed:
    """A tier 1 column worked out from other columns and steps of the same row."""

    name: Name
    sql_type: Sql
    expression: Sql
    origin: str = ""
    personal: bool = False
    about: str = ""


@dataclass(frozen=True)
class QualityRule(Rule):
    """Rows for which `condition` holds carry its name as a flag and lose `cost`, if it has one.

    `sources`: the systems that could say better. A site that has none of them has no such flag.
    """

    severity: Severity = field(init=False)
    cost: float
    condition: Sql
    sources: tuple[Name, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "severity", "warn" if self.cost else "note")
        super().__post_init__()


@dataclass(frozen=True)
class Bonus:
    """What a row gains that several systems know: `value`, if no column of `known` is null."""

    value: float
    known: dict[Name, Sql]

    @property
    def condition(self) -> Sql:
        """Whether all of them know it."""
        return " and ".join(f"{column} is not null" for column in self.known.values())


@dataclass(frozen=True)
class Expected:
    """What a table's quality should be at least; missing it warns."""

    mean: float = 0.70
    low_share: float = 0.30


@dataclass(frozen=True)
class StagingTable:
    """Tier 1. Rows are kept by the record's bronze identity, so two records with one key both stay.

    `key`: columns that a row must have; a record without them goes to the rejects. `repeats`: many
    rows may have the same key. `indexes`: columns by which algorithms look rows up.
    `only`: what a record has to be to make a row; others stay in bronze and are not rejects.
    `steps`: named intermediate values that `computed` columns, rules and `only` may use.
    `documents`: further JSON objects, made once per row of `list_data` and `detail_data`, whose
    members columns may read.
    """

    name: Name
    stream: Stream
    key: tuple[Name, ...]
    columns: tuple[Column, ...]
    computed: tuple[Computed, ...] = ()
    steps: dict[Name, Sql] = field(default_factory=dict)
    only: Sql = ""
    rules: tuple[QualityRule, ...] = ()
    detail: Detail | None = None
    documents: dict[Name, Sql] = field(default_factory=dict)
    repeats: bool = False
    indexes: tuple[Name, ...] = ()
    expected: Expected = Expected()
    about: str = ""
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_names(self.name, [c.name for c in self.all_columns], (*self.key, *self.indexes))
        if self.detail is None and any(c.detail for c in self.columns):
            raise BadDeclaration(f"silver.{self.name} reads a detail but declares none")
        if self.detail is not None and self.detail.of is not self.stream:
            raise BadDeclaration(
                f"silver.{self.name}: {self.detail.name} does not complete its stream"
            )

    @property
    def all_columns(self) -> tuple[Column | Computed, ...]:
        """All declared columns in order."""
        return (*self.columns, *self.computed)

    @property
    def identity(self) -> Name:
        """The column that identifies a row."""
        return "external_id"


@dataclass(frozen=True)
class Input:
    """A tier 1 table with rows for the key, found by its column `on`.

    Several rows for one key: the first in `order` is used (as `alias`); `totals` (name to type and
    aggregate) summarise all of them (as `<alias>_all`).
    `enrichment_only`: it adds values to rows that other inputs have, and makes no rows of its own.
    """

    alias: Name
    table: StagingTable
    on: Name
    order: tuple[Sql, ...]
    totals: dict[Name, tuple[Sql, Sql]] = field(default_factory=dict)
    enrichment_only: bool = False


@dataclass(frozen=True)
class Lookup:
    """A tier 1 row that an input's row points to: `match` ("alias.column") equals `key`."""

    alias: Name
    table: StagingTable
    key: Name
    match: Sql
    order: tuple[Sql, ...] = ()

    @property
    def input_alias(self) -> str:
        """The input whose rows point here."""
        return self.match.partition(".")[0]

    @property
    def match_column(self) -> str:
        """The input's pointing column."""
        return self.match.partition(".")[2]


@dataclass(frozen=True)
class Children:
    """Rows of a SQL model that belong to the key, found by `on`.

    `totals` (name to type and aggregate) sum them up, as `alias`.
    """

    alias: Name
    table: SqlModel
    on: Name
    totals: dict[Name, tuple[Sql, Sql]]


@dataclass(frozen=True)
class Coalesce:
    """The first value that is there wins; `field_sources` names the winner.

    A choice is "alias.column", or (source, expression) where the expression says nothing of it.
    """

    name: Name
    sql_type: Sql
    choices: tuple[Sql | tuple[Name, Sql], ...]
    personal: bool = False
    about: str = ""

    def pairs(self) -> Iterator[tuple[str, Sql]]:
        """(source, expression) of each choice."""
        for choice in self.choices:
            yield (choice.partition(".")[0], choice) if isinstance(choice, str) else choice

    @property
    def origin(self) -> str:
        """Where it comes from, for lineage and the data dictionary."""
        return ", ".join(expression for _, expression in self.pairs())


@dataclass(frozen=True)
class Expression:
    """A column worked out from all inputs. `source`: who is named for it, if one system is."""

    name: Name
    sql_type: Sql
    expression: Sql
    source: Name | None = None
    personal: bool = False
    about: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, for lineage and the data dictionary."""
        return self.expression


@dataclass(frozen=True)
class IntegratedTable:
    """Tier 2. `valid`: which keys are valid; rows with other keys are not integrated.

    Columns and rules may use the aliases of inputs, lookups and parts, rules also the columns.
    `excused`: flags of tier 1 rows that say why they are in no row here; others must be.
    `renames`: former keys (`former_<key>`) with the present one, the `records` that still have the
    former one and belong to the present one, and whether any but those for enrichment only do
    (`is_under_way`).
    """

    name: Name
    key: Name
    inputs: tuple[Input, ...]
    columns: tuple[Coalesce | Expression, ...]
    lookups: tuple[Lookup, ...] = ()
    parts: tuple[Children, ...] = ()
    valid: Sql = "true"
    excused: tuple[Name, ...] = ()
    renames: SqlModel | None = None
    rules: tuple[QualityRule, ...] = ()
    bonus: Bonus | None = None
    expected: Expected = Expected()
    about: str = ""
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_names(self.name, [self.key, *(c.name for c in self.columns)], (self.key,))
        aliases = {i.alias for i in self.inputs}
        strangers = [x.alias for x in self.lookups if x.input_alias not in aliases]
        if strangers:
            raise BadDeclaration(f"silver.{self.name}: lookups {strangers} match no input")

    @property
    def all_columns(self) -> tuple[Coalesce | Expression, ...]:
        """All declared columns in order."""
        return self.columns

    @property
    def identity(self) -> Name:
        """The column that identifies a row."""
        return self.key

    @property
    def upstream(self) -> tuple[StagingTable | SqlModel, ...]:
        """The tables it reads, each once."""
        tables: tuple[StagingTable | SqlModel, ...] = (
            *(i.table for i in self.inputs),
            *(x.table for x in self.lookups),
            *(p.table for p in self.parts),
            *((self.renames,) if self.renames else ()),
        )
        return tuple({t.name: t for t in tables}.values())


@dataclass(frozen=True)
class SqlColumn:
    """A column of a SQL model's query. `kept`: people write it; builds leave it alone."""

    name: Name
    sql_type: Sql
    origin: str = ""
    personal: bool = False
    kept: bool = False
    about: str = ""


@dataclass(frozen=True)
class SqlModel:
    """Rows by an algorithm: a readable SQL file next to the declaration.

    `query` selects the declared columns for the scopes in the temporary table `keys (key text)`.
    A scope is what is worked out together: all rows whose `scope` column has its value (a group and
    its members). `identity` is a text column that identifies a row for ever.
    `scopes` selects every scope; `changed_keys` those that upstream runs may have changed, with
    `{runs}` for their ids (uuid[]): None means all of them whenever anything upstream changed.
    `fragments`: pieces of SQL that the query includes by `{name}`, to share them with another.
    `prepare`: SQL files that run before the query, in order, and leave it temporary tables: an
    algorithm of many steps needs them, with `analyze`, for the planner to know what it is doing.
    `lookup_columns`: other columns (text, or lists of it) by which people look for a row's history.
    `expired_keys` selects scopes whose rows are out of date though nothing upstream changed,
    because of `silver.today()` (an award has ended).
    """

    name: Name
    identity: Name
    upstream: tuple[StagingTable | IntegratedTable | SqlModel, ...]
    query: Path
    scopes: Sql
    columns: tuple[SqlColumn, ...]
    scope: Name = ""
    changed_keys: Sql | None = None
    expired_keys: Sql | None = None
    fragments: dict[Name, Path] = field(default_factory=dict)
    prepare: tuple[Path, ...] = ()
    lookup_columns: tuple[Name, ...] = ()
    key: tuple[Name, ...] = ()
    indexes: tuple[Name, ...] = ()
    rules: tuple[QualityRule, ...] = ()
    expected: Expected = Expected()
    about: str = ""
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        known = (self.identity, self.scope_column, *self.key, *self.lookup_columns)
        _check_names(self.name, names, known)

    @property
    def all_columns(self) -> tuple[SqlColumn, ...]:
        """All declared columns in order."""
        return self.columns

    @property
    def scope_column(self) -> Name:
        """The column that says to which scope a row belongs."""
        return self.scope or self.identity


Table = StagingTable | IntegratedTable | SqlModel


def _check_names(table: str, names: list[str], key: tuple[str, ...]) -> None:
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadDeclaration(f"silver.{table} declares {twice} twice")
    if missing := [k for k in key if k not in names]:
        raise BadDeclaration(f"silver.{table} has no column for its key {missing}")
