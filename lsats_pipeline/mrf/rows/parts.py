"""Parquet parts: how the columns are written, and that a part is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Numbers of which most are different, or follow each other: a dictionary of them costs more than
# it saves. On prices of 1.5 GB: 0.19 s for 400,000 rows in place of 0.29, and no larger.
_ENCODINGS = {
    "span": "DELTA_BINARY_PACKED",
    "element": "DELTA_BINARY_PACKED",
    "rate": "DELTA_BINARY_PACKED",
    "provider_references.list.element": "DELTA_BINARY_PACKED",
    "provider_group_id": "DELTA_BINARY_PACKED",
    "npi.list.element": "DELTA_BINARY_PACKED",
    "negotiated_rate": "BYTE_STREAM_SPLIT",
    "allowed_amount": "BYTE_STREAM_SPLIT",
}
_PLAIN = {"tin_value", "offset", "length", "path", "text"}
# Of these the encoding leaves next to nothing more to save, and compressing costs.
_UNCOMPRESSED = {"file", "span", "negotiation_arrangement", "billing_code_type",
                 "billing_code_type_version", "severity_of_illness", "billing_class", "setting",
                 "additional_information", "bundled_codes", "covered_services",
                 "provider_references", "npi"}  # fmt: skip
# What queries pick rows by; least and greatest of every column would cost an eighth more.
_STATISTICS = ["span", "element", "billing_code_type", "billing_code", "negotiated_rate",
               "provider_group_id", "tin_value", "allowed_amount"]  # fmt: skip


def write_part(table: pa.Table, path: Path) -> None:
    """A Parquet file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    leaves = [leaf for field in table.schema for leaf in _leaves(field, "")]
    pq.write_table(
        table,
        temporary,
        compression={leaf: _compression(leaf) for leaf in leaves},
        compression_level={leaf: 1 for leaf in leaves if _compression(leaf) == "zstd"},
        use_dictionary=[leaf for leaf in leaves if leaf not in _PLAIN and leaf not in _ENCODINGS],
        column_encoding={leaf: _ENCODINGS[leaf] for leaf in leaves if leaf in _ENCODINGS},
        write_statistics=_STATISTICS,
    )
    temporary.rename(path)


def _compression(leaf: str) -> str:
    return "none" if leaf.partition(".")[0] in _UNCOMPRESSED else "zstd"


def _leaves(field: pa.Field, above: str) -> Iterator[str]:
    """The columns of the file: lists and structures have none of their own."""
    if pa.types.is_list(field.type):
        value = field.type.value_field.with_name("element")
        yield from _leaves(value, f"{above}{field.name}.list.")
    elif pa.types.is_struct(field.type):
        for member in field.type:
            yield from _leaves(member, f"{above}{field.name}.")
    else:
        yield above + field.name
