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
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.provenance.rereading import (
    Stretch,
    indexed,
    single_piece,
    stretches,
    values_with_offsets,
)
from lsats_pipeline.mrf.rows.tables import FOLDER_OF
from lsats_pipeline.mrf.text.access import OpenedText
from lsats_pipeline.mrf.text.index import SECTIONS, LargeElement, Span
from lsats_pipeline.mrf.text.reading import Watcher
from lsats_pipeline.mrf.workspace import Workspace

_PLACE = re.compile(r"(?:(\w+)([:/]))?(\d+)")
_SECTION_OF = {folder: section for section, folder in FOLDER_OF.items()}
# The columns that say where a row is from.
_LINEAGE = ("span", "section", "element", "rate", "inline", "path", "offset", "length")
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
    """The text that a place leads to; ConfigurationError when there is no such place."""
    return Origins(workspace, watch).of(place)


class Origins:
    """Finds one place after the other in a published file; with a seek index each in no time."""

    def __init__(self, workspace: Workspace, watch: Watcher | None = None) -> None:
        file = indexed(workspace)
        self._final = workspace.final
        self._index = file.index
        self._original = file.original
        self._watch = watch
        self._anywhere: OpenedText | None = None
        self._large = {(element.section, element.number): element for element in file.index.large}

    def of(self, place: str) -> Origin:
        """The text that a place leads to; it is to be read before the next is asked for."""
        match = _PLACE.fullmatch(place)
        if match is None:
            raise ConfigurationError(
                f"{place!r} is no place: write an element (1234, provider_references/7), a row"
                " (in_network:88, rejects:3), or a byte (byte:123456)"
            )
        what, how, number = match[1] or "", match[2], int(match[3])
        if how == ":" and what == "byte":
            return self._around(number)
        if how == ":":
            return self._of_row(what, number)
        main = "in_network" if self._index.member("in_network") else "out_of_network"
        return self.element(what or main, number)

    def element(self, section: str, number: int) -> Origin:
        """The text of an element."""
        if section not in SECTIONS:
            raise ConfigurationError(
                f"there is no array {section}: there are {', '.join(SECTIONS)}"
            )
        index, count = self._index, self._index.elements(section)
        if number >= count:
            raise ConfigurationError(
                f"{section} has {count:,} elements, counted from 0, and no {number}"
            )
        if large := self._large.get((section, number)):
            return self._whole(large)
        for span in index.spans:
            inside = span.section == section and span.of is None
            if inside and span.first <= number < span.first + span.values:
                return self._numbered(span, number)
        lost = next(
            t for t in index.too_large if (t.section, t.element, t.path) == (section, number, "")
        )
        return self._between(section, number, "an element", lost.begin, lost.size)

    def _opened(self) -> OpenedText:
        """The text; the same again where it can be read from any place on."""
        text = self._anywhere or self._original.opened(self._watch)
        self._anywhere = text if text.proved else None
        return text

    def _whole(self, large: LargeElement) -> Origin:
        size = large.end - large.begin
        return self._between(large.section, large.number, "an element", large.begin, size)

    def _numbered(self, span: Span, number: int) -> Origin:
        behind = accumulate((count for *_, count in span.pieces), initial=span.first)
        stretch = self._piece(span, sum(first <= number for first in behind) - 1)
        offset, data = stretch.values()[number - stretch.first]
        return Origin(span.section, number, "an element", offset, len(data), iter((data,)))

    def _piece(self, span: Span, number: int) -> Stretch:
        """One of the pieces of a span, proved."""
        text = self._opened()
        if text.proved:
            return next(stretches(text, [single_piece(span, number)]))
        pieces = list(stretches(text, [span]))  # all of it, for its sum proves it
        text.close()
        return pieces[number]

    def _between(self, section: str, number: int, of: str, begin: int, size: int) -> Origin:
        text = self._opened()
        parts = (bytes(part) for part in text.parts(begin, begin + size))
        return Origin(section, number, of, begin, size, parts)

    def _around(self, byte: int) -> Origin:
        for large in self._index.large:
            if large.begin <= byte < large.end:
                return self._whole(large)
        for span in self._index.spans:
            for number, (begin, end, _) in enumerate(span.pieces):
                if span.of is None and begin <= byte < end:
                    stretch = self._piece(span, number)
                    for element, (offset, data) in enumerate(stretch.values(), stretch.first):
                        if offset <= byte < offset + len(data):
                            return Origin(
                                span.section,
                                element,
                                "an element",
                                offset,
                                len(data),
                                iter((data,)),
                            )
        member = next((m for m in self._index.members if m.at <= byte < m.end), None)
        what = f"in {member.key!r}, between its elements" if member else "between the members"
        raise ConfigurationError(f"byte {byte:,} of {self._index.text:,} is {what}")

    def _of_row(self, table: str, number: int) -> Origin:
        if table == "rejects":
            return self._of_reject(row(self._final, table, number))
        if table not in _SECTION_OF:
            known = ", ".join((*_SECTION_OF, "rejects"))
            raise ConfigurationError(f"there is no table {table}: there are {known}")
        found = row(self._final, table, number)
        section = "in_network" if found.get("inline") else _SECTION_OF[table]
        whole = self.element(section, found["element"])
        is_large = (section, whole.element) in self._large
        if table != "in_network" or is_large or found["span"] < 0:
            return whole
        return self._price(whole, found)

    def _of_reject(self, found: dict[str, Any]) -> Origin:
        of = found["path"] or "an element"
        if not found["length"]:
            return self.element(found["section"], found["element"])
        return self._between(
            found["section"], found["element"], of, found["offset"], found["length"]
        )

    def _price(self, whole: Origin, found: dict[str, Any]) -> Origin:
        """The price of a row inside its element; rows count only what was good."""
        text = b"".join(whole.text)
        bad = self._bad.get((whole.section, whole.element), set())
        rates = _good(text, whole.offset, "negotiated_rates", "", bad)
        at, rate, path = rates[found["rate"]]
        prices = _good(rate, at, "negotiated_prices", f"{path}.", bad)
        if found["nth"] >= len(prices):
            return replace(whole, text=iter((text,)))
        offset, price, path = prices[found["nth"]]
        return Origin(whole.section, whole.element, path, offset, len(price), iter((price,)))

    @cached_property
    def _bad(self) -> dict[tuple[str, int], set[str]]:
        """The paths that were rejected, by element."""
        found: dict[tuple[str, int], set[str]] = {}
        for part in sorted((self._final / "rejects").glob("*.parquet")):
            for reject in pq.read_table(part, columns=["section", "element", "path"]).to_pylist():
                of = reject["section"], reject["element"]
                found.setdefault(of, set()).add(reject["path"])
        return found


def row(folder: Path, table: str, number: int) -> dict[str, Any]:
    """Where a row of a published table is from, by its number from 0 in the order of the parts."""
    before = 0
    for part in sorted((folder / table).glob("*.parquet")):
        with pq.ParquetFile(part) as file:
            rows = file.metadata.num_rows
            if number < before + rows:
                return _row_of(file, number - before)
        before += rows
    raise ConfigurationError(f"{table} has {before:,} rows, counted from 0, and no {number:,}")


def _row_of(file: pq.ParquetFile, number: int) -> dict[str, Any]:
    names = [name for name in _LINEAGE if name in file.schema_arrow.names]
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if number < rows:
            table: pa.Table = file.read_row_group(group, names)
            found: dict[str, Any] = table.slice(number, 1).to_pylist()[0]
            return {**found, "nth": _nth(table, number)}
        number -= rows
    raise AssertionError("the metadata counts the rows")


def _nth(table: pa.Table, number: int) -> int:
    """How many rows of the same element (and rate) are directly before a row."""
    names = [name for name in ("element", "rate") if name in table.column_names]
    columns = [table[name].slice(0, number + 1).to_numpy() for name in names]
    others = np.logical_or.reduce([column != column[number] for column in columns])
    before = np.flatnonzero(others)
    return number - (int(before[-1]) + 1 if len(before) else 0)


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
        for number, (offset, value) in enumerate(
            values_with_offsets(listed[1:-1], begin + start + 1, values)
        )
        if f"{above}{inner}[{number}]" not in bad
    ]
