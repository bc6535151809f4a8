"""Columns of a block: SQLAlchemy types as Arrow types, values as Arrow arrays, arrays as CSV.

values of a generator ─▶ RecordBatch ─▶ CSV that PostgreSQL's COPY and spreadsheets read alike
                                    └─▶ Parquet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyarrow import csv

from lsats_pipeline.core.errors import BadDeclaration

# The first that fits; subclasses before their bases.
_PLAIN: tuple[tuple[type[Any], pa.DataType], ...] = (
    (sa.SmallInteger, pa.int16()),
    (sa.BigInteger, pa.int64()),
    (sa.Integer, pa.int32()),
    (sa.Float, pa.float64()),
    (sa.Boolean, pa.bool_()),
    (sa.Date, pa.date32()),
    (sa.Time, pa.time64("us")),
    (sa.Uuid, pa.string()),
    (sa.JSON, pa.string()),
    (sa.String, pa.string()),
)
# Small steps stay in the processor's cache: half the time.
_WRITE = csv.WriteOptions(include_header=False, batch_size=16_384)


def schema_of(table: sa.Table) -> pa.Schema:
    """The Arrow schema of a table."""
    return pa.schema(
        [pa.field(c.name, arrow_type(c.type), nullable=bool(c.nullable)) for c in table.columns]
    )


def arrow_type(kind: Any) -> pa.DataType:
    """The Arrow type in which a column's values are made; BadDeclaration when there is none."""
    if isinstance(kind, sa.ARRAY):
        return pa.list_(arrow_type(kind.item_type))
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us", "UTC" if kind.timezone else None)
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return pa.decimal128(kind.precision or 18, kind.scale or 0)
    for known, arrow in _PLAIN:
        if isinstance(kind, known):
            return arrow
    raise BadDeclaration(f"no world can make a column of type {kind!r}")


def batch_of(name: str, schema: pa.Schema, values: Mapping[str, Any], size: int) -> pa.RecordBatch:
    """A generator's values as a batch; BadDeclaration names what does not fit the table."""
    if set(values) != set(schema.names):
        missing = sorted(set(schema.names) - set(values))
        unknown = sorted(set(values) - set(schema.names))
        raise BadDeclaration(f"{name}: columns missing {missing}, unknown {unknown}")
    arrays = []
    for field in schema:
        try:
            array = _array(values[field.name], field.type, size)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise BadDeclaration(f"{name}.{field.name}: {error}") from None
        if len(array) != size:
            raise BadDeclaration(f"{name}.{field.name}: {len(array)} values for {size} rows")
        arrays.append(array)
    return pa.record_batch(arrays, schema=pa.schema([f.with_nullable(True) for f in schema]))


def csv_text(batch: pa.RecordBatch) -> pa.Buffer:
    """Lines of CSV without a heading: an empty text is `""`, null is nothing, a list `{1,2}`."""
    arrays = [_as_text(array) for array in batch]
    out = pa.BufferOutputStream()
    csv.write_csv(pa.record_batch(arrays, names=batch.schema.names), out, _WRITE)
    return out.getvalue()


def csv_heading(schema: pa.Schema) -> bytes:
    """The first line of a CSV file."""
    return (",".join(f'"{name}"' for name in schema.names) + "\n").encode()


def parsed(text: bytes | pa.Buffer, schema: pa.Schema, *, heading: bool = False) -> pa.Table:
    """Such lines as columns again, also as PostgreSQL writes them."""
    read = csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(column_names=None if heading else schema.names),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={f.name: _parsed_type(f.type) for f in schema},
            include_columns=schema.names,
            null_values=[""],
            true_values=["t", "true"],
            false_values=["f", "false"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return pa.table(
        [_from_text(read[f.name], f.type) for f in schema],
        schema=pa.schema([f.with_nullable(True) for f in schema]),
    )


def values_of(array: pa.Array | pa.ChunkedArray) -> Any:
    """Values as numpy sees them: numbers plain, decimals as whole units of the last digit.

    Nulls become NaN, NaT or None; look at the Arrow array where that matters.
    """
    if pa.types.is_decimal(array.type):
        return _units(array)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us"))
    return array.to_numpy(zero_copy_only=False) if isinstance(array, pa.Array) else array.to_numpy()


def _array(value: Any, kind: pa.DataType, size: int) -> pa.Array:
    if isinstance(value, pa.ChunkedArray):
        value = value.combine_chunks()
    if not isinstance(value, pa.Array | np.ndarray | Sequence) or isinstance(value, str | bytes):
        return _repeated(value, kind, size)
    if pa.types.is_decimal(kind):
        return _decimals(value, kind)
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return pa.array(value.tolist(), kind)
    if isinstance(value, pa.Array):
        return value if value.type == kind else value.cast(kind)
    return pa.array(value, kind, from_pandas=False)


def _repeated(value: Any, kind: pa.DataType, size: int) -> pa.Array:
    if isinstance(value, np.generic):
        one = _array(np.array([value]), kind, 1)
    else:
        one = _decimals([value], kind) if pa.types.is_decimal(kind) else pa.array([value], kind)
    return one.take(pa.array(np.zeros(size, dtype=np.int64)))


def _decimals(units: Any, kind: pa.DataType) -> pa.Array:
    """Whole units of the last digit as decimals; no number passes through binary fractions."""
    array = units if isinstance(units, pa.Array) else pa.array(units, pa.int64())
    return _with_scale(array.cast(pa.decimal128(38, 0)), kind.scale).cast(kind)


def _units(array: pa.Array | pa.ChunkedArray) -> Any:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    wide = array.cast(pa.decimal128(38, array.type.scale))
    return values_of(_with_scale(wide, 0).cast(pa.int64()))


def _with_scale(array: pa.Array, scale: int) -> pa.Array:
    """The same digits with the point elsewhere."""
    return pa.Array.from_buffers(
        pa.decimal128(38, scale), len(array), array.buffers(), offset=array.offset
    )


def _parsed_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.string()
    # Cast afterwards: CSV without an offset is no time of a zone, one with it nothing else.
    return kind


def _as_text(array: pa.Array) -> pa.Array:
    """What the CSV writer does not know, or takes twenty times as long for, as text."""
    if pa.types.is_list(array.type):
        inner = pc.binary_join(array.cast(pa.list_(pa.string())), ",")
        return pc.binary_join_element_wise("{", inner, "}", "")
    if pa.types.is_timestamp(array.type) and array.type.tz:
        text = array.cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise(text, "Z", "")
    return array


def _from_text(array: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if not pa.types.is_list(kind):
        return array
    inner = pc.utf8_slice_codeunits(array.combine_chunks(), 1, -1)
    parts = pc.split_pattern(inner, ",")
    empty = pc.equal(inner, "")
    none = pa.array([[]], pa.list_(pa.string())).take(pa.array(np.zeros(len(inner), np.int64)))
    return pc.if_else(empty, none, parts).cast(kind)
