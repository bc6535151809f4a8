"""Where a row, an element, a reject or a byte comes from: the exact text of it in the source.

A place is written as a person has it in hand:

    1234                    element 1234 of the file's prices
    provider_references/7   element 7 of that array
    in_network:88           row 88 of that table (from 0, in the order of its parts): its price
    rejects:3               row 3 of the rejects: the part that was bad
    byte:123456             the element around that byte of the document
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.errors import FixConfiguration
from lsats_pipeline.mrf.rows.tables import FOLDER_OF
from lsats_pipeline.mrf.text.index import SECTIONS, Index, LargeElement, Span
from lsats_pipeline.mrf.text.reading import Watcher
from lsats_pipeline.mrf.text.rereading import Forward, indexed, placed, stretches
from lsats_pipeline.mrf.workspace import Work, Workspace

_PLACE = re.compile(r"(?:(\w+)([:/]))?(\d+)")
_SECTION_OF = {folder: section for section, folder in FOLDER_OF.items()}
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Origin:
    """A piece of text of the document; `of` says what it is, `text` gives it in pieces."""

    section: str
    element: int
    of: str
    offset: int
    length: int
    text: Iterator[bytes]


def origin(workspace: Workspace, place: str, watch: Watcher | None = None) -> Origin:
    """The text that a place leads to; FixConfiguration when there is no such place."""
    work = indexed(workspace)
    match = _PLACE.fullmatch(place)
    if match is None:
        raise FixConfiguration(
            f"{place!r} is no place: write an element (1234, provider_references/7), a row"
            " (in_network:88, rejects:3), or a byte (byte:123456)"
        )
    what, how, number = match[1] or "", match[2], int(match[3])
    if how == ":" and what == "byte":
        return _around(work, number, watch)
    if how == ":":
        return _of_row(workspace, work, what, number, watch)
    return element(work, what or _main(work.index), number, watch)


def _main(index: Index) -> str:
    return "in_network" if index.member("in_network") else "out_of_network"


def element(work: Work, section: str, number: int, watch: Watcher | None = None) -> Origin:
    """The text of an element."""
    if section not in SECTIONS:
        raise FixConfiguration(f"there is no array {section}: there are {', '.join(SECTIONS)}")
    count = work.index.elements(section)
    if number >= count:
        raise FixConfiguration(f"{section} has {count:,} elements, counted from 0, and no {number}")
    for large in work.index.large:
        if (large.section, large.number) == (section, number):
            return _large(work, large, watch)
    for span in work.index.spans:
        inside = span.section == section and span.of is None
        if inside and span.first <= number < span.first + span.values:
            return _in_span(work, span, number, watch)
    lost = next(
        t for t in work.index.too_large if (t.section, t.element, t.path) == (section, number, "")
    )
    return _between(work, section, number, "an element", lost.begin, lost.size, watch)


def _large(work: Work, large: LargeElement, watch: Watcher | None) -> Origin:
    size = large.end - large.begin
    return _between(work, large.section, large.number, "an element", large.begin, size, watch)


def _in_span(work: Work, span: Span, number: int, watch: Watcher | None) -> Origin:
    path = Path(work.source.path)
    text = Forward(path, watch)
    # All of the span is read, so that its checksum proves what is shown.
    found = [
        (offset, data)
        for stretch in stretches(text, [span], path)
        if stretch.first <= number < stretch.first + stretch.count
        for at, (offset, data) in enumerate(stretch.values(), stretch.first)
        if at == number
    ]
    text.close()
    offset, data = found[0]
    return Origin(span.section, number, "an element", offset, len(data), iter((data,)))


def _between(
    work: Work,
    section: str,
    number: int,
    of: str,
    begin: int,
    size: int,
    watch: Watcher | None,
) -> Origin:
    text = Forward(Path(work.source.path), watch)
    parts = (bytes(part) for part in text.parts(begin, begin + size))
    return Origin(section, number, of, begin, size, parts)


def _around(work: Work, byte: int, watch: Watcher | None) -> Origin:
    index = work.index
    for large in index.large:
        if large.begin <= byte < large.end:
            return _large(work, large, watch)
    for span in index.spans:
        if span.of is None and span.begin <= byte < span.end:
            path = Path(work.source.path)
            for stretch in stretches(Forward(path, watch), [span], path):
                for number, (offset, data) in enumerate(stretch.values(), stretch.first):
                    if offset <= byte < offset + len(data):
                        return Origin(
                            span.section, number, "an element", offset, len(data), iter((data,))
                        )
    member = next((m for m in index.members if m.at <= byte < m.end), None)
    what = f"in {member.key!r}, between its elements" if member else "between the members"
    raise FixConfiguration(f"byte {byte:,} of {index.text:,} is {what}")


def row(folder: Path, table: str, number: int) -> dict[str, Any]:
    """A row of a published table, by its number from 0 in the order of the parts."""
    before = 0
    for part in sorted((folder / table).glob("*.parquet")):
        rows = pq.read_metadata(part).num_rows
        if number < before + rows:
            return _row_of(part, number - before)
        before += rows
    raise FixConfiguration(f"{table} has {before:,} rows, counted from 0, and no {number:,}")


def _row_of(part: Path, number: int) -> dict[str, Any]:
    file = pq.ParquetFile(part)
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if number < rows:
            table: pa.Table = file.read_row_group(group)
            found: dict[str, Any] = table.slice(number, 1).to_pylist()[0]
            return {**found, "nth": _nth(table, number)}
        number -= rows
    raise AssertionError("the metadata counts the rows")


def _nth(table: pa.Table, number: int) -> int:
    """How many rows of the same element (and rate) are before a row."""
    names = [name for name in ("element", "rate") if name in table.column_names]
    columns = [table[name] for name in names]
    nth = 0
    while nth < number and all(c[number - nth - 1] == c[number] for c in columns):
        nth += 1
    return nth


def _of_row(
    workspace: Workspace, work: Work, table: str, number: int, watch: Watcher | None
) -> Origin:
    if table == "rejects":
        found = row(workspace.final, table, number)
        return _of_reject(work, found, watch)
    if table not in _SECTION_OF:
        known = ", ".join((*_SECTION_OF, "rejects"))
        raise FixConfiguration(f"there is no table {table}: there are {known}")
    found = row(workspace.final, table, number)
    section = "in_network" if found.get("inline") else _SECTION_OF[table]
    whole = element(work, section, found["element"], watch)
    is_large = any((e.section, e.number) == (section, whole.element) for e in work.index.large)
    if table != "in_network" or is_large or found["span"] < 0:
        return whole
    return _price(workspace, whole, found) or whole


def _of_reject(work: Work, found: dict[str, Any], watch: Watcher | None) -> Origin:
    of = found["path"] or "an element"
    if not found["length"]:
        return element(work, found["section"], found["element"], watch)
    return _between(
        work, found["section"], found["element"], of, found["offset"], found["length"], watch
    )


def _price(workspace: Workspace, whole: Origin, found: dict[str, Any]) -> Origin | None:
    """The price of a row inside its element; rows count only what was good."""
    text = b"".join(whole.text)
    bad = _rejected_paths(workspace, whole)
    rates = _good(text, whole.offset, "negotiated_rates", "", bad)
    at, rate, path = rates[found["rate"]]
    prices = _good(rate, at, "negotiated_prices", f"{path}.", bad)
    if found["nth"] >= len(prices):
        return Origin(
            whole.section, whole.element, whole.of, whole.offset, len(text), iter((text,))
        )
    offset, price, path = prices[found["nth"]]
    return Origin(whole.section, whole.element, path, offset, len(price), iter((price,)))


def _good(
    text: bytes, begin: int, inner: str, above: str, bad: set[str]
) -> list[tuple[int, bytes, str]]:
    """The good values of an inner list: offset, text, path."""
    listed = bytes(_OBJECT.decode(text)[inner])
    # The key may stand in a text too: what is looked for is the list's own bytes after it.
    start = text.index(listed, text.index(f'"{inner}"'.encode()))
    values = _LIST.decode(listed)
    return [
        (offset, value, f"{above}{inner}[{number}]")
        for number, (offset, value) in enumerate(placed(listed[1:-1], begin + start + 1, values))
        if f"{above}{inner}[{number}]" not in bad
    ]


def _rejected_paths(workspace: Workspace, whole: Origin) -> set[str]:
    parts = sorted((workspace.final / "rejects").glob("*.parquet"))
    return {
        reject["path"]
        for part in parts
        for reject in pq.read_table(part, columns=["section", "element", "path"]).to_pylist()
        if (reject["section"], reject["element"]) == (whole.section, whole.element)
    }
