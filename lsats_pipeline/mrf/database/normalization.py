"""Prices as rows of the four tables that keep them: nothing is repeated, numbers are binary.

batch ─┬▶ a new element  ▶ items   text
       ├▶ a new rate     ▶ rates   binary
       ├▶ new terms      ▶ terms   text
       └▶ every row      ▶ prices  binary
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lsats_pipeline.mrf.database import copy_binary, table_definitions
from lsats_pipeline.mrf.database.copying import CopyPiece, CopyText

# Prices worked on at a time.
_BATCH = 65_536
# Terms and words that are remembered; a file that has more stores some of them again.
_MOST = 200_000
_ROOM = 2**62
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Words = str | tuple[str | None, ...] | None
"""A word, or words."""
# Of these Parquet keeps each word once; read so, they need not be found to be the same again.
_LISTS_OF_WORDS = ["service_code.list.element", "billing_code_modifier.list.element"]


class Narrowed:
    """The prices of one shard, whose number the tables know."""

    def __init__(self) -> None:
        self.rows = 0
        self._items = 0
        self._last: tuple[int, int, int] | None = None
        self._terms = _Terms()
        self._text = CopyText()

    @property
    def substituted(self) -> int:
        """Stored values that held a NUL."""
        return self._text.substituted

    def pieces(self, part: Path) -> Iterator[CopyPiece]:
        """A Parquet file for COPY; none goes on with an element of another."""
        self._last = None
        with pq.ParquetFile(part, read_dictionary=_LISTS_OF_WORDS) as file:
            for batch in file.iter_batches(_BATCH, use_threads=False):
                if batch.num_rows:
                    yield from self._pieces(batch)
                    self.rows += batch.num_rows

    def _pieces(self, batch: pa.RecordBatch) -> Iterator[CopyPiece]:
        rates = copy_binary.small(copy_binary.values_of(batch["rate"]))
        new_item, new_rate = self._begins(batch, rates)
        items = self._items - 1 + np.cumsum(new_item)
        self._items = int(items[-1]) + 1
        terms, new_terms, numbers = self._terms.of(batch)
        at, at_rate = np.flatnonzero(new_item), np.flatnonzero(new_rate)
        yield self._texts(table_definitions.ITEMS, batch, table_definitions.OF_ITEM, at, items[at])
        yield self._rates(batch, at_rate, items[at_rate], rates[at_rate])
        yield self._texts(
            table_definitions.TERMS_OF_PRICES, batch, table_definitions.OF_TERMS, new_terms, numbers
        )
        yield self._prices(batch, items, rates, terms)

    def _begins(self, batch: pa.RecordBatch, rates: Numbers) -> tuple[Flags, Flags]:
        """Whether an element begins with a row, and whether a rate does.

        What is put back from rejects follows an element's other rates; a smaller number of a rate
        counts as another element, so that no element has two rates of one number.
        """
        spans, elements = (copy_binary.values_of(batch[name]) for name in ("span", "element"))
        item, rate = np.ones(len(rates), bool), np.ones(len(rates), bool)
        item[1:] = (spans[1:] != spans[:-1]) | (elements[1:] != elements[:-1])
        item[1:] |= rates[1:] < rates[:-1]
        rate[1:] = item[1:] | (rates[1:] != rates[:-1])
        if self._last and self._last[:2] == (spans[0], elements[0]):
            item[0] = rates[0] < self._last[2]
            rate[0] = rates[0] != self._last[2]
        self._last = int(spans[-1]), int(elements[-1]), int(rates[-1])
        return item, rate

    def _texts(
        self, table: str, batch: pa.RecordBatch, names: tuple[str, ...], at: Numbers,
        numbers: Numbers,
    ) -> CopyPiece:  # fmt: skip
        rows = pa.array(at)
        columns = [pa.array(numbers), *(batch[name].take(rows) for name in names)]
        made = pa.RecordBatch.from_arrays(columns, ["number", *names])
        return CopyPiece(table, (self._text.of(made),))

    def _rates(
        self, batch: pa.RecordBatch, at: Numbers, items: Numbers, rates: Numbers
    ) -> CopyPiece:
        begun = copy_binary.rows(
            [(copy_binary.INTEGER, items), (copy_binary.INTEGER, rates)], more=1
        )  # fmt: skip
        lists = batch["provider_references"].take(pa.array(at))
        return CopyPiece(
            table_definitions.RATES,
            (copy_binary.BEGIN, copy_binary.with_lists(begun, lists), copy_binary.END),
            binary=True,
        )

    def _prices(
        self, batch: pa.RecordBatch, items: Numbers, rates: Numbers, terms: Numbers
    ) -> CopyPiece:
        integer = copy_binary.INTEGER
        rows = copy_binary.rows(
            [(integer, items), (integer, rates), (integer, terms),
             (copy_binary.DOUBLE, copy_binary.values_of(batch["negotiated_rate"]))]
        )  # fmt: skip
        return CopyPiece(
            table_definitions.PRICES,
            (copy_binary.BEGIN, rows.tobytes(), copy_binary.END),
            binary=True,
        )


class _Terms:
    """Numbers for combinations of a price's other columns; exact, and bounded in memory."""

    def __init__(self) -> None:
        self._words: list[dict[Words, int]] = []
        self._numbers: dict[bytes, int] = {}
        self._next = 0
        self._forget()

    def of(self, batch: pa.RecordBatch) -> tuple[Numbers, Numbers, Numbers]:
        """The number for each row; rows with new terms, and the numbers of these."""
        if sum(map(len, self._words)) + len(self._numbers) > _MOST:
            self._forget()
        codes = [
            _coded(words, *_each_once(batch[name]))
            for words, name in zip(self._words, table_definitions.OF_TERMS, strict=True)
        ]
        group, first = _grouped(codes, [len(words) for words in self._words])
        keys = np.stack([code[first] for code in codes], axis=1)
        found = keys.view(f"V{keys.itemsize * keys.shape[1]}").ravel().tolist()
        begun = self._next
        numbers = self._numbered(found)
        new = numbers >= begun
        return numbers[group], first[new], numbers[new]

    def _numbered(self, keys: list[bytes]) -> Numbers:
        known = self._numbers
        for key in keys:
            if key not in known:
                known[key] = self._next
                self._next += 1
        return np.array([known[key] for key in keys], np.int64)

    def _forget(self) -> None:
        self._words = [{} for _ in table_definitions.OF_TERMS]
        self._numbers = {}


def _each_once(column: pa.Array) -> tuple[list[Words], Numbers]:
    """The different words or lists of a column, and for each row which of them it is."""
    if pa.types.is_dictionary(column.type):
        words = [*column.dictionary.to_pylist(), None]
        at = pc.fill_null(column.indices, len(words) - 1)
        return words, at.to_numpy(zero_copy_only=False)
    group, first = _firsts(_lists_apart(column))
    lists = column.take(pa.array(first)).to_pylist()
    return [None if words is None else tuple(words) for words in lists], group


def _lists_apart(lists: pa.ListArray) -> Numbers:
    """A number for each list, the same for equal ones alone: that of its place in a tree of words.

    The empty list is the root; the words of all lists are followed down it together.
    """
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
    begins = np.cumsum(sizes) - sizes
    codes, different = _words_apart(lists.flatten())
    places, known = np.zeros(len(lists), np.int64), 1
    for depth in range(int(sizes.max())):
        rows = np.flatnonzero(sizes > depth)
        below = _encoded(places[rows] * different + codes[begins[rows] + depth])
        places[rows] = known + below
        known += int(below.max()) + 1
    places[lists.is_null().to_numpy(zero_copy_only=False)] = known
    return places


def _words_apart(words: pa.Array) -> tuple[Numbers, int]:
    """A number for each word, and how many numbers there are."""
    if not pa.types.is_dictionary(words.type):
        words = words.dictionary_encode()
    codes = pc.fill_null(words.indices, len(words.dictionary))
    return codes.to_numpy(zero_copy_only=False).astype(np.int64), len(words.dictionary) + 1


def _coded(known: dict[Words, int], words: list[Words], at: Numbers) -> Numbers:
    """The number of the words in each row, the same in every batch."""
    numbers = np.array([known.setdefault(one, len(known)) for one in words], np.int64)
    coded: Numbers = numbers[at]
    return coded


def _grouped(codes: list[Numbers], sizes: list[int]) -> tuple[Numbers, Numbers]:
    """For each row the group of those with the same codes, and the first row of each group."""
    key, room = codes[0], sizes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        if room * size >= _ROOM:
            key = _encoded(key)
            room = len(key)
        key, room = key * size + code, room * size
    return _firsts(key)


def _firsts(key: Numbers) -> tuple[Numbers, Numbers]:
    group = _encoded(key)
    first = np.empty(int(group.max()) + 1, np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    return group, first


def _encoded(key: Numbers) -> Numbers:
    found: Numbers = pa.array(key).dictionary_encode().indices.to_numpy().astype(np.int64)
    return found
