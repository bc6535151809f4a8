"""Metadata of price files: where a file is from, what is in it, how fast it went, a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.defs.markdown import HIDDEN, ROWS, in_rows
from lsats_pipeline.defs.mrf.price_metadata import price_picture
from lsats_pipeline.mrf.database.loading import Loaded
from lsats_pipeline.mrf.ingest.file_ingest import IngestOutcome
from lsats_pipeline.mrf.profiling import FileProfile
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.sources.catalog import CatalogEntry
from lsats_pipeline.mrf.sources.download import RawFile
from lsats_pipeline.mrf.splitting import Split
from lsats_pipeline.mrf.text.index import SECTIONS, Index
from lsats_pipeline.mrf.workspace import Published

_MOST_PARTS = 20
# Numbers by which somebody may be known or paid; of a physician they may be personal.
_PERSONAL = {"npi", "tin_value", "business_name", "providers"}


def table_definition(table: str) -> Mapping[str, Any]:
    """What is known of a table before anything has run."""
    return {
        "dagster/table_name": f"mrf.{table}",
        "dagster/column_schema": dg.TableSchema([_column(field) for field in TABLES[table]]),
    }


def fetch_metadata(raw: RawFile, entry: CatalogEntry, plans: int, seconds: float) -> dict[str, Any]:
    """Of a raw file; the query of its address is secret, and left out."""
    return {
        "source": entry.address,
        "path": dg.MetadataValue.path(str(raw.path)),
        "sha256": raw.sha256,
        "bytes": raw.size,
        "version": raw.version.version,
        "received": "now" if raw.received else "before, and unchanged since",
        **({"same bytes as": raw.version.same_as_key} if raw.version.same_as_key else {}),
        **({"plans": plans} if plans else {}),
        **_speed(raw.size, seconds),
    }


def index_metadata(index: Index, seconds: float) -> dict[str, Any]:
    """Of an index: what is in the file."""
    return {
        "reporting entity": index.scalar("reporting_entity_name"),
        "schema version": index.scalar("version"),
        "last updated on": index.scalar("last_updated_on"),
        "sha256": index.sha256,
        "bytes": index.compressed,
        "bytes of text": index.text,
        "ratio": round(index.text / index.compressed, 2),
        "gzip members": index.gzip_members,
        "spans": len(index.spans),
        **{f"elements of {name}": index.elements(name) for name in SECTIONS if index.member(name)},
        **({"notes": "\n".join(index.notes)} if index.notes else {}),
        **_speed(index.text, seconds),
    }


def table_metadata(
    table: str, outcome: IngestOutcome, folder: Path, loaded: Loaded | None, source: str
) -> dict[str, Any]:
    """Of one table of a file."""
    published = outcome.published
    rows = rows_of(published, table)
    rejects = published.sums.rows.get("rejects", 0)
    sample = _sample(folder / table) if rows else ""
    return {
        "dagster/partition_row_count": rows,
        **({} if rows else {"note": f"this file has no {table.replace('_', ' ')}"}),
        "state": outcome.state,
        "rejects of the file": rejects,
        **({"total of rates": published.sums.cents / 100} if table == "in_network" else {}),
        "path": dg.MetadataValue.path(str(folder / table)),
        "source": source,
        "sha256 of the source": published.sha256,
        "reporting entity": published.reporting_entity,
        "schema version": published.version,
        "spans resumed": outcome.spans_resumed,
        **_speed(published.text, outcome.seconds),
        **_in_postgres(table, loaded, published.text),
        **({"sample": dg.MetadataValue.md(sample)} if sample else {}),
    }


def profile_metadata(profile: FileProfile) -> dict[str, Any]:
    """Of a profile: counts, categories, the price chart."""
    broken = [found for found in profile.schema.violations if found.breaks]
    return {
        "price distribution": dg.MetadataValue.md(price_picture(profile)),
        **{name.replace("_", " "): count for name, count in profile.counts.items()},
        "categories": dg.MetadataValue.json(profile.categories),
        "schema": f"version {profile.schema.version}, as the file says: {profile.schema.stated}",
        "violations": dg.MetadataValue.md(
            in_rows(
                ["path", "what", "detail", "count", "first element"],
                [[f"`{v.path}`", v.what, v.detail, v.count, v.first.element] for v in broken[:20]],
            )
            or "none"
        ),
        "findings": dg.MetadataValue.md(
            in_rows(
                ["finding", "count", "of", "about"],
                [[f.name, f.count, f.of, f.about] for f in profile.findings],
            )
        ),
        **_speed(profile.text, profile.seconds),
    }


def split_metadata(made: Split, folder: Path, text: int) -> dict[str, Any]:
    """Of the parts of a file."""
    lines = [[p.name, p.group, p.elements, p.compressed, p.sha256[:16]] for p in made.parts]
    return {
        "parts": len(made.parts),
        "how": made.meaning,
        f"{made.unit}s in all": made.units,
        "hash of the multiset": made.digest,
        "bytes": sum(part.compressed for part in made.parts),
        "path": dg.MetadataValue.path(str(folder)),
        "first parts": dg.MetadataValue.md(
            in_rows(["part", "of", "elements", "bytes", "sha256"], lines[:_MOST_PARTS])
        ),
        **({"notes": "\n".join(made.notes)} if made.notes else {}),
        **_speed(text, made.seconds),
    }


def rows_of(published: Published, table: str) -> int:
    """Rows of a table, those of groups that rates write out among them."""
    rows = published.sums.rows
    more = rows.get("inline_groups", 0) if table == "provider_references" else 0
    return rows.get(table, 0) + more


def _in_postgres(table: str, loaded: Loaded | None, text: int) -> dict[str, Any]:
    if loaded is None:
        return {}
    return {
        "rows in PostgreSQL": loaded.rows[table],
        "NUL replaced": loaded.substituted,
        "load seconds": round(loaded.seconds, 3),
        **(
            {"load MB/s": round(text / 1e6 / loaded.seconds, 1)} if loaded.state == "loaded" else {}
        ),
    }


def _speed(size: int, seconds: float) -> dict[str, Any]:
    """Megabytes are of what was read: text where it was inflated."""
    return {"seconds": round(seconds, 3), "MB/s": round(size / 1e6 / max(seconds, 1e-3), 1)}


def _column(field: pa.Field) -> dg.TableColumn:
    tags = {"personal": ""} if field.name in _PERSONAL else None
    return dg.TableColumn(field.name, _type(field.type), tags=tags)


def _type(kind: pa.DataType) -> str:
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _sample(folder: Path) -> str:
    """A line for every column: the tables are too wide to lie flat."""
    first = min(folder.glob("*.parquet"))
    with pq.ParquetFile(first) as file:
        rows = next(file.iter_batches(ROWS)).to_pylist()
    heads = ["column", *(f"row {number + 1}" for number in range(len(rows)))]
    return in_rows(heads, list(_lines(rows)))


def _lines(rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for name in rows[0]:
        values = [row[name] for row in rows]
        if any(value is not None for value in values):
            cells = [HIDDEN if name in _PERSONAL else _short(value) for value in values]
            yield [f"`{name}`", *cells]


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 34 else f"{text[:33]}…"
