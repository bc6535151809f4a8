"""What is seeded in a database: a row per table in `<world>.seeded`, per block in `seeded_blocks`.

The same two tables in `<world>_staging` say what is staged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.synthetic.spec import World, WorldOptions
from lsats_pipeline.synthetic.targets.session import Connection

_TABLES = """
create schema if not exists {schema};
create table if not exists {seeded} (
    table_name text primary key,
    options jsonb not null,
    strangers bigint not null default 0,
    seeded_at timestamptz not null default clock_timestamp()
);
comment on schema {schema} is {about};
comment on table {seeded} is 'tables that were seeded, and from what';
comment on column {seeded}.table_name is 'the table';
comment on column {seeded}.options is 'options of the world that its rows were made with';
comment on column {seeded}.seeded_at is 'when it was last seeded';
comment on column {seeded}.strangers is 'rows that were there before, of somebody else';
create table if not exists {blocks} (
    table_name text not null,
    number int not null,
    rows bigint not null,
    sha256 text not null,
    primary key (table_name, number)
);
comment on table {blocks} is 'blocks of rows that are in';
comment on column {blocks}.table_name is 'the table';
comment on column {blocks}.number is 'number of the block, from 0';
comment on column {blocks}.rows is 'its rows';
comment on column {blocks}.sha256 is 'hash of its rows as CSV';
"""

_CLEARED = """
create table if not exists {cleared} (
    run_id text primary key,
    cleared_at timestamptz not null default clock_timestamp()
);
comment on table {cleared} is 'runs that deleted rows of the world before their first step';
comment on column {cleared}.run_id is 'the run of Dagster, and a hash of its options';
comment on column {cleared}.cleared_at is 'when it deleted them';
"""


class Ledger:
    """The record in one schema, `retail` or `retail_staging`.

    `program`: the version of the program, where rows of another must not be added to.
    """

    def __init__(self, world: World, options: WorldOptions, schema: str, program: str = "") -> None:
        self.schema, self._world = schema, world
        self._options = as_json(options) | ({"program": program} if program else {})
        self._seeded = sql.Identifier(schema, "seeded")
        self._blocks = sql.Identifier(schema, "seeded_blocks")

    def make(self, connection: Connection) -> None:
        """Create schema and record where they are missing."""
        connection.execute(
            sql.SQL(_TABLES).format(
                schema=sql.Identifier(self.schema),
                seeded=self._seeded,
                blocks=self._blocks,
                about=sql.Literal(f"synthetic world: {self._world.about}"),
            )
        )

    def exists(self, connection: Connection) -> bool:
        """Whether anything was ever recorded here."""
        return table_exists(connection, self.schema, "seeded")

    def others(self, connection: Connection) -> dict[str, Any] | None:
        """The options of a table that was made with others than these, if there is one."""
        row = connection.execute(
            sql.SQL("select options from {} where options <> {} limit 1").format(
                self._seeded, sql.Literal(Jsonb(self._options))
            )
        ).fetchone()
        return row[0] if row else None

    def require_same(self, connection: Connection) -> None:
        """ConfigurationError when the world is there with other options."""
        other = self.others(connection)
        if other is None:
            return
        differing = sorted(k for k in self._options if other.get(k) != self._options[k])
        differences = ", ".join(
            f"{k} {other.get(k)} (asked for: {self._options[k]})" for k in differing
        )
        raise ConfigurationError(
            f"database {connection.info.dbname!r} already holds world {self._world.name} with"
            f" {differences or 'an earlier version of its options'}; use the same, add --clear to"
            " replace it, or use another database"
        )

    def blocks(self, connection: Connection, table: str) -> dict[int, str]:
        """Blocks of a table that are in: number to hash."""
        rows = connection.execute(
            sql.SQL("select number, sha256 from {} where table_name = %s").format(self._blocks),
            [table],
        ).fetchall()
        return dict(rows)

    def add_table(self, connection: Connection, table: str, strangers: int = 0) -> None:
        """Record a table; its number of foreign rows (`strangers`) is kept from the first time."""
        connection.execute(
            sql.SQL(
                "insert into {} (table_name, options, strangers) values (%s, %s, %s)"
                " on conflict (table_name) do update set options = excluded.options,"
                " seeded_at = excluded.seeded_at"
            ).format(self._seeded),
            [table, Jsonb(self._options), strangers],
        )

    def add_blocks(
        self, connection: Connection, table: str, blocks: Iterable[tuple[int, int, str]]
    ) -> None:
        """Record blocks: number, rows, hash."""
        with connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL(
                    "insert into {} values (%s, %s, %s, %s) on conflict (table_name, number)"
                    " do update set rows = excluded.rows, sha256 = excluded.sha256"
                ).format(self._blocks),
                [(table, *block) for block in blocks],
            )

    def clears_for(self, connection: Connection, run: str) -> bool:
        """Enter that a run clears the world; false when it has done so already."""
        cleared = sql.Identifier(self.schema, "cleared")
        connection.execute(sql.SQL(_CLEARED).format(cleared=cleared))
        entered = connection.execute(
            sql.SQL("insert into {} (run_id) values (%s) on conflict do nothing").format(cleared),
            [run],
        )
        return entered.rowcount == 1

    def forget(self, connection: Connection, table: str) -> None:
        """Drop the records of a table."""
        for name in (self._seeded, self._blocks):
            connection.execute(
                sql.SQL("delete from {} where table_name = %s").format(name), [table]
            )


class Seeded(NamedTuple):
    """What a database records of a seeded table."""

    options: dict[str, Any]
    strangers: int
    rows: int
    blocks: int
    sha256: str


def seeded(connection: Connection, world: str) -> dict[str, Seeded]:
    """What was seeded of a world, by table."""
    if not table_exists(connection, world, "seeded"):
        return {}
    rows = connection.execute(
        sql.SQL(
            "select s.table_name, s.options, s.strangers, coalesce(sum(b.rows), 0)::bigint,"
            " array_remove(array_agg(b.sha256 order by b.number), null)"
            " from {} s left join {} b using (table_name) group by s.table_name"
        ).format(sql.Identifier(world, "seeded"), sql.Identifier(world, "seeded_blocks"))
    ).fetchall()
    return {
        name: Seeded(options, strangers, int(count), len(hashes), table_hash(hashes))
        for name, options, strangers, count, hashes in rows
    }


def table_hash(blocks: Iterable[str]) -> str:
    """The hash of a table: of the hashes of its blocks in order."""
    return sha256("".join(blocks).encode()).hexdigest()


def table_exists(connection: Connection, schema: str, table: str) -> bool:
    """Whether there is such a table."""
    row = connection.execute(
        "select exists (select from pg_tables where schemaname = %s and tablename = %s)",
        [schema, table],
    ).fetchone()
    return bool(row and row[0])


def as_json(options: WorldOptions) -> dict[str, Any]:
    """Options as they are recorded."""
    value: dict[str, Any] = json.loads(options.model_dump_json())
    return value
