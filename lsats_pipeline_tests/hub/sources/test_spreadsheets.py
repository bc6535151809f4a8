"""Documents as people export them, and as nobody should: what is read, and what is said."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from lsats_pipeline.hub.sources.document_names import KEYCONFIGURE, LAB_AWARDS, misnamed, recognized
from lsats_pipeline.hub.sources.sheets import MalformedSheet
from lsats_pipeline.hub.sources.spreadsheets import Layout, is_note, read_document, read_table
from lsats_pipeline_tests.hub.sources.documents import (
    MAIN,
    Cell,
    compound,
    old_workbook,
    package,
    sheet_xml,
    table_xml,
    zipped,
)

HEADER = ("Id", "Full Name", "Seen On", "% Used")
LAYOUT = Layout(HEADER, {"Used (%)": "% Used"})
ROWS = [["A1", "Seán Ó Dálaigh", "1/5/2024", "10"], ["A2", "Zoë Núñez", "1/6/2024", "20"]]

Read = list[tuple[int, dict[str, Any]]]


def read(data: bytes) -> Read:
    return list(read_table(data, LAYOUT).rows())


def remarks(data: bytes) -> list[str]:
    table = read_table(data, LAYOUT)
    list(table.rows())
    return table.remarks


def complaint(data: bytes) -> str:
    with pytest.raises(MalformedSheet) as caught:
        read(data)
    return str(caught.value)


def text(*rows: Any, separator: str = ",", end: str = "\r\n", header: Any = HEADER) -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=separator, lineterminator=end).writerows([header, *rows])
    return made.getvalue()


def record(*cells: Any) -> dict[str, Any]:
    return dict(zip(HEADER, cells, strict=True))


EXPECTED = [(2, record(*ROWS[0])), (3, record(*ROWS[1]))]

# ── text ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252"),
        ("latin-1", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(encoding: str, form: str, separator: str) -> None:
    data = text(*ROWS, separator=separator).encode(encoding)
    table = read_table(data, LAYOUT)
    assert list(table.rows()) == EXPECTED
    assert table.form.startswith(f"{form}, separated by ")


def test_the_separator_may_be_declared() -> None:
    assert read(("sep=;\r\n" + text(*ROWS, separator=";")).encode()) == EXPECTED
    assert read(("sep=:\n" + text(*ROWS, separator=":")).encode()) == EXPECTED


def test_lines_of_old_macintoshes() -> None:
    table = read_table(text(*ROWS, end="\r").encode("mac_roman"), LAYOUT)
    assert list(table.rows()) == EXPECTED
    assert table.form.startswith("Mac Roman")
    table = read_table(text(*ROWS, end="\r").encode("cp1252"), LAYOUT)
    assert list(table.rows()) == EXPECTED
    assert table.form.startswith("Windows-1252")


def test_a_stray_byte_touches_one_value() -> None:
    data = text(*ROWS, ["A3", "Caf# X", "1/7/2024", "30"]).encode().replace(b"#", b"\xe9")
    table = read_table(data, LAYOUT)
    rows = list(table.rows())
    assert rows[:2] == EXPECTED
    assert rows[2][1]["Full Name"] == "Caf\ufffd X"
    assert table.remarks == ["bytes that are no characters (UTF-8): row 4 in 'Full Name'"]


def test_one_accent_in_plain_text_is_windows_1252() -> None:
    data = text(["A1", "Café", "", ""]).encode("cp1252")
    assert read(data)[0][1]["Full Name"] == "Café"


def test_zero_bytes_touch_their_value_only() -> None:
    data = text(*ROWS).replace("Full Name", "Full\0Name").encode()
    assert read(data) == EXPECTED
    data = text(["A\x001", "x", "", ""], ROWS[1]).encode()
    assert [row["Id"] for _, row in read(data)] == ["A\ufffd1", "A2"]
    assert "only half copied" in complaint(text(*ROWS).encode() + bytes(512))


def test_text_that_keeps_its_zeros() -> None:
    assert read(text(['="0042"', "x", "", ""]).encode())[0][1]["Id"] == "0042"


def test_without_a_last_line_end() -> None:
    whole = text(*ROWS, end="\n")
    assert read(whole.rstrip("\n").encode()) == EXPECTED
    assert "cut off" in complaint(
        text(*ROWS[:1], ["A2", "x", "1/6/20", "2"], end="\n")[:-3].encode()
    )
    assert "cut off" in complaint(whole[:-6].encode())
    assert "cut off" in complaint((whole + '"A3,"x\ny').encode())


def test_a_badly_quoted_row_is_one_row() -> None:
    bad = text(*ROWS).replace("A1,", '"A1"x,') + 'A3,"open,1/1/2024,3\r\nA4,x,1/2/2024,4\r\n'
    rows = read(bad.encode())
    assert [(n, row["Id"], bool(row.get(""))) for n, row in rows] == [
        (2, '"A1"x', True), (3, "A2", False), (4, "A3", True), (5, "A4", False),
    ]  # fmt: skip
    assert "badly quoted" in rows[0][1][""]


def test_a_row_with_a_separator_too_many_is_one_row() -> None:
    rows = read((text(*ROWS) + "A3,O'Neil, Pat,1/1/2024,3\r\nA4,x\r\nA5,y,,5,,\r\n").encode())
    assert [bool(row.get("")) for _, row in rows] == [False, False, True, True, False]
    assert "it has 5 columns instead of 4" in rows[2][1][""]


def test_a_badly_quoted_header_is_named() -> None:
    assert "its row 1 is badly quoted" in complaint(
        text(*ROWS).replace("Id,", '"Id"x,', 1).encode()
    )


# ── headers and rows that are no records ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "header",
    [
        ("ID", "full_name", "SEEN ON", "%Used"),
        (" Id ", "Full\nName", "Seen\xa0On", "% used"),
        ("id", "Full-Name", "seenOn", "Used (%)"),
    ],
)
def test_headers_are_found_however_they_are_spelled(header: tuple[str, ...]) -> None:
    assert read(text(*ROWS, header=header).encode()) == EXPECTED
    assert read(package(table_xml(header, *ROWS))) == EXPECTED


def test_headers_are_found_below_titles_moved_and_among_sheets() -> None:
    titles = 'All machines\r\n\r\n"exported 11/30/2026, by a person"\r\n'
    assert read((titles + text(*ROWS)).encode()) == [(n + 3, row) for n, row in EXPECTED]
    moved = table_xml(HEADER[::-1], *(row[::-1] for row in ROWS), first=5)
    notes = table_xml(["generated by"], ["a program"])
    assert read(package(notes, moved, hidden=[0])) == [(n + 4, row) for n, row in EXPECTED]
    assert remarks(package(notes, moved, moved)) == [
        "another sheet with such a table is not read: 'Sheet3'"
    ]
    assert remarks(package(moved, hidden=[0])) == ["the table is on a hidden sheet: 'Sheet1'"]


def test_repeated_headers_are_no_records() -> None:
    again = [*ROWS[:1], HEADER, [name.upper() + " " for name in HEADER], ROWS[1]]
    for data in (text(*again).encode(), package(table_xml(HEADER, *again))):
        assert [row for _, row in read(data)] == [row for _, row in EXPECTED]
        assert remarks(data) == ["the header is repeated: row 3, row 4"]


def test_a_repeated_header_may_be_in_another_order() -> None:
    data = text(ROWS[0], HEADER[::-1], ROWS[1][::-1]).encode()
    assert [row for _, row in read(data)] == [row for _, row in EXPECTED]


def test_a_column_that_is_there_twice() -> None:
    header = [*HEADER, "full name"]
    same = [[*row, row[1]] for row in ROWS]
    assert read(text(*same, header=header).encode()) == EXPECTED
    other = [[*ROWS[0], "Somebody"], [ROWS[1][0], "", *ROWS[1][2:], ROWS[1][1]]]
    assert read(package(table_xml(header, *other))) == EXPECTED
    assert remarks(text(*other, header=header).encode()) == [
        "column 'Full Name' is there 2 times with other values, the first counts: row 2"
    ]
    lacking = text(*ROWS, header=("Id", "Id", "Seen On", "% Used")).encode()
    assert "lacks the column 'Full Name' in row 1" in complaint(lacking)
    assert "the column 'Id' is there twice" in complaint(lacking)


def test_values_without_a_name_are_named() -> None:
    assert remarks(package(table_xml(HEADER, [*ROWS[0], None, "stray"]))) == [
        "values without a column's name are not read: row 2"
    ]


@pytest.mark.parametrize(
    ("values", "is_one"),
    [
        (["Total", "", "", 30], True),
        (["", "Grand total:", "", "$1,000"], True),
        (["", "AWD1 Total", None, 5], True),
        (["", "Total records: 30", "", 1], True),
        (["End of report", None, None], True),
        (["", "Total synthesis of odd molecules", "1/1/2024", 5], False),
        (["", "Somebody", "1/1/2024", ""], False),
    ],
)
def test_totals_and_footnotes(values: list[Any], is_one: bool) -> None:
    assert is_note(values) is is_one


# ── cells of workbooks ────────────────────────────────────────────────────────────────────────────


def test_what_cells_hold() -> None:
    cells = {
        0: Cell('t="e"|<v>#N/A</v>'),
        1: Cell('|<f>A1&amp;"x"</f><v/>'),
        2: Cell('t="str"|<f>A1</f><v></v>'),
        3: Cell("|<f>1+1</f><v>2</v>"),
        4: Cell('t="b"|<v>1</v>'),
        5: Cell('t="inlineStr"|<is><r><t>ab</t></r><rPh><t>no</t></rPh><r><t>cd</t></r></is>'),
        6: Cell('t="s"|<v>1</v>'),
        7: Cell('s="1"|'),
        8: Cell('t="d"|<v>2026-01-02</v>'),
    }
    texts = f'<sst xmlns="{MAIN}"><si><t>a</t></si><si><r><t>b</t></r><r><t> c</t></r></si></sst>'
    data = package(sheet_xml({3: cells}), more={"xl/sharedStrings.xml": texts.encode()})
    [row] = read_document(data).sheets[0].rows()
    assert row == (
        3, ["#N/A", '=A1&"x"', None, 2, True, "abcd", "b c", None, "2026-01-02"][:9], "",
    )  # fmt: skip


NUMBERS = st.floats(-1e9, 1e9) | st.integers(0, 60_000) | st.floats(0, 70) | st.floats(1, 60_000)
FORMATS = ("General", "0.00", "yyyy-mm-dd hh:mm", "d/m/yy", '"day" 0', "[h]:mm:ss", "hh:mm AM/PM",
           "[$-409]mmmm d, yyyy;@", "[Red]0;[Blue]-0", "0.00E+00", "@")  # fmt: skip
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | NUMBERS | st.none()


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.tuples(CELLS, st.sampled_from(FORMATS)), max_size=5), max_size=5),
    st.booleans(),
)
def test_workbooks_are_read_like_calamine_does(rows: list[list[Any]], is_1904: bool) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "date_1904": is_1904}) as book:
        formats = {code: book.add_format({"num_format": code}) for code in FORMATS}
        sheet = book.add_worksheet()
        for r, row in enumerate(rows):
            for c, (value, code) in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(r, c, value, formats[code])
                elif value is not None:
                    sheet.write_number(r, c, value, formats[code])
    made.seek(0)
    expected = CalamineWorkbook.from_filelike(made).get_sheet_by_index(0)
    _, left = expected.start or (0, 0)
    found = {row.number: row.cells for row in read_document(made.getvalue()).sheets[0].rows()}
    for number, cells in enumerate(expected.iter_rows(), 1):
        mine = found.get(number, [])
        mine = mine[left:] + [None] * (len(cells) - len(mine[left:]))
        for value, cell in zip(mine, cells, strict=True):
            assert value == _as_json(cell) or (isinstance(value, float) and value < 0)


def _as_json(cell: Any) -> Any:
    """A cell of calamine as it lands; of times before the first day it makes times all the same."""
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()}T00:00:00"
    if isinstance(cell, dt.time | dt.timedelta):
        return str(cell)
    return None if cell == "" else cell


def test_cells_in_another_order_stand_where_they_say() -> None:
    row = b'<c r="B2"><v>2</v></c><c r="A2"><v>1</v></c>'
    made = sheet_xml({1: dict(enumerate(HEADER))}).replace(
        b"</sheetData>", b'<row r="2">' + row + b"</row></sheetData>"
    )
    assert read(package(made)) == [(2, record(1, 2, None, None))]
    twice = made.replace(row, row + b'<c r="A2"><v>3</v></c>')
    assert "damaged" in complaint(package(twice))


# ── what is not to be read, and what must not kill ────────────────────────────────────────────────

PAGE = "<html><body><table><tr><td>Id</td></tr></table></body></html>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (bytes(10_000), "it is empty"),
        (b"\xef\xbb\xbf" + PAGE.encode(), "a web page (HTML) and no workbook"),
        (("\ufeff" + PAGE).encode("utf-16-le"), "a web page (HTML)"),
        (b"<?xml version='1.0'?><Workbook/>", "an XML file"),
        (b"%PDF-1.7 ...", "it is a PDF"),
        (b"\x1f\x8b\x08...", "packed by gzip"),
        (compound(b"", "EncryptedPackage"), "remove the password"),
        (compound(b"", "WordDocument"), "it is a Word document"),
        (compound(b"\x09\x08", "Workbook"), "an old workbook (.xls) that is damaged"),
        (compound(b"", "EncryptedPackage")[:1000], "only half copied"),
        (
            zipped({"content.xml": b"", "META-INF/manifest.xml": b"<manifest:encryption-data/>"}),
            "remove the password",
        ),
        (
            zipped({"content.xml": b'value-type="error"', "META-INF/manifest.xml": b""}),
            "cells that hold an error",
        ),
        (b"PKEY,name\n", "no header among its first 50 rows"),
        (zipped({"word/document.xml": b""}), "a document and no workbook"),
        (zipped({"lab_awards.csv": b"x"}), "a zip file with 'lab_awards.csv' in it"),
        (zipped({"xl/workbook.bin": b""}), "a binary workbook (.xlsb): save it as .xlsx"),
        (package(), "a workbook without a sheet"),
        (package(sheet_xml({})), "it is empty"),
        (package(table_xml(HEADER, *ROWS))[:700], "only half copied"),
        (bytes(range(256)) * 4, "neither text nor a workbook"),
        (b"just a note\n", "no header among its first 50 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_is(data: bytes, said: str) -> None:
    message = complaint(data)
    assert said in message
    assert ("half copied" in message) == ("half copied" in said or "damaged" in said)


def test_old_workbooks_are_read() -> None:
    rows = [HEADER, ["A1", "x", 45296.0, "10"], ["A2", None, None, "20"]]
    data = old_workbook(rows, {(2, 1): 0x2A, (2, 2): 0x17})
    table = read_table(data, LAYOUT)
    assert [row for _, row in table.rows()] == [
        record("A1", "x", 45296, "10"), record("A2", "#N/A", "#REF!", "20"),
    ]  # fmt: skip
    assert table.form == "an old workbook (.xls)"


def test_a_csv_by_the_name_of_a_workbook_is_read() -> None:
    assert read(text(*ROWS).encode()) == EXPECTED  # the name says nothing


TABLE = table_xml(HEADER, *ROWS)
OPEN, TABLE_END = TABLE[: (_END := TABLE.index(b"</sheetData>"))], TABLE[_END:]


def hostile() -> dict[str, tuple[bytes, str]]:
    """Documents that must neither kill nor fill the memory, and what is said of them."""
    last = {1: dict(enumerate(HEADER)), 2: dict(enumerate(ROWS[0])), 1048576: {16383: "x"}}
    blank = b"".join(b'<row r="%d"><c r="D%d" s="1"/></row>' % (n, n) for n in range(4, 50_000))
    return {
        "a value in the last cell": (package(sheet_xml(last)), "2 rows"),
        "nothing but that": (package(sheet_xml({1048576: {16383: "x"}})), "no header"),
        "a size that is not so": (
            package(TABLE.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')),
            "2 rows",
        ),
        "a formatted column": (package(OPEN + blank + b"</sheetData></worksheet>"), "2 rows"),
        "a text without end": (
            package(OPEN + b'<row r="9"><c t="str"><v>' + b"a" * (2 << 20)),
            "without the end of a row",
        ),
        "a row without end": (
            package(OPEN + b'<row r="9">' + b"<c/>" * (1 << 19)), "without the end of a row",
        ),
        "a row that cannot be": (package(OPEN + b'<row r="1048577"/>'), "damaged"),
        "much to unpack": (
            package(OPEN + (b"<row/>" + bytes(80).replace(b"\0", b" ")) * 60_000),
            "unpacks to more than",
        ),
        "entities": (
            package(b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + TABLE), "entities",
        ),
        "many parts": (zipped({f"{n:0100}": b"" for n in range(8_000)}), "too many parts"),
        "a large part that nobody reads": (
            package(TABLE, more={"xl/media/x": bytes(160 << 20)}), "2 rows",
        ),
        "texts without end": (
            package(TABLE, more={"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * (1 << 18)}),
            "unpacks to more than",
        ),
        "values far outside": (
            package(OPEN + b'<row><c r="XFD"><v>1</v></c></row>' * 50_000 + TABLE_END),
            "far outside of the table",
        ),
        "a long text that many cells mean": (
            package(
                OPEN + b'<row><c t="s"><v>0</v></c></row>' * 5_000 + TABLE_END,
                more={"xl/sharedStrings.xml": b"<sst><si><t>" + b"a" * 40_000 + b"</t></si></sst>"},
            ),
            "more than 32,767 characters",
        ),
        "deep texts": (
            package(TABLE, more={"xl/sharedStrings.xml": b"<sst>" + b"<a>" * (300 << 10)}),
            "damaged",
        ),
        "deep rows": (package(OPEN + b"<row>" + b"<c>" * (1 << 19)), "damaged"),
        "a deep list of sheets": (
            package(TABLE, more={"xl/workbook.xml": b"<a>" * (5 << 20)}), "too many elements",
        ),
        "a wide list of sheets": (
            package(TABLE, more={"xl/workbook.xml": b"<a>" + b"<b/>" * (3 << 20) + b"</a>"}),
            "too many elements",
        ),
        "entities in the list of sheets": (
            package(TABLE, more={"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
            "entities",
        ),
    }  # fmt: skip


_CHILD = """
import json, pathlib, resource, sys
from lsats_pipeline.hub.sources import shallow_trees, workbooks
from lsats_pipeline.hub.sources.sheets import MalformedSheet
from lsats_pipeline.hub.sources.spreadsheets import Layout, read_table
workbooks.MAX_TEXTS, workbooks.MAX_ROW, workbooks.MAX_UNPACKED = 1 << 20, 1 << 20, 4 << 20
workbooks.MAX_DIRECTORY, shallow_trees.MOST_ELEMENTS = 1 << 20, 1 << 16
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (128 << 20),) * 2)
said = {}
for path in map(pathlib.Path, sys.argv[1:]):
    try:
        table = read_table(path.read_bytes(), Layout(("Id", "Full Name", "Seen On", "% Used")))
        said[path.name] = f"{sum(1 for _ in table.rows())} rows"
    except MalformedSheet as error:
        said[path.name] = str(error)
print(json.dumps(said))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by the system")
def test_no_document_kills_or_fills_the_memory(tmp_path: Path) -> None:
    documents = hostile()
    for name, (data, _) in documents.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in documents]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *paths], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert {name: expected in said[name] for name, (_, expected) in documents.items()} == (
        dict.fromkeys(documents, True)
    ), said


def test_an_old_workbook_that_needs_too_much_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = old_workbook([HEADER, *ROWS], {})
    killed = (sys.executable, "-c", "import os; os.abort()")
    run = subprocess.run

    def aborts(_: Any, **options: Any) -> Any:
        return run(killed, **options)

    def waits(_: Any, **options: Any) -> Any:
        raise subprocess.TimeoutExpired("calamine", 1)

    monkeypatch.setattr(subprocess, "run", aborts)
    assert "needs more than 1024 MB to read" in complaint(data)
    monkeypatch.setattr(subprocess, "run", waits)
    assert "takes more than 120 s to read: save it as .xlsx" in complaint(data)


WHOLE = (package(TABLE), text(*ROWS).encode(), text(*ROWS).encode("utf-16"))


@settings(max_examples=150)
@given(
    st.binary(max_size=200)
    | st.builds(
        lambda data, at, new, cut: data[: at % len(data)] + new + data[at % len(data) + cut :],
        st.sampled_from(WHOLE), st.integers(0, 5000), st.binary(max_size=12), st.integers(0, 40),
    )
    | st.builds(lambda inside: package(OPEN + inside), st.binary(max_size=60))
    | st.builds(
        lambda inside: package(OPEN + inside.encode() + b"</sheetData></worksheet>"),
        st.lists(
            st.sampled_from(
                ['<row r="3">', "<row>", "</row>", '<c r="A3">', '<c r="ZZZZ9" t="s">', "<c>",
                 "</c>", "<v>", "</v>", "1", "x", "<f/>", "<is><t>", "</t></is>", '<c s="99">',
                 '<c r="a1">', "1e999", "-1"]
            ),
            max_size=12,
        ).map("".join),
    )
)  # fmt: skip
@example(b"PK\x05\x06" + bytes(18))
@example(b"PK\x05\x06" + b"\xff" * 18)
def test_any_bytes_are_read_or_named(data: bytes) -> None:
    try:
        read(data)
    except MalformedSheet as error:
        assert str(error)


VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd\ufeff"), max_size=12
).map(str.strip)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.from_regex(r"[A-Z][0-9]{1,4}", fullmatch=True), VALUES, VALUES, VALUES),
             min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_what_was_written_comes_back(
    rows: list[tuple[str, ...]], separator: str, encoding: str, end: str
) -> None:
    found = read(text(*rows, separator=separator, end=end).encode(encoding))
    assert [tuple(row.values()) for _, row in found] == [
        tuple(cell[2:-1] if cell[:2] == '="' and cell[-1:] == '"' and len(cell) > 2 else cell
              for cell in row) for row in rows
    ]  # fmt: skip


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["lab_awards.csv", "Lab Awards.csv", "LAB-AWARDS_2026-11-01.CSV", "Copy of Lab Awards (1).xlsx",
     "lab awards - Copy.txt", "2026-11-01 lab.awards.tsv", "LabAwards.xls", "Lab Award export.csv"],
)  # fmt: skip
def test_names_are_recognized(name: str) -> None:
    assert recognized(name) == LAB_AWARDS
    assert misnamed(name) is None


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("Awards Q3.csv", LAB_AWARDS),
        ("Awards Q3.xlsx", LAB_AWARDS),
        ("Book1.xlsx", KEYCONFIGURE),
        ("export.csv", LAB_AWARDS),
        ("keyserver.zip", KEYCONFIGURE),
        ("readme.txt", None),
        ("~$Lab Awards.xlsx", None),
        (".lab_awards.csv.part", None),
        ("lab_awards.csv.part", LAB_AWARDS),
        ("Thumbs.db", None),
    ],
)
def test_other_names_are_somebodys(name: str, document: Any) -> None:
    assert recognized(name) is None
    assert misnamed(name) == document
