"""Ingest of versions of the catalogue: each replaces the one before, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.ingest.catalog_ingest import index_version, ingest_version, newest
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.workspace import Workspace
from lsats_pipeline_tests.mrf.bad_server import BadServer, plain
from lsats_pipeline_tests.mrf.conftest import PriceHub
from lsats_pipeline_tests.mrf.files import SMALL, item, packed, text

OPTIONS = IngestOptions(1, SMALL)


def document(*codes: str) -> str:
    return text(in_network=[item(code) for code in codes])


def served(server: BadServer, path: Path, *codes: str) -> str:
    data = packed(path, document(*codes)).read_bytes()
    return server.says("/prices.json.gz", plain(data, ETag=f'"{len(codes)}"'))


def test_a_new_version_replaces_the_one_before(
    hub: PriceHub, server: BadServer, tmp_path: Path
) -> None:
    key = hub.add(served(server, tmp_path / "one.json.gz", "1"))
    for codes in (("1",), ("1", "2")):
        served(server, tmp_path / "some.json.gz", *codes)
        version = hub.fetch(key).version
        assert version == newest(hub.warehouse, key)
        index_version(hub.warehouse, version, tmp_path / "mrf", OPTIONS)
        outcome = ingest_version(hub.warehouse, version, tmp_path / "mrf", OPTIONS)
        assert outcome.published.sums.rows["in_network"] == len(codes)
    assert [one.state for one in hub.versions(key)] == ["published", "published"]


def test_a_file_that_somebody_took_in_by_hand_is_not_replaced(
    hub: PriceHub, server: BadServer, tmp_path: Path
) -> None:
    exports = tmp_path / "mrf"
    mine = packed(tmp_path / "mine" / "prices.json.gz", document("7", "8", "9"))
    taken = ingest(mine, exports, OPTIONS)
    key = hub.add(served(server, tmp_path / "theirs.json.gz", "1"))
    assert key == taken.file
    version = hub.fetch(key).version
    with pytest.raises(ConfigurationError, match="another file"):
        ingest_version(hub.warehouse, version, exports, OPTIONS)
    published = Workspace(exports, key).published
    assert published and published.source.path == str(mine)
    assert hub.versions(key)[-1].state == "failed"
