"""A price file that an earlier version published is one of the present code's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.ingest.replay import replay
from lsats_pipeline.mrf.provenance.rereading import indexed
from lsats_pipeline.mrf.status import statuses
from lsats_pipeline.mrf.workspace import Workspace

# Made by commit 03413cd with `lsats mrf generate prices.json.gz --mb 0.1 --faults 0.3` and
# `lsats mrf run prices.json.gz`; the folder's name in file.json and index.json is an invented one.
STORED = Path(__file__).parent / "published_03413cd"
PRICES, REJECTS = 618, 8


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """What was published; its source is gone from where it was."""
    shutil.copytree(STORED / "prices", tmp_path / "exports" / "prices")
    return tmp_path / "exports"


def put_back(exports: Path) -> Path:
    """The source at a place of this machine, which the folder then names."""
    source = exports.parent / "prices.json.gz"
    shutil.copy(STORED / "prices.json.gz", source)
    for name in ("file.json", "index.json"):
        file = exports / "prices" / name
        document = json.loads(file.read_bytes())
        document["source"]["path"] = str(source)
        file.write_text(json.dumps(document))
    return source


def files(exports: Path) -> dict[str, tuple[int, bytes]]:
    """Every published file: when it was written, and what is in it."""
    return {
        str(path.relative_to(exports)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in (exports / "prices").rglob("*")
        if path.is_file()
    }


def test_it_is_still_published(exports: Path) -> None:
    (found,) = statuses(exports)
    assert (found.file, found.state, found.reason) == ("prices", "published", "")
    assert found.published is not None
    assert found.published.sums.rows["in_network"] == PRICES
    parts = (exports / "prices" / "in_network").glob("*.parquet")
    assert sum(pq.read_table(part).num_rows for part in parts) == PRICES


def test_without_its_source_the_rows_stay_and_the_text_is_asked_for(exports: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"prices\.json\.gz.* is gone: put it back there"):
        indexed(Workspace(exports, "prices"))


def test_the_same_bytes_are_not_ingested_again(exports: Path) -> None:
    before = files(exports)
    elsewhere = exports.parent / "prices.json.gz"
    shutil.copy(STORED / "prices.json.gz", elsewhere)
    assert ingest(elsewhere, exports, IngestOptions(workers=1)).state == "unchanged"
    assert files(exports) == before


def test_text_and_rejects_of_it_can_be_read(exports: Path) -> None:
    source = put_back(exports)
    os.utime(source, ns=(1, 1))  # a copy has another time; the bytes decide
    work = indexed(Workspace(exports, "prices"))
    assert sum(work.index.elements(s) for s in ("in_network", "provider_references")) == 29
    again = replay("prices", exports, coerce=True)
    assert len(again.ingested) + len(again.remaining) == REJECTS
    assert len(again.ingested) > 0
