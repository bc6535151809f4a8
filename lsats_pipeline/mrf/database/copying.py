"""Columns as text that PostgreSQL's COPY takes, made without a Python object per cell.

One string per row comes from joining the columns; the buffer behind those strings, as it lies in
memory, is what COPY reads. Lists become array literals, structures become JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Rows made into text at a time: some 20 MB.
_BATCH = 20_000
_NULL = pa.scalar("\\N", pa.large_string())
# PostgreSQL stores no NUL character in text; this one is made to be seen in its place.
_NUL, VISIBLE_NUL = "\0", "\N{SYMBOL FOR NULL}"
_IN_COPY = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_CONTROLS = {chr(n): f"\\u{n:04x}" for n in range(0x20)}
_IN_JSON = {"\\": "\\\\", '"': '\\"', **_CONTROLS}
_IN_ARRAYS = {"\\": "\\\\", '"': '\\"'}
_QUOTE = pa.scalar('"', pa.large_string())
Texts: TypeAlias = pa.LargeStringArray


class CopyPiece(NamedTuple):
    """Rows for one COPY: of which table, and the bytes to send one after the other."""

    table: str
    data: tuple[bytes | memoryview, ...]
    binary: bool = False


@dataclass
class Copied:
    """A table that is as it is in Parquet: what went through, and values that held a NUL."""

    table: str
    rows: int = 0

    def __post_init__(self) -> None:
        self._text = CopyText()

    @property
    def substituted(self) -> int:
        """Values that held a NUL."""
        return self._text.substituted

    def pieces(self, part: Path) -> Iterator[CopyPiece]:
        """A Parquet file for COPY."""
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(_BATCH, use_threads=False):
                yield CopyPiece(self.table, (self._text.of(batch),))
                self.rows += batch.num_rows


@dataclass
class CopyText:
    """Rows as text; counts the values in which a NUL was replaced."""

    substituted: int = 0

    def of(self, batch: pa.RecordBatch) -> memoryview:
        """A line for every row."""
        if not batch.num_rows:
            return memoryview(b"")
        parts = list(map(self._cells, batch.columns))
        parts[-1] = _together(parts[-1], _text("\n"))
        return _buffer(_together(*parts, between="\t"))

    def _cells(self, column: pa.Array) -> Texts:
        """A column as cells of COPY text."""
        if column.null_count == len(column):
            return pa.repeat(_NULL, len(column))
        return _of_words(column, self._literals).fill_null(_NULL)

    def _literals(self, column: pa.Array) -> Texts:
        """Values as PostgreSQL reads them, escaped for COPY; missing ones stay missing."""
        if pa.types.is_string(column.type):
            return _replaced(self._without_nul(_plain(column)), _IN_COPY)
        if not pa.types.is_list(column.type):
            return _plain(column)
        inside = column.type.value_type
        if pa.types.is_struct(inside):
            return _replaced(self._json(column), _IN_COPY)
        if pa.types.is_string(inside) or pa.types.is_dictionary(inside):
            return _joined(column, self._in_array, '{"', '","', '"}', "{}")
        return _joined(column, _plain, "{", ",", "}", "{}")

    def _in_array(self, words: pa.Array) -> Texts:
        return _of_words(
            words,
            lambda texts: _replaced(
                _replaced(self._without_nul(_plain(texts)), _IN_ARRAYS), _IN_COPY
            ),
        )

    def _json(self, values: pa.Array) -> Texts:
        if pa.types.is_list(values.type):
            return _joined(values, self._json, "[", ",", "]", "[]").fill_null(_text("null"))
        if pa.types.is_struct(values.type):
            return self._json_objects(values)
        if pa.types.is_dictionary(values.type):
            return self._json(values.dictionary_decode())
        if pa.types.is_string(values.type):
            texts = _quoted(_replaced(self._without_nul(_plain(values)), _IN_JSON))
        else:
            texts = _plain(values)
        return texts.fill_null(_text("null"))

    def _json_objects(self, values: pa.StructArray) -> Texts:
        parts = []
        for field, member in zip(values.type, values.flatten(), strict=True):
            key = _text(f'"{field.name}": ')
            parts.append(_together(key, self._json(member)))
        inside = _together(*parts, between=",")
        return _together(_text("{"), inside, _text("}"))

    def _without_nul(self, texts: Texts) -> Texts:
        if not _some(texts, _NUL):
            return texts
        self.substituted += pc.sum(pc.match_substring(texts, _NUL)).as_py()
        return pc.replace_substring(texts, _NUL, VISIBLE_NUL)


def _of_words(values: pa.Array, made: Callable[[pa.Array], Texts]) -> Texts:
    """Of words in a dictionary each is made into text once; a NUL has to be counted where it is."""
    if not pa.types.is_dictionary(values.type):
        return made(values)
    if len(values.dictionary) > len(values) or _some(values.dictionary, _NUL):
        return made(values.dictionary_decode())
    return made(values.dictionary).take(values.indices)


def _joined(
    lists: pa.ListArray,
    inside: Callable[[pa.Array], Texts],
    begin: str,
    between: str,
    end: str,
    empty: str,
) -> Texts:
    """Every list as one text; a missing list stays missing."""
    sizes = pc.list_value_length(lists)
    ends = np.concatenate([[0], np.cumsum(pc.fill_null(sizes, 0).to_numpy())])
    together = pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), inside(lists.flatten()))
    texts = _together(_text(begin), pc.binary_join(together, _text(between)), _text(end))
    if sizes.null_count:
        texts = pc.if_else(lists.is_valid(), texts, pa.scalar(None, pa.large_string()))
    if pc.any(pc.equal(sizes, 0)).as_py():
        texts = pc.if_else(pc.equal(sizes, 0), _text(empty), texts)
    return texts


def _replaced(texts: Texts, replacements: dict[str, str]) -> Texts:
    """With all of these replaced, which are seldom there at all; the backslash comes first."""
    for character in _some(texts, *replacements):
        texts = pc.replace_substring(texts, character, replacements[character])
    return texts


def _some(texts: pa.Array, *characters: str) -> list[str]:
    """Which of these the texts have; looks at the bytes of all of them at once."""
    if not len(texts):
        return []
    together = bytes(_buffer(texts))
    return [character for character in characters if character.encode() in together]


def _quoted(texts: Texts) -> Texts:
    return _together(_QUOTE, texts, _QUOTE)


def _together(*texts: Any, between: str = "") -> Texts:
    """The texts of each row, joined; missing where one of them is."""
    return pc.binary_join_element_wise(*texts, _text(between))


def _plain(values: pa.Array) -> Texts:
    return values.cast(pa.large_string())


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _buffer(texts: pa.Array) -> memoryview:
    """The bytes of all texts, one after the other."""
    offsets = np.frombuffer(
        texts.buffers()[1], np.int64 if pa.types.is_large_string(texts.type) else np.int32
    )
    begin, end = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return memoryview(texts.buffers()[2] or b"")[begin:end]
