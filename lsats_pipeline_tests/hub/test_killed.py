"""kill -9 in the middle of each layer: the next run completes, nothing lost, nothing doubled.

The victim is a real process. It stops itself at the named point and is killed there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import CHECKOUT, HubSettings, load
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.parsers import TEXT
from lsats_pipeline.hub.silver.spec import Column, StagingTable
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.hub.sources.lab_awards.client import NEEDED
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.source import Detail
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.stand_in import Pretend

PEOPLE = 1000


def scene() -> tuple[Pretend, Detail, StagingTable]:
    """The same source, detail and table in both processes."""
    people = Pretend()
    people.records = {n: {"id": f"p{n:04}", "name": f"Name {n}"} for n in range(PEOPLE)}
    detail = Detail(people.stream, lambda client, key: b'{"id": "%s"}' % key.encode(), key=("id",))
    columns = (Column("id", TEXT, "id"), Column("name", TEXT, "name"))
    table = StagingTable("victims", people.stream, ("id",), columns, detail=detail)
    return people, detail, table


def read_document(warehouse: Warehouse, settings: HubSettings) -> Report:
    """Ingest awards from the inbox of these settings."""
    awards = stream("lab_awards_lab_award")
    folder = load(DocumentSettings, lsats_home=settings.lsats_home)
    with source("lab_awards").connect(folder) as inbox:
        return ingest(warehouse, settings, awards, lambda: inbox, settings.today())


VICTIM = """
import sys, time, datetime as dt
from contextlib import nullcontext
from pathlib import Path
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.hub.bronze import landing
from lsats_pipeline.hub.bronze.ingest import read_stream
from lsats_pipeline.hub.bronze.read_ahead import ReadAhead
from lsats_pipeline.hub.bronze.spool import Spool
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver import build as silver
from lsats_pipeline.hub.sources import files
from lsats_pipeline_tests.hub.test_killed import read_document, scene

url, home, point = sys.argv[1:]
settings = load(HubSettings, lsats_home=Path(home), lsats_today=dt.date(2026, 3, 2), batch_size=100)

def stop_at(cls, name, calls):
    original, left = getattr(cls, name), [calls]
    def stopping(self, *args, **options):
        left[0] -= 1
        if left[0] == 0:
            print("here", flush=True)
            time.sleep(60)
        return original(self, *args, **options)
    setattr(cls, name, stopping)

def stop_before_moving():
    def stopping(*args):
        print("here", flush=True)
        time.sleep(60)
    files.archive = stopping

people, detail, table = scene()
with Warehouse(url) as warehouse:
    match point:
        case "fetch":
            stop_at(Spool, "append", 70)
            people.ingest(warehouse, settings)
        case "reader":
            stop_at(Spool, "append", 70)
            ahead = ReadAhead({"tdx": nullcontext()})
            ahead.start(
                {people.stream: settings.today()},
                lambda stream, day: read_stream(warehouse, settings, stream, lambda: None, day),
            )
            ahead.take(people.stream, settings.today())
        case "landing":
            stop_at(landing.Landing, "add", 5)
            people.ingest(warehouse, settings)
        case "heads":
            stop_at(landing.Landing, "finish", 1)
            people.ingest(warehouse, settings)
        case "enrichment":
            stop_at(Spool, "append", 3)
            enrich(warehouse, settings, detail, lambda: None, settings.today())
        case "archive":
            stop_before_moving()
            read_document(warehouse, settings)
        case "silver":
            stop_at(silver._Build, "_checks", 1)
            silver.build(warehouse, settings, table, settings.today())
"""


@pytest.fixture
def killed(warehouse, hub_settings):
    """Run the victim to the point and kill it there."""

    def run(point: str) -> None:
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, warehouse.url, str(hub_settings.lsats_home), point],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
        assert victim.stdout is not None
        with victim.stdout:
            assert victim.stdout.readline() == b"here\n"
            victim.kill()
            victim.wait()

    return run


def statuses(warehouse):
    return [s for (s,) in warehouse.query("select status from meta.ingestion_runs order by run_id")]


@pytest.mark.parametrize("point", ["fetch", "reader", "landing", "heads"])
def test_bronze(warehouse, hub_settings, killed, point):
    people, _, _ = scene()
    killed(point)
    assert warehouse.query("select count(*) from bronze.raw_entities") == [(0,)]
    assert warehouse.query("select count(*) from bronze.heads") == [(0,)]
    report = people.ingest(warehouse, hub_settings)
    assert (report.counts.created, report.counts.rejected) == (PEOPLE, 0)
    # 70 pages of 7 were on their way; only what had not been stored is read again.
    assert people.pages_read == (143 - 69 if point in ("fetch", "reader") else 0)
    assert statuses(warehouse) == ["failed", "completed"]
    assert warehouse.query(
        "select count(*), count(distinct external_id) from bronze.raw_entities"
    ) == [(PEOPLE, PEOPLE)]
    assert people.ingest(warehouse, hub_settings).counts.changed == 0


def test_enrichment(warehouse, hub_settings, killed):
    people, detail, _ = scene()
    people.ingest(warehouse, hub_settings)
    killed("enrichment")
    asked = []

    def fetch(client, key):
        asked.append(key)
        return b'{"id": "%s"}' % key.encode()

    report = enrich(
        warehouse, hub_settings, replace(detail, fetch=fetch), lambda: None, hub_settings.today()
    )
    # Two checkpoints of 200 calls were stored before the third was cut.
    assert len(asked) == PEOPLE - 400
    assert report.counts.created == PEOPLE
    assert report.metadata["waiting"] == 0
    assert warehouse.query(
        "select count(*) from bronze.heads where entity_type = 'user_detail'"
    ) == [(PEOPLE,)]


def test_document(warehouse, hub_settings, killed):
    inbox = hub_settings.lsats_home / "inbox"
    inbox.mkdir(parents=True)
    file = inbox / "lab_awards.csv"
    rows = [NEEDED, *([f"AWD{n}" if c == "Award Id" else "x" for c in NEEDED] for n in range(9))]
    file.write_text("".join(",".join(row) + "\n" for row in rows))
    arrived = hub_settings.now().timestamp() - 86_400
    os.utime(file, (arrived, arrived))
    killed("archive")
    assert warehouse.query("select count(*) from bronze.raw_entities") == [(9,)]
    assert file.exists()
    report = read_document(warehouse, hub_settings)
    assert (report.counts.processed, report.note.endswith("has landed already")) == (0, True)
    assert list(inbox.iterdir()) == []
    day = hub_settings.lsats_home / "archive" / "lab_awards" / "2026-03-02"
    assert [path.name for path in day.iterdir()] == ["lab_awards.csv"]
    assert statuses(warehouse) == ["completed", "completed"]


def test_silver(warehouse, hub_settings, killed):
    people, _, table = scene()
    people.ingest(warehouse, hub_settings)
    with warehouse.owner() as connection:
        declare_tables(connection, [table])
    killed("silver")
    assert warehouse.query("select count(*) from silver.victims") == [(0,)]
    assert build(
        warehouse, hub_settings, table, hub_settings.today()
    ).counts.created == PEOPLE  # fmt: skip
    people.records[1] = {"id": "p0001", "name": "Changed"}
    people.ingest(warehouse, hub_settings)
    killed("silver")
    assert warehouse.query("select count(*) from silver.victims_history") == [(0,)]
    assert build(warehouse, hub_settings, table, hub_settings.today()).counts.updated == 1
    assert warehouse.query("select name, valid_from < valid_to from silver.victims_history") == [
        ("Name 1", True)
    ]
