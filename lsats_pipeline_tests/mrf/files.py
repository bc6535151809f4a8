"""Small price files by hand, and what came of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, IngestOutcome, ingest
from lsats_pipeline.mrf.text.cutting import Limits
from lsats_pipeline.mrf.text.index import Index, IndexOptions, index_file

# Small enough for a small file to have many spans.
SMALL = IndexOptions(span=64 << 10, limits=Limits(piece=16 << 10, largest=128 << 10))
TINY = IndexOptions(span=300, limits=Limits(piece=64, largest=2048))
# Levels that the decoder refuses in every Python: 3.11 goes to about 1,000, 3.13 to 10,000.
TOO_DEEP = 20_000
HEADER = {
    "reporting_entity_name": "Lakewhistle Mutual",
    "reporting_entity_type": "health insurance issuer",
    "last_updated_on": "2026-11-01",
    "version": "2.1.0",
}


def price(rate: object = 12.5, **more: object) -> dict[str, Any]:
    """A price with what both versions require."""
    required = {
        "negotiated_type": "negotiated",
        "negotiated_rate": rate,
        "expiration_date": "9999-12-31",
        "billing_class": "professional",
    }
    return {**required, **more}


def item(code: object = "99213", *rates: dict[str, Any], **more: object) -> dict[str, Any]:
    """An in-network element; one rate of one price unless rates are given."""
    given = rates or ({"negotiated_prices": [price()], "provider_references": [1]},)
    required = {
        "negotiation_arrangement": "ffs",
        "name": f"Service {code}",
        "billing_code_type": "CPT",
        "billing_code_type_version": "2026",
        "billing_code": code,
        "description": "a service",
        "negotiated_rates": list(given),
    }
    return {**required, **more}


def reference(number: int = 1, *npis: int) -> dict[str, Any]:
    """A provider reference with one group."""
    tin = {"type": "ein", "value": "11-1111111"}
    return {"provider_group_id": number, "provider_groups": [{"npi": npis or (123,), "tin": tin}]}


def text(**sections: Any) -> str:
    """A document of these sections, in this order, after the header."""
    return json.dumps({**HEADER, **sections}, ensure_ascii=False)


def packed(path: Path, data: str | bytes) -> Path:
    """A gzip file of this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data.encode() if isinstance(data, str) else data, 1, mtime=0))
    return path


def indexed(path: Path, data: str | bytes, options: IndexOptions = TINY) -> Index:
    """The index of a file with this text."""
    return index_file(packed(path / "prices.json.gz", data), options)


def taken(
    path: Path, data: str | bytes, options: IndexOptions = TINY, workers: int = 1
) -> IngestOutcome:
    """A file with this text, ingested."""
    file = packed(path / "prices.json.gz", data)
    return ingest(file, path / "mrf", IngestOptions(workers, options))


def rows(outcome: IngestOutcome, path: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in the order of the file."""
    folder = path / "mrf" / outcome.file / table
    parts = sorted(folder.glob("*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]
