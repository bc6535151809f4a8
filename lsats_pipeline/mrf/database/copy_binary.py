"""Numbers as PostgreSQL's COPY takes them in binary: of narrow rows a third faster than text.

A row is the number of its cells, and of each cell its length and its bytes, big end first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.core.errors import PermanentError

BEGIN = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
END = struct.pack(">h", -1)
INTEGER, BIGINT, DOUBLE = ">i4", ">i8", ">f8"
_BIGINT_OID = 20
_LARGEST_INTEGER = 2**31 - 1
_MISSING = struct.pack(">i", -1)
# Of no dimension: length, dimensions, no NULLs in it, type.
_EMPTY = struct.pack(">iiii", 12, 0, 0, _BIGINT_OID)
_ARRAY = [("length", INTEGER), ("dimensions", INTEGER), ("nulls", INTEGER), ("type", INTEGER),
          ("size", INTEGER), ("from", INTEGER)]  # fmt: skip

Numbers = NDArray[Any]


def rows(cells: Sequence[tuple[str, Numbers]], more: int = 0) -> NDArray[np.void]:
    """Rows of numbers, each with its type; `more` cells of a row are still to follow."""
    layout = [("cells", ">i2")]
    for at, (kind, _) in enumerate(cells):
        layout += [(f"length{at}", INTEGER), (f"cell{at}", kind)]
    made = np.empty(len(cells[0][1]), layout)
    made["cells"] = len(cells) + more
    for at, (kind, values) in enumerate(cells):
        made[f"length{at}"] = np.dtype(kind).itemsize
        made[f"cell{at}"] = values
    return made


def with_lists(begun: NDArray[np.void], lists: pa.ListArray) -> memoryview:
    """Rows with a last cell: a bigint array, or NULL."""
    head = _cut(begun, np.full(len(begun), begun.dtype.itemsize))
    together = pc.binary_join_element_wise(head, *_arrays(lists), pa.scalar(b"", pa.large_binary()))
    _, ends, data = together.buffers()
    # A buffer may be longer than what is in it.
    return memoryview(data or b"")[: np.frombuffer(ends, np.int64)[len(together)]]


def values_of(column: pa.Array) -> Numbers:
    """The numbers of a column; the reader of price files has refused rows in which one misses."""
    if column.null_count:
        raise PermanentError(
            f"{column.null_count:,} prices are without a number: please report this"
        )
    values: Numbers = column.to_numpy(zero_copy_only=False)
    return values


def small(values: Numbers) -> Numbers:
    """The same, if PostgreSQL's integer can hold them."""
    if len(values) and int(values.max()) > _LARGEST_INTEGER:
        raise PermanentError(
            f"an element has more than {_LARGEST_INTEGER:,} rates: please report this"
        )
    return values


def _arrays(lists: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """Of every list how its cell begins, and its values."""
    sizes = pc.list_value_length(lists)
    counts = np.asarray(pc.fill_null(sizes, 0), np.int64)
    values = np.empty(int(counts.sum()), [("length", INTEGER), ("value", BIGINT)])
    values["length"], values["value"] = 8, values_of(lists.flatten())
    begun = np.zeros(len(lists), _ARRAY)
    begun["length"] = 20 + values.dtype.itemsize * counts
    begun["dimensions"], begun["type"], begun["size"], begun["from"] = 1, _BIGINT_OID, counts, 1
    heads = _cut(begun, np.full(len(lists), begun.dtype.itemsize))
    for where, cell in ((pc.equal(sizes, 0), _EMPTY), (sizes.is_null(), _MISSING)):
        if pc.any(where).as_py():
            where = pc.fill_null(where, False)
            heads = pc.if_else(where, pa.scalar(cell, pa.large_binary()), heads)
    return heads, _cut(values, counts * values.dtype.itemsize)


def _cut(rows: NDArray[np.void], sizes: NDArray[np.int64]) -> pa.Array:
    """The bytes of an array, cut into pieces of these sizes; nothing is copied."""
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(sizes), [None, pa.py_buffer(ends), pa.py_buffer(rows)]
    )
