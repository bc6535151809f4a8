"""What the simulated campus drops into the data folder, and what the hub reads of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from lsats_pipeline.campus.simulators.documents import drop, move_apart
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.hub.sources.settings import SIMULATED, DocumentSettings
from lsats_pipeline.hub.sources.source import NothingToRead, ReadRequest
from lsats_pipeline.warehouse.database import Connection
from lsats_pipeline_tests.campus.simulators.conftest import DAY, CampusEditor

ZONE = ZoneInfo("America/Detroit")
NEXT = DAY + dt.timedelta(days=1)
CARD = {"Name": "LSA-SYNTH-1", "MAC": "02:00:00:00:00:01", "OEM SN": "SYN1", "Free": 12.5,
        "#": 8, "Last Session": "2026-03-01 08:30:15", "Owner": "lsa"}  # fmt: skip
PART = {"Award Id": "AWD1", "Person Uniqname": "synth1", "Award Title": 'A "title",\nlong',
        "Direct Sponsor Award Reference Number\n(Current Budget Period)": "R-1"}  # fmt: skip


@pytest.fixture
def connection(campus: CampusEditor) -> Iterator[Connection]:
    campus.execute("drop table if exists campus.drops")
    with psycopg.connect(campus.database_url) as opened:
        yield opened


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "home" / "inbox"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != SIMULATED)


def put(campus: CampusEditor, card: Any = CARD, part: Any = PART) -> None:
    campus.put("key_client", "computer", ("020000000001|LSA-SYNTH-1|SYN1", "", card))
    campus.put("lab_awards", "lab_award", ("AWD1|synth1|||", "", part))


def replace(campus: CampusEditor, system: str, record: Any, day: dt.date) -> None:
    campus.execute("update campus.records set valid_to = %s where system = %s", [day, system])
    campus.execute(
        "insert into campus.records select system, entity, record_key, lookup, %s, '', %s, null"
        " from campus.records where system = %s limit 1",
        [json.dumps(record), day, system],
    )


def read(name: str, inbox: Path, day: dt.date = DAY) -> list[dict[str, Any]]:
    declared = stream(name)
    settings = load(DocumentSettings, lsats_home=inbox.parent, lsats_data_folder=inbox)
    with source(declared.source_system).connect(settings) as client:
        pages = declared.read(client, ReadRequest(day))
        return [json.loads(record) for page in pages for record in page.records]


def test_each_system_drops_its_file_on_the_day(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    put(campus)
    dropped = drop(connection, inbox, ZONE)
    files = ["keyconfigure_computers_2026-03-02.xlsx", "lab_awards_2026-03-02.csv"]
    assert [path.name for path in dropped] == names(inbox) == files
    for path in dropped:
        arrival = dt.datetime.fromtimestamp(path.stat().st_mtime, ZONE)
        assert arrival == dt.datetime(2026, 3, 2, 0, 5, tzinfo=ZONE)


def test_the_hub_reads_what_was_known(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    put(campus)
    drop(connection, inbox, ZONE)
    [card] = read("key_client_computer", inbox)
    known = {name: value for name, value in card.items() if value is not None}
    assert known == CARD | {"Last Session": "2026-03-01T08:30:15"}
    [part] = read("lab_awards_lab_award", inbox)
    assert {" ".join(name.split()): value for name, value in PART.items()} == {
        name: value for name, value in part.items() if value
    }


def test_only_what_differs_is_dropped_again(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    put(campus)
    assert len(drop(connection, inbox, ZONE)) == 2
    assert drop(connection, inbox, ZONE) == []
    campus.serve(NEXT)
    assert drop(connection, inbox, ZONE) == []
    replace(campus, "key_client", CARD | {"Owner": "chem"}, NEXT)
    [path] = drop(connection, inbox, ZONE)
    assert path.name == "keyconfigure_computers_2026-03-03.xlsx"
    with pytest.raises(NothingToRead):
        read("key_client_computer", inbox, DAY - dt.timedelta(days=1))
    assert [card["Owner"] for card in read("key_client_computer", inbox, DAY)] == ["lsa"]
    assert [card["Owner"] for card in read("key_client_computer", inbox, NEXT)] == ["chem"]


def test_a_system_that_knows_nothing_drops_nothing(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    assert drop(connection, inbox, ZONE) == []
    assert not inbox.exists()


def test_everything_gone_is_an_export_without_rows(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    put(campus)
    drop(connection, inbox, ZONE)
    campus.execute("update campus.records set valid_to = %s", [NEXT])
    campus.serve(NEXT)
    assert len(drop(connection, inbox, ZONE)) == 2
    assert read("key_client_computer", inbox, NEXT) == []
    assert read("lab_awards_lab_award", inbox, NEXT) == []


def test_what_an_earlier_campus_left_among_peoples_files_moves_apart(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    """It dropped into the inbox itself, where somebody has put a file of theirs since."""
    put(campus)
    drop(connection, inbox, ZONE)
    settings = load(HubSettings, lsats_home=inbox.parent)
    landed = settings.lsats_home / "archive" / "key_client" / f"{DAY}" / "landed.xlsx"
    landed.parent.mkdir(parents=True)
    landed.touch()
    (inbox / "Lab Awards.csv").touch()
    assert not load(DocumentSettings, lsats_home=inbox.parent).configured
    dropped = [name for name in names(inbox) if name != "Lab Awards.csv"]
    for _ in range(2):
        move_apart(connection, settings)
        assert names(settings.simulated_home / "inbox") == dropped
        assert [p.name for p in inbox.iterdir()] == ["Lab Awards.csv"]
    assert not landed.exists()
    assert (settings.simulated_home / landed.relative_to(settings.lsats_home)).exists()
    assert load(DocumentSettings, lsats_home=inbox.parent).configured


def test_a_broken_byte_is_no_character(
    campus: CampusEditor, connection: Connection, inbox: Path
) -> None:
    put(campus, part=PART | {"Person Last Name": "N\ue0ff"})
    drop(connection, inbox, ZONE)
    [part] = read("lab_awards_lab_award", inbox)
    assert part["Person Last Name"] == "N\ufffd"
