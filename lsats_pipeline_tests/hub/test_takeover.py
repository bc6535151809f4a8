"""A hub of an earlier version goes on with the present code: nothing lost, nothing redone.

What was added since (sources, streams, tables, columns, rules) is left out first, and tables that
were changed on purpose: the rest of every declaration has to be what it was, to the letter. The
last test takes over with all there is.
"""

from __future__ import annotations

import datetime as dt
import json
import lzma
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub import hub as declaring
from lsats_pipeline.hub.bronze.replay import replay
from lsats_pipeline.hub.hub import Hub, prepare
from lsats_pipeline.hub.silver import consumers
from lsats_pipeline.hub.silver.ddl import fingerprint
from lsats_pipeline.hub.silver.spec import IntegratedTable, StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Detail, Source, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.programs import psql
from lsats_pipeline.warehouse.rejects import open_counts
from lsats_pipeline_tests.hub.silver.by_hand import with_upstream

DUMP = Path(__file__).parent / "dumps" / "hub_03413cd.sql.xz"
# A database holds columns, but no rules that no row has broken.
RULES: dict[str, list[str]] = json.loads(
    (DUMP.parent / "hub_03413cd.rules.json").read_text(encoding="utf-8")
)
# Tables whose SQL or columns were changed on purpose since, each with its reason.
CHANGED: dict[str, str] = json.loads(
    (DUMP.parent / "hub_03413cd.changed.json").read_text(encoding="utf-8")
)
MADE_BY = 180_000  # ids come from a function that older servers do not have
LAST_DAY = dt.date(2026, 11, 30)
SCHEMAS = ("bronze", "enrichment", "meta", "silver", "mrf", "campus")
# Every run adds to these: a line in the log, and its id as the last that touched a table.
RUN_LOG = {"meta.ingestion_runs", "meta.quality"}

Contents = dict[str, tuple[int, str]]
Shape = dict[tuple[str, str], list[str]]


def contents(warehouse: Warehouse, shape: Shape) -> Contents:
    """Number of rows and a hash of them all, for every table, by the columns that it had.

    Not of the declarations under which rows were built: a test of its own compares those.
    """
    with warehouse.owner() as connection:
        return {
            f"{schema}.{table}": _content(connection, sql.Identifier(schema, table), names)
            for (schema, table), names in shape.items()
            if (schema, table) != ("meta", "declarations")
        }


def _content(
    connection: psycopg.Connection[tuple[object, ...]], table: sql.Identifier, names: list[str]
) -> tuple[int, str]:
    row = connection.execute(
        sql.SQL(
            "select count(*), coalesce(md5(string_agg(item::text, E'\\n'"
            " order by item::text collate \"C\")), '') from (select {} from {}) as item"
        ).format(sql.SQL(", ").join(map(sql.Identifier, names)), table)
    ).fetchone()
    assert row is not None
    return int(str(row[0])), str(row[1])


def without_log(found: Contents) -> Contents:
    return {name: content for name, content in found.items() if name not in RUN_LOG}


def shape_of(warehouse: Warehouse) -> Shape:
    """The columns of every table."""
    found: Shape = {}
    for schema, table, column in warehouse.query(
        "select table_schema, table_name, column_name from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_type = 'BASE TABLE' and table_schema = any(%s)"
        " order by 1, 2, ordinal_position",
        [list(SCHEMAS)],
    ):
        found.setdefault((schema, table), []).append(column)
    return found


@pytest.fixture
def old(postgres: str, database_url: str, template: str) -> Iterator[Warehouse]:
    """The hub of the dump; its roles are those that the template's migration has made."""
    del template
    with psycopg.connect(postgres) as connection:
        if connection.info.server_version < MADE_BY:
            pytest.skip("a dump of PostgreSQL 18 is not for older servers")
    result = subprocess.run(
        [psql(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={database_url}"],
        input=lzma.decompress(DUMP.read_bytes()),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert result.returncode == 0, result.stderr.decode()
    with Warehouse(database_url) as opened:
        yield opened


@dataclass(frozen=True)
class Declared:
    """Sources and tables, in order."""

    sources: tuple[Source, ...]
    tables: tuple[Table, ...]

    @property
    def streams(self) -> list[Stream]:
        return [stream for source in self.sources for stream in source.streams]


def declared_then(old: Warehouse) -> Declared:
    """The present declarations without what the hub of the dump did not have."""
    streams = {row[0] for row in old.query("select distinct entity from meta.ingestion_runs")}
    silver = {
        table: set(names) for (schema, table), names in shape_of(old).items() if schema == "silver"
    }
    sources = (
        replace(
            source,
            streams=tuple(s for s in source.streams if s.name in streams),
            details=tuple(d for d in source.details if d.of.name in streams),
        )
        for source in SOURCES
    )
    return Declared(
        tuple(source for source in sources if source.streams),
        tuple(
            table_then(table, silver[table.name])
            for table in SILVER_TABLES
            if table.name in silver and table.name not in CHANGED
        ),
    )


def table_then(table: Table, names: set[str]) -> Table:
    """A table without further columns and rules; a SQL model's query has those it has."""
    rules = tuple(rule for rule in table.rules if rule.name in RULES[table.name])
    if isinstance(table, StagingTable):
        return replace(
            table,
            rules=rules,
            columns=tuple(c for c in table.columns if c.name in names),
            computed=tuple(c for c in table.computed if c.name in names),
        )
    if isinstance(table, IntegratedTable):
        return replace(
            table, rules=rules, columns=tuple(c for c in table.columns if c.name in names)
        )
    return replace(table, rules=rules)


def unchanged(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of rows that begin with the name of a table, those of tables not changed on purpose."""
    return [row for row in rows if row[0] not in CHANGED]


@pytest.fixture
def then(old: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Declared:
    """The declarations of then, which are those of the code for this test."""
    found = declared_then(old)
    monkeypatch.setattr(declaring, "SOURCES", found.sources)
    monkeypatch.setattr(declaring, "SILVER_TABLES", found.tables)
    monkeypatch.setattr(consumers, "VIEWS", tuple(views_then(old)))
    return found


def views_then(old: Warehouse) -> Iterator[Path]:
    """Files of views that need no table added since; other views stay as they were."""
    added = {t.name for t in SILVER_TABLES} - {table for _, table in shape_of(old)}
    for file in consumers.VIEWS:
        if not added & set(re.findall(r"silver\.(\w+)", file.read_text("utf-8"))):
            yield file


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return load(HubSettings, lsats_home=tmp_path / "home", lsats_today=LAST_DAY)


def test_every_row_is_there_after_the_takeover(old: Warehouse, then: Declared) -> None:
    shape = shape_of(old)
    before = contents(old, shape)
    assert before["bronze.raw_entities"][0] > 1_000
    assert all(before[f"silver.{table.name}"][0] for table in then.tables)
    assert all(before[f"meta.{name}"][0] for name in ("ingestion_runs", "consumed_runs", "rejects"))
    prepare(old)
    after = contents(old, shape)
    # Its fingerprints, under which rows were built, are compared by a test of its own.
    assert after | {"meta.quality": before["meta.quality"]} == before


def test_nothing_is_built_anew(old: Warehouse, then: Declared, settings: HubSettings) -> None:
    prepare(old)
    shape = shape_of(old)
    before = contents(old, shape)
    hub = Hub(settings, old)
    reports = {table.name: hub.build(table) for table in then.tables}
    assert {name for name, report in reports.items() if report.metadata["full"]} == set()
    assert {report.note for report in reports.values()} == {"nothing new upstream"}
    assert without_log(contents(old, shape)) == without_log(before)


def test_the_declarations_are_those_of_the_rows(old: Warehouse, then: Declared) -> None:
    """The fingerprints under which the rows were built are those of the declarations of then.

    A column or a rule that is gone or has another name turns this red, and so does other SQL.
    """
    assert set(CHANGED) <= set(RULES)
    migrate(old.url)
    built = old.query("select table_name, fingerprint from meta.quality order by 1")
    declared = old.query(
        "select substr(name, 8), fingerprint from meta.declarations"
        " where name like 'silver.%%' order by 1"
    )
    assert len(built) == len(RULES) == len(then.tables) + len(CHANGED)
    assert built == declared
    assert unchanged(built) == sorted((table.name, fingerprint(table)) for table in then.tables)


def test_a_full_build_gives_the_same_rows(
    old: Warehouse, then: Declared, settings: HubSettings
) -> None:
    prepare(old)
    shape = shape_of(old)
    before = contents(old, shape)
    hub = Hub(settings, old)
    changed = {table.name: hub.build(table, full=True).counts.changed for table in then.tables}
    assert {name: count for name, count in changed.items() if count} == {}
    assert without_log(contents(old, shape)) == without_log(before)


def test_rejects_are_kept_and_can_be_tried_again(
    old: Warehouse, then: Declared, settings: HubSettings
) -> None:
    prepare(old)
    shape = shape_of(old)
    before = contents(old, shape)["bronze.raw_entities"]
    with old.connection() as connection:
        open_before = open_counts(connection)
    declared: list[Stream | Detail] = [*then.streams]
    declared += [detail for source in then.sources for detail in source.details]
    tried = [replay(old, settings, one).metadata for one in declared]
    assert sum(found.get("refused", 0) for found in tried) > 20
    assert sum(found.get("replayed", 0) for found in tried) == 0
    with old.connection() as connection:
        assert open_counts(connection) == open_before
    assert contents(old, shape)["bronze.raw_entities"] == before


def test_the_hub_goes_on(old: Warehouse, then: Declared, settings: HubSettings) -> None:
    """The same day again brings nothing, the next one what its campus has changed."""
    prepare(old)
    hub = Hub(settings, old, SimulatedCampus())
    try:
        again = [hub.ingest(stream) for stream in then.streams]
    finally:
        hub.close()
    assert [str(report.asset) for report in again if report.counts.changed] == []
    assert sum(report.counts.skipped for report in again) > 800

    tomorrow = settings.model_copy(update={"lsats_today": LAST_DAY + dt.timedelta(days=1)})
    hub = Hub(tomorrow, old, SimulatedCampus())
    try:
        read = [hub.ingest(stream) for stream in then.streams]
        built = [hub.build(table) for table in then.tables]
    finally:
        hub.close()
    assert 0 < sum(report.counts.changed for report in read) < 200
    assert sum(report.counts.changed for report in built) > 0
    assert not any(report.metadata["full"] for report in built)


def test_only_what_has_grown_is_built_anew(old: Warehouse, settings: HubSettings) -> None:
    """With everything that was added since: the rows of then stay, what is new is filled.

    Those of tables that build on changed ones may become more, or other ones.
    """
    then = {table.name: table for table in declared_then(old).tables}
    grown = {table.name for table in SILVER_TABLES if then.get(table.name) != table}
    shape = shape_of(old)
    before = contents(old, shape)
    prepare(old)
    hub = Hub(settings, old)
    reports = {table.name: hub.build(table) for table in SILVER_TABLES}
    assert {name for name, report in reports.items() if report.metadata["full"]} == grown
    assert [name for name, report in reports.items() if report.blocked] == []
    after = contents(old, shape)
    kept = {name for name in before if name.startswith(("bronze.", "enrichment.", "campus."))}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    steady = {
        name for name, t in then.items() if not any(u.name in CHANGED for u in with_upstream(t))
    }
    assert {name: after[f"silver.{name}"][0] for name in steady} == {
        name: before[f"silver.{name}"][0] for name in steady
    }
