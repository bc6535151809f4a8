"""Documents in a folder: what is read when, what is left alone, what moves to the archive."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from lsats_pipeline.campus.simulators.documents import COMPUTER_COLUMNS
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.sources import files, keyconfigure, lab_awards, source, stream
from lsats_pipeline.hub.sources.files import SETTLED
from lsats_pipeline.hub.sources.keyconfigure.addresses import canonical_mac
from lsats_pipeline.hub.sources.keyconfigure.client import identify as identify_card
from lsats_pipeline.hub.sources.lab_awards.client import NEEDED as AWARD_COLUMNS
from lsats_pipeline.hub.sources.lab_awards.client import identify as identify_award
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.sources.documents import Cell, compound, package, table_xml

COMPUTER = stream("key_client_computer")
AWARD = stream("lab_awards_lab_award")
DAY = dt.date(2026, 3, 2)
YESTERDAY = DAY - dt.timedelta(days=1)
NOW = dt.datetime(2026, 3, 2, 17, tzinfo=dt.UTC).timestamp()

Fields = dict[str, Any]


def computer(number: int, **fields: Any) -> Fields:
    return {
        "Name": f"LSA-SYNTH-{number}",
        "MAC": f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
        "OEM SN": f"SYN{number:05d}",
        "RAM": 16384,
        "Disk": 476.94,
        "Last Session": dt.datetime(2026, 2, 27, 8, 30, 15),
        **fields,
    }


def award(number: int, **fields: str) -> Fields:
    return {
        "Award Id": f"AWD{number:06d}",
        "Person Uniqname": f"synth{number}",
        "Person Role": "UM Principal Investigator",
        "Person Appt Department Id": "175000.0",
        "Award Title": 'On "commas", and\nlines',
        "Award Publish Date": "3/1/2026",
        **fields,
    }


def workbook(
    path: Path, *rows: Fields | None, columns: Any = COMPUTER_COLUMNS, **more: Any
) -> Path:
    """Rows in this order; None leaves one blank. `more`: sheets before the right one."""
    with xlsxwriter.Workbook(path) as book:
        for name in more.get("before", ()):
            book.add_worksheet(name)
        sheet = book.add_worksheet("Computers")
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, 1):
            for place, column in enumerate(columns):
                value = (row or {}).get(column)
                if isinstance(value, dt.datetime):
                    sheet.write_datetime(number, place, value, time)
                elif value is not None:
                    sheet.write(number, place, value)
    return path


def table(path: Path, *rows: Fields, columns: Any = AWARD_COLUMNS, encoding: str = "utf-8") -> Path:
    def quoted(value: Any) -> str:
        return '"' + str(value).replace('"', '""') + '"'

    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    text = "".join(",".join(map(quoted, line)) + "\r\n" for line in lines)
    path.write_bytes(text.encode(encoding))
    return path


def arrived(path: Path, day: dt.date, hour: int = 12) -> Path:
    moment = dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC).timestamp()
    os.utime(path, (moment, moment))
    return path


class Folder:
    """A data folder, and the hub that reads it."""

    def __init__(self, warehouse: Warehouse, home: Path) -> None:
        self.warehouse, self.home = warehouse, home
        self.inbox = home / "inbox"
        self.inbox.mkdir(parents=True)
        self.slept: list[float] = []
        self.while_waiting = lambda: None

    def clock(self) -> Clock:
        return Clock(now=lambda: NOW, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.while_waiting()

    def ingest(self, declared: Any = COMPUTER, day: dt.date = DAY, **options: Any) -> Report:
        settings = load(HubSettings, lsats_home=self.home, lsats_today=DAY, **options)
        documents = load(DocumentSettings, lsats_home=self.home)
        connect = source(declared.source_system).connect
        with connect(documents, clock=self.clock()) as inbox:
            return ingest(self.warehouse, settings, declared, lambda: inbox, day)

    def rows(self, columns: str = "external_id") -> list[tuple[Any, ...]]:
        return self.warehouse.query(
            f"select {columns} from bronze.raw_entities order by partition_key, external_id"
        )

    def waiting(self) -> list[str]:
        return sorted(path.name for path in self.inbox.iterdir())

    def archived(self) -> list[str]:
        folder = self.home / "archive"
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def folder(warehouse: Warehouse, tmp_path: Path) -> Folder:
    return Folder(warehouse, tmp_path / "home")


def test_a_file_lands_with_the_place_of_each_row(folder: Folder) -> None:
    path = workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1), None, computer(2))
    report = folder.ingest(day=DAY) if arrived(path, DAY) else None
    assert report is not None
    assert (report.counts.created, report.counts.rejected) == (2, 0)
    assert folder.rows("external_id, ingestion_metadata") == [
        ("020000000001|LSA-SYNTH-1|SYN00001",
         {"file": path.name, "sheet": "Computers", "row": 2}),
        ("020000000002|LSA-SYNTH-2|SYN00002",
         {"file": path.name, "sheet": "Computers", "row": 4}),
    ]  # fmt: skip
    assert folder.waiting() == []
    assert folder.archived() == ["key_client/2026-03-02/keyconfigure_computers.xlsx"]
    assert report.note == "read keyconfigure_computers.xlsx"


def test_cells_keep_their_types(folder: Folder) -> None:
    row = computer(1, **{"Name": 4711, "Last Audit": dt.datetime(2026, 2, 1), "Owner": " LSA "})
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", row), DAY)
    folder.ingest()
    [(identity, record)] = folder.rows("external_id, raw_data")
    assert identity == "020000000001|4711|SYN00001"
    assert {name: value for name, value in record.items() if value is not None} == {
        "Name": 4711, "MAC": "02:00:00:00:00:01", "OEM SN": "SYN00001", "RAM": 16384,
        "Disk": 476.94, "Last Session": "2026-02-27T08:30:15",
        "Last Audit": "2026-02-01T00:00:00", "Owner": " LSA ",
    }  # fmt: skip
    assert set(record) == set(COMPUTER_COLUMNS)


def test_awards_are_text_as_in_the_file(folder: Folder) -> None:
    columns = [c.replace("Number (", "Number\n(") for c in AWARD_COLUMNS]
    path = table(folder.inbox / "lab_awards.csv", columns=columns, encoding="utf-8-sig")
    path = table(path, award(1), award(2, **{"Person Appt Department Id": ""}), columns=columns)
    arrived(path, DAY)
    folder.ingest(AWARD)
    role = "UM Principal Investigator"
    assert folder.rows("external_id, ingestion_metadata->'row', raw_data->>'Award Title'") == [
        (f"AWD000001|synth1|175000|{role}|", 2, 'On "commas", and\nlines'),
        (f"AWD000002|synth2||{role}|", 3, 'On "commas", and\nlines'),
    ]
    [(names,), _] = folder.rows("array(select jsonb_object_keys(raw_data))")
    assert set(names) == set(AWARD_COLUMNS)


def test_windows_1252_is_read_and_said(folder: Folder) -> None:
    path = table(
        folder.inbox / "lab_awards.csv", award(1), award(2, **{"Person Last Name": "Núñez"}),
        encoding="cp1252",
    )  # fmt: skip
    arrived(path, DAY)
    report = folder.ingest(AWARD)
    assert report.note == "read lab_awards.csv (Windows-1252, separated by commas)"
    assert folder.rows("raw_data->>'Person Last Name'") == [("",), ("Núñez",)]


def test_a_half_copied_workbook_is_left_alone(folder: Folder, caplog: Any) -> None:
    path = workbook(folder.inbox / "keyconfigure_computers.xlsx", *map(computer, range(50)))
    arrived(path, YESTERDAY)
    folder.ingest()
    whole = workbook(folder.inbox / "keyconfigure_computers_2.xlsx", *map(computer, range(60)))
    content = whole.read_bytes()
    for cut in (1, len(content) // 2, len(content) - 5):
        whole.write_bytes(content[:cut])
        arrived(whole, DAY)
        report = folder.ingest()
        assert (report.counts.changed, report.blocked) == (0, False)
        assert "no new file; keyconfigure_computers_2.xlsx: it " in report.note
        assert "copied" in report.note or "is no" in report.note
        assert folder.waiting() == [whole.name]
    assert "half copied" in caplog.text
    whole.write_bytes(content)
    arrived(whole, DAY)
    assert folder.ingest().counts.created == 10


def test_a_damaged_workbook_is_left_alone(folder: Folder) -> None:
    path = workbook(folder.inbox / "keyconfigure_computers.xlsx", *map(computer, range(500)))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)
    arrived(path, DAY)
    assert "copy it again" in folder.ingest().note
    assert folder.waiting() == [path.name]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("lab_awards.csv", b"", "is empty"),
        ("lab_awards.csv", bytes(5000), "is empty"),
        ("lab_awards.csv", b"Award Id,Person Uniqname\r\nAWD1,synth1\r\n", "lacks the columns"),
        ("lab_awards.csv", b"Award Id;Person Uniqname\r\n", "separated by semicolons"),
        ("lab_awards.csv", b"\xff\xfe" + "Award Id\n".encode("utf-16-le"), "UTF-16"),
        ("lab_awards.csv", b"\x81\x8d\n", "it should name the columns 'Award Id'"),
        ("lab_awards.csv", bytes(range(256)), "neither text nor a workbook"),
    ],
)
def test_a_malformed_table_is_left_alone(
    folder: Folder, name: str, content: bytes, complaint: str
) -> None:
    table(folder.inbox / "lab_awards_1.csv", award(1), award(2))
    arrived(folder.inbox / "lab_awards_1.csv", YESTERDAY)
    folder.ingest(AWARD)
    (folder.inbox / name).write_bytes(content)
    arrived(folder.inbox / name, DAY)
    report = folder.ingest(AWARD)
    assert report.counts.changed == 0
    assert complaint in report.note
    assert folder.waiting() == [name]


def test_a_table_cut_within_a_row_is_left_alone(folder: Folder) -> None:
    path = table(folder.inbox / "lab_awards.csv", *map(award, range(50)))
    content = path.read_bytes()
    for cut in (len(content) - 3, len(content) - 40, len(content) // 2):
        path.write_bytes(content[:cut])
        arrived(path, DAY)
        report = folder.ingest(AWARD)
        assert (report.counts.processed, folder.waiting()) == (0, [path.name])
        assert "cut off" in report.note


def test_the_table_is_found_on_whatever_sheet(folder: Folder) -> None:
    path = workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1), before=["Notes"])
    arrived(path, DAY)
    assert folder.ingest().counts.created == 1
    assert folder.rows("ingestion_metadata->>'sheet'") == [("Computers",)]


def test_an_older_whole_file_is_read_while_the_newest_is_malformed(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers_1.xlsx", computer(1)), YESTERDAY)
    bad = arrived(workbook(folder.inbox / "keyconfigure_computers_2.xlsx", columns=["x"]), DAY)
    report = folder.ingest()
    assert report.counts.created == 1
    assert "keyconfigure_computers_2.xlsx: its sheet 'Computers' has no header" in report.note
    assert folder.waiting() == [bad.name]


def test_the_same_content_twice_is_read_once(folder: Folder) -> None:
    first = workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1))
    content = first.read_bytes()
    arrived(first, YESTERDAY)
    assert folder.ingest().counts.created == 1
    again = folder.inbox / "keyconfigure_computers.xlsx"
    again.write_bytes(content)
    arrived(again, DAY)
    report = folder.ingest()
    assert report.counts.processed == 0
    assert "holds what has landed already" in report.note
    assert folder.waiting() == []
    # The archive has it already: one file, no second copy.
    assert folder.archived() == ["key_client/2026-03-02/keyconfigure_computers.xlsx"]


def test_another_file_of_the_same_name_keeps_both(folder: Folder) -> None:
    for number in (1, 2, 3):
        arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(number)), DAY)
        folder.ingest()
    names = ["keyconfigure_computers (2).xlsx", "keyconfigure_computers (3).xlsx",
             "keyconfigure_computers.xlsx"]  # fmt: skip
    assert folder.archived() == [f"key_client/2026-03-02/{name}" for name in names]


def test_of_two_files_of_a_day_the_newer_counts(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers_a.xlsx", computer(1)), DAY, hour=13)
    arrived(workbook(folder.inbox / "keyconfigure_computers_b.xlsx", computer(2)), DAY, hour=12)
    report = folder.ingest()
    assert folder.rows() == [("020000000001|LSA-SYNTH-1|SYN00001",)]
    assert "keyconfigure_computers_b.xlsx was superseded" in report.note
    assert len(folder.archived()) == 2


def test_past_days_are_read_one_by_one(folder: Folder) -> None:
    days = [DAY - dt.timedelta(days=n) for n in (2, 1, 0)]
    for n, day in enumerate(days):
        rows = [computer(1, RAM=n), computer(2 + n)]
        arrived(workbook(folder.inbox / f"keyconfigure_computers_{day}.xlsx", *rows), day)
    for day in days:
        folder.ingest(day=day, lsats_hold_share=1)
        assert f"{day}" not in "".join(folder.waiting())
    history = folder.rows("partition_key, external_id, is_removed")
    assert [(day.day, key[9:12], gone) for day, key, gone in history] == [
        (28, "001", False), (28, "002", False), (1, "001", False), (1, "002", True),
        (1, "003", False), (2, "001", False), (2, "003", True), (2, "004", False),
    ]  # fmt: skip


def test_a_past_day_does_not_bring_back_what_has_been_overtaken(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers_new.xlsx", computer(1)), DAY)
    folder.ingest()
    arrived(workbook(folder.inbox / "keyconfigure_computers_old.xlsx", computer(2)), YESTERDAY)
    report = folder.ingest(day=YESTERDAY)
    assert report.counts.processed == 0
    assert "keyconfigure_computers_old.xlsx was superseded" in report.note
    assert len(folder.archived()) == 2


def test_what_arrives_later_waits_for_its_day(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1)), DAY)
    assert folder.ingest(day=YESTERDAY).note == "no new file"
    assert folder.waiting() == ["keyconfigure_computers.xlsx"]


def test_killed_before_the_file_was_moved(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1)), DAY)
    with monkeypatch.context() as patched:
        patched.setattr("lsats_pipeline.hub.sources.files.archive", _killed)
        with pytest.raises(KeyboardInterrupt):
            folder.ingest()
    assert folder.rows() == [("020000000001|LSA-SYNTH-1|SYN00001",)]
    assert (folder.waiting(), folder.archived()) == (["keyconfigure_computers.xlsx"], [])
    report = folder.ingest()
    assert report.counts.processed == 0
    assert (folder.waiting(), len(folder.archived())) == ([], 1)


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_killed_before_landing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1)), DAY)
    with monkeypatch.context() as patched:
        patched.setattr("lsats_pipeline.hub.bronze.ingest.Ingestion._land", _killed)
        with pytest.raises(KeyboardInterrupt):
            folder.ingest()
    assert folder.waiting() == ["keyconfigure_computers.xlsx"]
    assert folder.ingest().counts.created == 1
    assert (folder.waiting(), len(folder.archived())) == ([], 1)


def test_a_limited_trial_leaves_the_file(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", *map(computer, (1, 2))), DAY)
    assert folder.ingest(max_records=1).counts.created == 1
    assert folder.ingest(max_records=5).counts.created == 1
    assert folder.waiting() == ["keyconfigure_computers.xlsx"]
    assert folder.ingest().counts.skipped == 2
    assert folder.waiting() == []


def test_a_file_still_growing_is_left_alone(folder: Folder) -> None:
    path = workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1))
    os.utime(path, (NOW - 1, NOW - 1))

    def grow() -> None:
        path.write_bytes(path.read_bytes() + b"x")

    folder.while_waiting = grow
    report = folder.ingest()
    assert folder.slept == [SETTLED - 1]
    assert "still being written" in report.note
    folder.while_waiting = lambda: None
    os.utime(path, (NOW - 1, NOW - 1))
    assert folder.ingest().counts.created == 1


def test_others_are_not_ours(folder: Folder, tmp_path: Path) -> None:
    outside = workbook(tmp_path / "keyconfigure_computers.xlsx", computer(1))
    workbook(folder.inbox / "~$keyconfigure_computers.xlsx", computer(1))
    workbook(folder.inbox / ".keyconfigure_computers.xlsx.part", computer(1))
    workbook(folder.inbox / "another.xlsx", computer(1))
    (folder.inbox / "keyconfigure_computers_link.xlsx").symlink_to(outside)
    (folder.inbox / "keyconfigure_computers_folder.xlsx").mkdir()
    os.mkfifo(folder.inbox / "keyconfigure_computers_pipe.xlsx")
    names = folder.waiting()
    note = folder.ingest().note
    assert folder.waiting() == names
    assert outside.exists()
    assert note.count("it is no plain file") == 3
    assert "another.xlsx: it is not recognized: name it keyconfigure_computers*.xlsx or" in note
    assert "~$" not in note
    assert ".part" not in note


def test_an_export_without_rows_is_held_like_any_outage(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers_1.xlsx", computer(1)), YESTERDAY)
    folder.ingest()
    arrived(workbook(folder.inbox / "keyconfigure_computers_2.xlsx"), DAY)
    assert folder.ingest().blocked
    assert folder.rows("is_removed") == [(False,)]


def test_no_folder_is_no_source(tmp_path: Path) -> None:
    settings = load(DocumentSettings, lsats_home=tmp_path)
    assert not settings.configured
    with pytest.raises(ConfigurationError, match="LSATS_DATA_FOLDER"):
        keyconfigure.SOURCE.connect(settings).__enter__()
    settings.folder.mkdir()
    (settings.folder / "Something else.csv").write_bytes(b"")
    with lab_awards.SOURCE.connect(settings) as inbox:
        answer = lab_awards.SOURCE.probe(inbox)
    assert answer.startswith("answers; no lab_awards*.csv waits to be read; Something else.csv")


def test_rows_with_one_identity_land_the_same_in_any_order(folder: Folder) -> None:
    older = computer(1, MAC="0200.0000.0001", **{"Last Session": dt.datetime(2026, 1, 1)})
    rows = [older, computer(1), computer(2)]
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", *rows), DAY)
    assert folder.ingest().counts.rejected == 1
    landed = folder.rows("external_id, raw_data")
    assert [data["MAC"] for _, data in landed] == ["02:00:00:00:00:01", "02:00:00:00:00:02"]
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", *reversed(rows)), DAY)
    assert folder.ingest().counts.changed == 0
    rejects = folder.warehouse.query("select reason, external_id, resolution from meta.rejects")
    assert rejects == [("duplicate_identity", "020000000001|LSA-SYNTH-1|SYN00001", "open")]


@pytest.mark.parametrize(
    ("mac", "expected"),
    [
        ("02:aa:00:00:00:01", "02AA00000001"),
        ("02-AA-00-00-00-01", "02AA00000001"),
        (" 02aa.0000.0001 ", "02AA00000001"),
        ("02AA00000001", "02AA00000001"),
        ("02:aa:00:00:00", None),
        ("02:aa:00:00:00:0g", None),
        ("", None),
        (None, None),
    ],
)
def test_a_network_address_has_one_identity(mac: str | None, expected: str | None) -> None:
    assert canonical_mac(mac) == expected
    identity = identify_card({"MAC": mac, "Name": " lsa-1 ", "OEM SN": None})
    assert identity == (f"{expected}|LSA-1|" if expected else None)


@pytest.mark.parametrize("missing", ["Award Id", "Person Uniqname"])
def test_an_award_needs_award_and_person(folder: Folder, missing: str) -> None:
    assert identify_award(award(1)) is not None
    assert identify_award(award(1, **{missing: " "})) is None
    arrived(table(folder.inbox / "lab_awards.csv", award(2), award(1, **{missing: " "})), DAY)
    report = folder.ingest(AWARD)
    assert (report.counts.created, report.counts.rejected) == (1, 1)


def test_origins_are_no_part_of_the_record(folder: Folder) -> None:
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", computer(1)), YESTERDAY)
    folder.ingest()
    arrived(workbook(folder.inbox / "keyconfigure_computers_b.xlsx", None, computer(1)), DAY)
    assert folder.ingest().counts.skipped == 1
    assert json.loads(json.dumps(folder.rows("ingestion_metadata")))[0][0]["row"] == 2


# ── what is read ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["Lab Awards.csv", "lab-awards_2026-11-01.CSV", "Copy of lab_awards (1).csv"]
)
def test_names_are_as_people_write_them(folder: Folder, name: str) -> None:
    arrived(table(folder.inbox / name, award(1)), DAY)
    assert folder.ingest(AWARD).counts.created == 1
    assert folder.archived() == [f"lab_awards/{DAY}/{name}"]


def test_of_two_rows_the_one_seen_later_counts_however_it_is_written(folder: Folder) -> None:
    older = computer(1, **{"Last Session": "9/30/2026 10:00", "Last User": "older"})
    newer = computer(1, **{"Last Session": "11/1/2026 10:00", "Last User": "newer"})
    never = computer(1, **{"Last Session": "soon", "Last User": "unknown"})
    for rows in ([older, never, newer], [newer, older, never]):
        arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", *rows), DAY)
        folder.ingest()
        assert folder.rows("raw_data->>'Last User'") == [("newer",)]


def test_of_two_awards_the_one_published_later_counts(folder: Folder) -> None:
    rows = [
        award(1, **{"Award Publish Date": date, "Award Title": date})
        for date in ("10/1/2025", "Jan 2, 2026", "9/30/2025")
    ]
    arrived(table(folder.inbox / "lab_awards.csv", *rows), DAY)
    folder.ingest(AWARD)
    assert folder.rows("raw_data->>'Award Title'") == [("Jan 2, 2026",)]


def test_totals_footnotes_and_repeated_headers_are_no_awards(folder: Folder) -> None:
    header = {name: f" {name.upper()} " for name in AWARD_COLUMNS}
    total = {"Award Title": "Grand Total", "Award Total Dollars": "$9,000"}
    path = table(folder.inbox / "lab_awards.csv", award(1), header, award(2), total)
    path.write_bytes(path.read_bytes() + b"2 rows exported\r\n")
    arrived(path, DAY)
    report = folder.ingest(AWARD)
    assert (report.counts.created, report.counts.rejected) == (2, 0)
    assert "lab_awards.csv: the header is repeated: row 3; " in report.note
    assert "lab_awards.csv: no record, left out: row 5, row 6" in report.note


@pytest.mark.parametrize("column", ["Name", "OEM SN", "MAC"])
def test_a_key_cell_with_an_error_is_a_reject_and_removes_nothing(
    folder: Folder, column: str
) -> None:
    rows = [computer(n) for n in range(1, 5)]
    arrived(workbook(folder.inbox / "keyconfigure_computers_1.xlsx", *rows), YESTERDAY)
    folder.ingest()
    unknown = {**rows[0], column: "#N/A", "RAM": "#VALUE!"}
    path = workbook(folder.inbox / "keyconfigure_computers_2.xlsx", unknown, *rows[2:])
    arrived(path, DAY)
    report = folder.ingest()
    # The second computer is gone, the first may be any that fits.
    assert (report.counts.rejected, report.counts.removed, report.counts.updated) == (1, 1, 0)
    gone = folder.rows("external_id, is_removed")
    assert [key for key, is_removed in gone if is_removed] == ["020000000002|LSA-SYNTH-2|SYN00002"]
    [(reason, detail)] = folder.warehouse.query("select reason, detail from meta.rejects")
    assert (reason, detail) == ("unknown_key", f"{column!r} holds #N/A")


def test_a_formula_nobody_worked_out_changes_no_identity(folder: Folder) -> None:
    row = [
        None if value is None else str(value) for value in map(computer(1).get, COMPUTER_COLUMNS)
    ]
    row[COMPUTER_COLUMNS.index("OEM SN")] = Cell('|<f>CONCATENATE("SYN","1")</f><v/>')
    data = package(table_xml(COMPUTER_COLUMNS, row))
    path = folder.inbox / "keyconfigure_computers.xlsx"
    path.write_bytes(data)
    arrived(path, DAY)
    assert (folder.ingest().counts.rejected, folder.rows()) == (1, [])
    query = "select detail, payload::text from meta.rejects"
    assert folder.warehouse.query(query)[0][0] == "'OEM SN' holds a formula without a value"


def test_other_errors_stay_what_they_are(folder: Folder) -> None:
    row = computer(1, RAM="#VALUE!", Owner="#N/A")
    arrived(workbook(folder.inbox / "keyconfigure_computers.xlsx", row), DAY)
    folder.ingest()
    assert folder.rows("raw_data->>'RAM', raw_data->>'Owner'") == [("#VALUE!", "#N/A")]


def test_what_small_files_may_hold_is_limited(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand columns in every row, though each has one value."""
    monkeypatch.setattr(files, "LARGEST_RECORDS", 1 << 20)
    header = [*COMPUTER_COLUMNS, *(f"Note {n}" for n in range(1000))]
    rows = [[f"LSA-{n}", f"02000000{n:04x}"] for n in range(200)]
    made = folder.inbox / "keyconfigure_computers.xlsx"
    made.write_bytes(package(table_xml(header, *rows)))
    report = folder.ingest(COMPUTER)
    assert "its rows hold more than 1 MB" in report.note


def test_a_bad_row_stops_no_other_and_removes_nothing(folder: Folder) -> None:
    arrived(table(folder.inbox / "lab_awards_1.csv", *map(award, range(4))), YESTERDAY)
    folder.ingest(AWARD)
    path = table(folder.inbox / "lab_awards_2.csv", *map(award, range(3)))
    path.write_bytes(path.read_bytes().replace(b'"AWD000001","', b'"AWD000001",comma,"'))
    arrived(path, DAY)
    report = folder.ingest(AWARD)
    assert (report.counts.rejected, report.counts.removed) == (1, 1)
    [(detail,)] = folder.warehouse.query("select detail from meta.rejects")
    assert "it has 30 columns instead of 29" in detail


# ── what waits ────────────────────────────────────────────────────────────────────────────────────


def waits(report: Report) -> str:
    [check] = [check for check in report.checks if check.name == "documents"]
    assert not check.blocking
    return "" if check.passed else check.description


def test_a_file_from_the_future_is_read_today_and_bars_nobody(folder: Folder) -> None:
    tomorrow = DAY + dt.timedelta(days=2)
    arrived(workbook(folder.inbox / "keyconfigure_computers_1.xlsx", computer(1)), tomorrow)
    report = folder.ingest()
    assert report.counts.created == 1
    assert "it is dated in the future: read as if it had arrived today" in report.note
    path = workbook(folder.inbox / "keyconfigure_computers_2.xlsx", computer(1), computer(2))
    os.utime(path, (NOW, NOW))
    assert folder.ingest().counts.created == 1


def test_an_unusable_file_that_waits_for_a_day_fails_a_check(folder: Folder) -> None:
    bad = folder.inbox / "Lab Awards.xlsx"
    bad.write_bytes(compound(b"", "EncryptedPackage"))
    for late in (False, True):
        os.utime(bad, (NOW - 86_400 + (-60 if late else 60),) * 2)
        report = folder.ingest(AWARD)
        assert "Lab Awards.xlsx: a password protects it: open it, remove" in report.note
        assert ("unread for more than a day: Lab Awards.xlsx" in waits(report)) is late
    assert waits(folder.ingest(COMPUTER)) == ""
    noted = folder.warehouse.query("select metadata->'set_aside' from meta.ingestion_runs")
    assert "remove the password" in noted[0][0]["Lab Awards.xlsx"]


def test_a_misnamed_file_that_waits_for_a_day_fails_a_check(folder: Folder) -> None:
    arrived(table(folder.inbox / "Awards Q3.csv", award(1)), YESTERDAY - dt.timedelta(days=1))
    arrived(table(folder.inbox / "lab_awards.csv", award(2)), YESTERDAY)
    report = folder.ingest(AWARD)
    assert report.counts.created == 1
    assert "Awards Q3.csv: it is not recognized: name it keyconfigure_computers*.xlsx or" in (
        waits(report)
    )
    assert folder.ingest(AWARD, day=YESTERDAY - dt.timedelta(days=3)).note == "no new file"


def test_the_folder_is_looked_into(folder: Folder) -> None:
    table(folder.inbox / "lab awards.csv", award(1))
    (folder.inbox / "lab awards 2.csv").write_bytes(b"x\n")
    (folder.inbox / "Awards.csv").write_bytes(b"x\n")
    documents = load(DocumentSettings, lsats_home=folder.home)
    clock = Clock(now=lambda: NOW, sleep=lambda _: None)
    with lab_awards.SOURCE.connect(documents, clock=clock) as inbox:
        found = lab_awards.SOURCE.probe(inbox)
    assert found.startswith("answers; 1 to be read, the newest is lab awards.csv; ")
    assert "lab awards 2.csv is set aside: it has no header" in found
    assert "Awards.csv is set aside: it is not recognized" in found
