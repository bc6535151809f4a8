"""Metadata of price files: where a file is from, what is in it, how fast it went, a sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.core.declaration import Place
from lsats_pipeline.defs.code_references import code_references
from lsats_pipeline.defs.markdown import in_rows
from lsats_pipeline.defs.mrf.price_metadata import price_picture
from lsats_pipeline.defs.sample_tables import HIDDEN, ROWS, Sample, in_table
from lsats_pipeline.mrf.database.loading import Loaded
from lsats_pipeline.mrf.ingest.file_ingest import IngestOutcome
from lsats_pipeline.mrf.profiling import FileProfile
from lsats_pipeline.mrf.rows import tables
from lsats_pipeline.mrf.rows.glossary import GLOSSARY
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.sources.catalog import CatalogEntry
from lsats_pipeline.mrf.sources.download import RawFile
from lsats_pipeline.mrf.splitting import Split
from lsats_pipeline.mrf.text.index import SECTIONS, Index
from lsats_pipeline.mrf.workspace import Published

_MOST_PARTS = 20
_MOST_COLUMNS = 8
# The same in every row, or of use to programs only.
_UNINTERESTING = {"file", "span", "element"}
# Numbers by which somebody may be known or paid; of a physician they may be personal.
_PERSONAL = {"npi", "tin_value", "business_name", "providers"}


def table_definition(table: str) -> Mapping[str, Any]:
    """What is known of a table before anything has run."""
    return {
        "dagster/table_name": f"mrf.{table}",
        "dagster/column_schema": dg.TableSchema([_column(field) for field in TABLES[table]]),
        **code_references(_declared_at(table)),
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
    sample = _sample(folder / table) if rows else None
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
        **({"sample": sample} if sample else {}),
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
    return dg.TableColumn(field.name, _type(field.type), GLOSSARY[field.name], tags=tags)


def _type(kind: pa.DataType) -> str:
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _declared_at(table: str) -> Place | None:
    """The line where the schema of a table begins."""
    file = tables.__file__
    begin = f"{table.upper()} = "
    lines = enumerate(Path(file).read_text("utf-8").splitlines(), 1)
    return next((Place(file, number) for number, line in lines if line.startswith(begin)), None)


def _sample(folder: Path) -> Sample | None:
    """Rows of the first part: the columns that say something; providers are three dots."""
    first = min(folder.glob("*.parquet"))
    with pq.ParquetFile(first) as file:
        rows = next(file.iter_batches(ROWS)).to_pylist()
        fields = [
            field
            for field in file.schema_arrow
            if field.name not in _UNINTERESTING and any(row[field.name] is not None for row in rows)
        ][:_MOST_COLUMNS]
    return in_table(
        [_column(field) for field in fields],
        [[HIDDEN if f.name in _PERSONAL else row[f.name] for f in fields] for row in rows],
    )
