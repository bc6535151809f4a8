"""The hub's figures, on a simulated campus in a scratch database that is dropped afterwards.

campus ─ simulators ─▶ bronze (load, sweep without news) ─▶ silver (one table, 1 % changed, growth)
"""

from __future__ import annotations

import datetime as dt
import logging
import resource
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, LiteralString, NamedTuple

from psycopg import sql
from psycopg.types.json import Jsonb

from lsats_pipeline.bench import by_hand
from lsats_pipeline.bench.figures import Figure, in_turn, seconds
from lsats_pipeline.bench.scratch import scratch_database
from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.report import Asset, Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.landing import COPY, Landing
from lsats_pipeline.hub.bronze.records import Prepared, preparer
from lsats_pipeline.hub.hub import Hub, prepare
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES, stream
from lsats_pipeline.hub.sources.source import ReadRequest, Stream
from lsats_pipeline.warehouse import Run, Warehouse

log = logging.getLogger(__name__)

_SLOW, _TRIAL = "mcommunity_ldap", 0.2  # seconds that each of its searches waits, to count them
FIRST_DAY = dt.date(2026, 3, 2)


def figures(settings: HubSettings, people: int) -> Iterator[Figure]:
    """Measure everything on a campus of `people` and on one a tenth as large."""
    with _campus(settings, campus.LEAST_PEOPLE) as hub:
        _ingest(hub)
        _build_all(hub)
        fixed = _days(hub).seconds
        yield _side_by_side(hub)
    small = max(campus.LEAST_PEOPLE, people // 10)
    with _campus(settings, small) as hub:
        _ingest(hub)
        small_seconds = _build_all(hub).seconds
    with _campus(settings, people) as hub:
        yield _load(hub)
        _ingest(hub)
        large_seconds = _build_all(hub).seconds
        yield _growth(small, small_seconds, people, large_seconds)
        yield _sweep(hub, "a sweep with nothing new")
        yield _one_table(hub)
        yield from _news(hub, large_seconds, fixed)
        _grow_history(hub.warehouse)
        yield _sweep(hub, "the same with ten times the history")
    yield Figure(
        "peak memory of the process, MB", _peak_megabytes(), 512, detail="all of the above"
    )


@contextmanager
def _campus(settings: HubSettings, people: int) -> Iterator[Hub]:
    """A hub of its own with a new campus."""
    day = settings.model_copy(update={"lsats_today": FIRST_DAY, "database_url": None})
    with scratch_database(settings) as url, Warehouse(url) as warehouse:
        prepare(warehouse)
        with warehouse.owner() as connection:
            campus.create(connection, seed=1, people=people, first_day=FIRST_DAY)
        hub = Hub(_apart(day), warehouse, SimulatedCampus())
        try:
            yield hub
        finally:
            hub.close()


def _apart(settings: HubSettings) -> HubSettings:
    """Spool and documents of the bench stay out of the hub's."""
    home = settings.lsats_home / "bench"
    return settings.model_copy(update={"lsats_home": home, "lsats_data_folder": None})


def _streams() -> list[Stream]:
    return [s for source in SOURCES for s in source.streams]


def _ingest(hub: Hub) -> None:
    for one in _streams():
        hub.ingest(one)
    for source in SOURCES:
        for detail in source.details:
            hub.enrich(detail)


class Build(NamedTuple):
    """All silver tables brought up to date: how long, rows changed, rows that there are."""

    seconds: float
    changed: int
    rows: int


def _build_all(hub: Hub) -> Build:
    reports: list[Report] = []
    duration = seconds(lambda: reports.extend(hub.build(t) for t in SILVER_TABLES))
    changed = sum(r.counts.changed for r in reports)
    return Build(duration, changed, sum(r.metadata["rows"] for r in reports))


def _days(hub: Hub) -> Build:
    """The median of three further simulated days."""
    builds = []
    for _ in range(3):
        day = hub.settings.today() + dt.timedelta(1)
        with hub.warehouse.owner() as connection:
            campus.advance(connection, day)
        hub.settings = hub.settings.model_copy(update={"lsats_today": day})
        _ingest(hub)
        builds.append(_build_all(hub))
    return sorted(builds)[1]


def _load(hub: Hub) -> Figure:
    """Bronze against a bare COPY of the same rows into the same table, both rolled back."""
    declared = stream("mcommunity_ldap_user")
    rows = list(_prepared(hub, declared))
    copied, landed = in_turn(
        lambda: _rolled_back(hub, declared, lambda run: _bare_copy(run, rows)),
        lambda: _rolled_back(hub, declared, lambda run: _landing(run, rows)),
        times=5,
        before_each=lambda: _vacuum(hub.warehouse, "bronze.raw_entities", "bronze.heads"),
    )
    detail = f"{len(rows):,} records: COPY {copied:.2f} s, landed {landed:.2f} s"
    return Figure("bronze load against bare COPY", copied / landed, 0.8, True, detail)


def _prepared(hub: Hub, declared: Stream) -> Iterator[Prepared]:
    client = hub.client(declared.source_system)
    for page in declared.read(client, ReadRequest(FIRST_DAY)):
        yield from (p for p in map(preparer(declared), page.records) if isinstance(p, Prepared))


def _rolled_back(hub: Hub, declared: Stream, work: Any) -> None:
    asset = Asset("bronze", declared.source_system, declared.entity_type, declared.name)
    with (
        hub.warehouse.writer(str(asset)) as connection,
        connection.transaction(force_rollback=True),
    ):
        work(Run(uuid.uuid4(), asset, FIRST_DAY, connection))


def _vacuum(warehouse: Warehouse, *tables: LiteralString) -> None:
    """Rows that were rolled back are gone for the next call, which would stumble over them."""
    with warehouse.owner() as connection:
        connection.autocommit = True
        for table_name in tables:
            connection.execute(sql.SQL("vacuum full {}").format(sql.SQL(table_name)))
        connection.execute("checkpoint")


def _bare_copy(run: Run, rows: list[Prepared]) -> None:
    now = dt.datetime.now(dt.UTC)
    head = (run.asset.source_system, run.asset.entity_type)
    with run.connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for r in rows:
            copy.write_row(
                (
                    *head,
                    r.external_id,
                    r.payload.decode(),
                    r.content_hash,
                    None,
                    run.day,
                    now,
                    run.run_id,
                )
            )


def _landing(run: Run, rows: list[Prepared]) -> None:
    landing = Landing(run, lambda prepared: prepared, dt.datetime.now(dt.UTC))  # type: ignore[arg-type, return-value]
    records = iter(rows)
    while batch := list(islice(records, 2000)):
        landing.add(batch)  # type: ignore[arg-type]
    landing.remove_absent(0.05)
    landing.finish()


def _sweep(hub: Hub, name: str) -> Figure:
    """Every stream that is read over the network, unchanged, against reading and hashing alone."""
    chosen = [s for s in _streams() if not s.documents]

    def read_only() -> None:
        for declared in chosen:
            for _ in _prepared(hub, declared):
                pass

    floor, swept = in_turn(read_only, lambda: [hub.ingest(s) for s in chosen])
    detail = f"reading and hashing {floor:.2f} s, sweep {swept:.2f} s"
    return Figure(f"{name} against reading and hashing", swept / floor, 1.25, detail=detail)


def _side_by_side(hub: Hub) -> Figure:
    """All of bronze against its slowest source alone, which takes five times all the others.

    Read one after the other it would be 1.2 times.
    """
    slow = [s for s in _streams() if s.source_system == _SLOW]
    others = [s for s in _streams() if s.source_system != _SLOW]

    def read(streams: list[Stream]) -> float:
        return seconds(lambda: [hub.ingest(s) for s in streams])

    wanted = 5 * read(others)
    quick = read(slow)
    with _each_search_waits(hub, _TRIAL):
        searches = (read(slow) - quick) / _TRIAL
    with _each_search_waits(hub, max(0.0, (wanted - quick) / searches)):
        alone = read(slow)
        in_turn = alone + read(others)
        other = Hub(hub.settings, hub.warehouse, SimulatedCampus())
        try:
            for source in SOURCES:
                other.client(source.system)

            def side_by_side() -> None:
                other.read_ahead(_streams(), [hub.settings.today()])
                for one in _streams():
                    other.ingest(one)

            wall = seconds(side_by_side)
        finally:
            other.close()
    detail = f"that source {alone:.2f} s, in turn {in_turn:.2f} s, side by side {wall:.2f} s"
    return Figure("bronze against its slowest source alone", wall / alone, 1.1, detail=detail)


@contextmanager
def _each_search_waits(hub: Hub, wait: float) -> Iterator[None]:
    with hub.warehouse.owner() as connection:
        connection.execute(
            "insert into campus.faults values ('slow', %s)",
            [Jsonb({"directory": _SLOW, "seconds": wait})],
        )
    try:
        yield
    finally:
        with hub.warehouse.owner() as connection:
            connection.execute("delete from campus.faults where name = 'slow'")


def _one_table(hub: Hub) -> Figure:
    """A first build against an INSERT ... SELECT written by hand, both into empty tables."""

    def write_by_hand() -> None:
        with hub.warehouse.owner() as connection:
            by_hand.fill(connection)

    def emptied() -> None:
        with hub.warehouse.owner() as connection:
            connection.execute(
                "truncate silver.by_hand, silver.umapi_employees, silver.umapi_employees_history"
            )
            connection.execute("delete from meta.quality where table_name = 'umapi_employees'")

    with hub.warehouse.owner() as connection:
        by_hand.create(connection)
    floor, ours = in_turn(
        write_by_hand, lambda: hub.build(by_hand.TABLE), times=5, before_each=emptied
    )
    with hub.warehouse.owner() as connection:
        by_hand.drop(connection)
    detail = (
        f"by hand {floor:.2f} s (into a table with the same columns and indexes),"
        f" built {ours:.2f} s (with the run log, history, checks, totals and statistics)"
    )
    return Figure("silver of one table against SQL by hand", ours / floor, 1.5, detail=detail)


def _news(hub: Hub, full: float, fixed: float) -> Iterator[Figure]:
    """Days on which a campus changes, against everything; and a day without news.

    The constant is what the same days take on the smallest campus: statements that have to be
    planned, tables that have to be asked, however little changed.
    """
    nothing = _build_all(hub).seconds
    day = _days(hub)
    beyond = max(0.0, day.seconds - fixed)
    share = f"{day.changed:,} of {day.rows:,} rows changed ({day.changed / day.rows:.1%})"
    detail = f"all rows {full:.2f} s; {share}: {day.seconds:.2f} s, constant {fixed:.2f} s"
    yield Figure("silver of a changed day beyond the constant", beyond / full, 0.03, detail=detail)
    detail = f"all rows {full:.2f} s, nothing new {nothing:.2f} s"
    yield Figure("silver of nothing new against everything", nothing / full, 0.1, detail=detail)


def _growth(small: int, small_seconds: float, large: int, large_seconds: float) -> Figure:
    ratio = (large_seconds / large) / (small_seconds / small)
    detail = f"{small:,} people {small_seconds:.2f} s, {large:,} people {large_seconds:.2f} s"
    return Figure("silver seconds a person, large against small campus", ratio, 1.2, detail=detail)


def _grow_history(warehouse: Warehouse) -> None:
    """Nine more versions of everything, as years would bring."""
    with warehouse.owner() as connection:
        connection.execute(
            "insert into bronze.raw_entities (source_system, entity_type, external_id, raw_data,"
            " content_hash, is_removed, partition_key, ingested_at, ingestion_run_id)"
            " select source_system, entity_type, external_id, raw_data, content_hash, is_removed,"
            " partition_key - n, ingested_at - n * interval '1 day', gen_random_uuid()"
            " from bronze.raw_entities, generate_series(1, 9) as n"
        )


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
