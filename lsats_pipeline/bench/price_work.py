"""What `lsats bench mrf` measures, each in a process of its own: `... WORK FILE FOLDER [URL]`.

Every work writes what it counted as JSON, so that nothing is fast because it does less.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest, plan, prepare
from lsats_pipeline.mrf.text.cutting import Piece
from lsats_pipeline.mrf.text.index import Span, index_file
from lsats_pipeline.mrf.text.reading import Reading
from lsats_pipeline.mrf.workspace import name_for

Counts: TypeAlias = dict[str, int]
# What stands between two elements of a generated file, and of most published ones.
_SEPARATOR = b'},{"negotiation_arrangement"'
_BLOCK = 4 << 20
# Bytes of elements that are given to those who would take minutes for a whole file.
_SLICE = 60_000_000
# Prices that are copied as they are, at least.
_COPIED = 1_000_000
# As `lsats mrf load` has them.
CONNECTIONS = 3


def inflated(file: Path, _: Path) -> Counts:
    """Inflated and proved whole: each member's CRC and length, and the hash of the file."""
    reading = Reading(file)
    for _chunk in reading.chunks():
        pass
    return {"text": reading.text}


def cut(file: Path, _: Path) -> Counts:
    """Inflated, and cut between elements wherever they seem to end; nothing is proved."""
    waiting: list[bytes] = []
    elements, text, size = 1, 0, 0
    for chunk in Reading(file).chunks():
        waiting.append(chunk)
        text += len(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            block = b"".join(waiting)
            elements += block.count(_SEPARATOR)
            waiting, size = [block[-len(_SEPARATOR) + 1 :]], 0
    return {"text": text, "in_network": elements + b"".join(waiting).count(_SEPARATOR)}


def proved(_: Path, folder: Path) -> Counts:
    """The slice, in memory, as strict JSON: what a decoder cannot be faster than and be strict."""
    import msgspec

    decoder = msgspec.json.Decoder(msgspec.Raw)
    lines = (folder / "slice.ndjson").read_bytes().splitlines()
    begun = time.perf_counter()
    for line in lines:
        decoder.decode(line)
    microseconds = round(1e6 * (time.perf_counter() - begun))
    return {"text": sum(map(len, lines)), "in_network": len(lines), "microseconds": microseconds}


def indexed(file: Path, _: Path) -> Counts:
    """Proved, cut into spans, with a checksum each."""
    index = plan(file, IngestOptions(1))
    return {"text": index.text, "in_network": index.elements("in_network")}


def prepared(file: Path, folder: Path) -> Counts:
    """The index, kept for the ingest of its spans."""
    return {"text": prepare(file, folder, IngestOptions(1)).index.text}


def ingested(workers: int) -> Callable[[Path, Path], Counts]:
    """To Parquet; the index too, unless it is there already."""

    def work(file: Path, folder: Path) -> Counts:
        published = ingest(file, folder, IngestOptions(workers)).published
        rows = published.sums.rows
        return {
            "text": published.text,
            "in_network": published.elements["in_network"],
            "prices": rows["in_network"],
            "cents": published.sums.cents,
            "groups": rows["provider_references"],
            "npis": published.sums.npis,
            "rejects": rows.get("rejects", 0),
        }

    return work


def loaded(file: Path, folder: Path, url: str) -> Counts:
    """What was ingested, from Parquet into PostgreSQL, with indexes, visible to readers."""
    from lsats_pipeline.mrf.database.loading import load_file
    from lsats_pipeline.warehouse import Warehouse

    with Warehouse(url) as warehouse:
        rows = load_file(warehouse, folder, name_for(file), connections=CONNECTIONS).rows
    return {"prices": rows["in_network"], "groups": rows["provider_references"]}


def ingested_and_loaded(file: Path, folder: Path, url: str) -> Counts:
    """All of it: the file to Parquet by two, and that into PostgreSQL."""
    return {**ingested(2)(file, folder), **loaded(file, folder, url)}


def rendered(file: Path, folder: Path) -> Counts:
    """The first prices as rows of text with all their columns, for those who only copy."""
    import pyarrow.parquet as pq

    from lsats_pipeline.mrf.database.copying import CopyText

    text, rows = CopyText(), 0
    with (folder / "prices.copy").open("wb") as out:
        for part in sorted((folder / name_for(file) / "in_network").glob("*.parquet")):
            for batch in pq.ParquetFile(part).iter_batches():
                out.write(text.of(batch))
                rows += batch.num_rows
            if rows >= _COPIED:
                break
    return {"prices": rows}


def bare_copy(_: Path, folder: Path, url: str) -> Counts:
    """Those rows by one COPY into a table of all their columns: no index, nothing is checked."""
    from psycopg import sql

    from lsats_pipeline.mrf.database import relational
    from lsats_pipeline.mrf.rows.tables import TABLES
    from lsats_pipeline.warehouse.database import connect

    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), relational.type_of(field.type))
        for field in TABLES["in_network"]
    )
    with connect(url) as connection:
        connection.execute(sql.SQL("create table bare ({})").format(columns))
        with (
            (folder / "prices.copy").open("rb") as file,
            connection.cursor().copy("copy bare from stdin with (freeze)") as stream,
        ):
            while block := file.read(_BLOCK):
                stream.write(block)
        found = connection.execute("select count(*) from bare").fetchone()
    return {"prices": found[0] if found else 0}


def by_duckdb(_: Path, folder: Path) -> Counts:
    """The slice from lines of JSON, which somebody else has to write, to a Parquet file."""
    import duckdb

    query = (Path(__file__).parent / "duckdb_prices.sql").read_text()
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        found = connection.sql(query, params={"path": str(folder / "slice.ndjson")})
        out = str(folder / "duckdb.parquet")
        found.write_parquet(out, compression="zstd")
        prices, cents = connection.execute(
            "select count(*), sum(round(negotiated_rate * 100)::bigint) from read_parquet(?)", [out]
        ).fetchall()[0]
    return {"prices": prices, "cents": int(cents)}


def by_ijson(_: Path, folder: Path) -> Counts:
    """The slice by ijson and lists of Python objects to a Parquet file, as others do it."""
    import ijson
    import pyarrow as pa
    import pyarrow.parquet as pq

    cents = 0
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    with gzip.open(folder / "slice.json.gz", "rb") as file:
        for element in ijson.items(file, "in_network.item", use_float=True):
            for price, row in _rows(element):
                cents += round(price["negotiated_rate"] * 100)
                for name, values in columns.items():
                    values.append(row.get(name))
    table = pa.table(columns)
    pq.write_table(table, folder / "ijson.parquet", compression="zstd", compression_level=1)
    return {"prices": table.num_rows, "cents": cents}


_COLUMNS = (
    "negotiation_arrangement", "name", "billing_code_type", "billing_code_type_version",
    "billing_code", "description", "severity_of_illness", "provider_references", "negotiated_type",
    "negotiated_rate", "expiration_date", "billing_class", "setting", "service_code",
    "billing_code_modifier", "additional_information",
)  # fmt: skip


def _rows(element: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for rate in element["negotiated_rates"]:
        for price in rate["negotiated_prices"]:
            yield price, {**element, **rate, **price}


class _EnoughError(Exception):
    """The slice is long enough."""


def sliced(file: Path, folder: Path) -> Counts:
    """Write the first elements of a file as others want them; returns what is in them."""
    values: list[bytes] = []

    def take(span: Span, pieces: list[Piece]) -> None:
        if span.section == "in_network":
            for piece in pieces:
                values.extend(map(bytes, piece.values))
            if sum(map(len, values)) >= _SLICE:
                raise _EnoughError

    with suppress(_EnoughError):
        index_file(file, on_span=take)
    rates = [price["negotiated_rate"] for value in values for price, _ in _rows(json.loads(value))]
    (folder / "slice.ndjson").write_bytes(b"\n".join(values))
    with gzip.open(folder / "slice.json.gz", "wb", 6) as whole:
        whole.write(b'{"in_network":[' + b",".join(values) + b"]}")
    cents = sum(round(rate * 100) for rate in rates)
    text = sum(map(len, values))
    return {"text": text, "in_network": len(values), "prices": len(rates), "cents": cents}


WORKS: dict[str, Callable[..., Counts]] = {
    "inflated": inflated,
    "cut": cut,
    "slice": sliced,
    "proved": proved,
    "indexed": indexed,
    "prepared": prepared,
    "ingested by 1": ingested(1),
    "ingested by 2": ingested(2),
    "loaded": loaded,
    "ingested and loaded": ingested_and_loaded,
    "rendered": rendered,
    "bare COPY": bare_copy,
    "DuckDB": by_duckdb,
    "ijson": by_ijson,
}


def main() -> None:
    """Do one work, and write its seconds and what it counted."""
    name, file, folder, *url = sys.argv[1:]
    begun = time.perf_counter()
    counts = WORKS[name](Path(file), Path(folder), *url)
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - begun, **counts}))


if __name__ == "__main__":
    main()
