"""Provider files elsewhere: each fetched once, what fails is a reject with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lsats_pipeline.core.errors import Busy, ConfigurationError
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.sources.providers import ProvidersFetched, fetch_providers
from lsats_pipeline.mrf.workspace import Workspace
from lsats_pipeline_tests.mrf.bad_server import BadServer, in_turn, plain
from lsats_pipeline_tests.mrf.conftest import PriceHub
from lsats_pipeline_tests.mrf.files import TINY, item, packed, reference, text

GROUP = {"npi": [1, 2], "tin": {"type": "ein", "value": "11-1111111"}}


def document(*groups: Any) -> bytes:
    return json.dumps({"provider_groups": groups, "version": "1.0.0"}).encode()


def published(hub: PriceHub, tmp_path: Path, *locations: str) -> str:
    """A file of version 1 that refers to these."""
    references = [
        {"provider_group_id": number, "location": location}
        for number, location in enumerate(locations, 1)
    ]
    data = text(provider_references=[*references, reference(99)], in_network=[item()])
    file = packed(tmp_path / "a.json.gz", data)
    return ingest(file, hub.home / "exports" / "mrf", IngestOptions(1, TINY)).file


def fetched(hub: PriceHub, file: str) -> ProvidersFetched:
    return fetch_providers(hub.downloads, hub.home, file)


def rows(hub: PriceHub, folder: str) -> list[dict[str, Any]]:
    parts = sorted((hub.home / "exports" / "mrf" / "a" / folder).glob("*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def test_groups_come_under_the_number_that_refers_to_them(
    hub: PriceHub, server: BadServer, tmp_path: Path
) -> None:
    one = server.says("/one.json", plain(document(GROUP, {**GROUP, "npi": [3]}), ETag='"1"'))
    two = server.says("/two.json", plain(document(GROUP)))
    file = published(hub, tmp_path, one, two, one + "?Signature=s3cr3t", one)
    assert fetch_providers(hub.downloads, hub.home, file, dry_run=True) == ProvidersFetched("a", 3)
    assert server.asked == []
    assert fetched(hub, file) == ProvidersFetched("a", 3, 0, 7, 0)
    found = sorted((r["provider_group_id"], r["npi"]) for r in rows(hub, "provider_files"))
    assert found == [
        (1, [1, 2]),
        (1, [3]),
        (2, [1, 2]),
        (3, [1, 2]),
        (3, [3]),
        (4, [1, 2]),
        (4, [3]),
    ]
    assert {r["location"] for r in rows(hub, "provider_files")} == {one, two}
    assert rows(hub, "provider_file_rejects") == []


def test_what_fails_is_a_reject_and_the_rest_comes(
    hub: PriceHub, server: BadServer, tmp_path: Path
) -> None:
    hub.options["tries"] = 1
    bad = {**GROUP, "npi": ["three"]}
    file = published(
        hub, tmp_path,
        server.says("/good.json", plain(document(GROUP, bad, GROUP))),
        server.url("/gone.json?Signature=s3cr3t"),
        server.says("/page.json", plain(b"<html>no</html>")),
        server.says("/loop.json", plain(b"", "302 Found", Location="/loop.json")),
        server.says("/cut.json", plain(document(GROUP)[:-1])),
        server.says("/other.json", plain(b'{"version": "1"}')),
        server.says("/down.json", plain(b"", "500 No")),
        "sftp://files.example.com/x.json",
        "https://elsewhere.example.com/x.json",
        "file:///etc/hostname",
    )  # fmt: skip
    result = fetched(hub, file)
    assert (result.locations, result.failed, result.groups, result.rejects) == (10, 9, 2, 10)
    assert result.codes == {
        "element": 1, "not_found": 1, "not_json": 1, "redirect_loop": 1, "incomplete": 1,
        "no_groups": 1, "failed": 2, "unsupported": 1, "outside_roots": 1,
    }  # fmt: skip
    rejects = rows(hub, "provider_file_rejects")
    (element,) = (row for row in rejects if row["code"] == "element")
    assert (element["element"], json.loads(element["text"])) == (1, bad)
    assert all(row["location"] and row["reason"] for row in rejects)
    assert "s3cr3t" not in str(rejects)


def test_a_second_run_makes_the_same(hub: PriceHub, server: BadServer, tmp_path: Path) -> None:
    same = in_turn(plain(document(GROUP), ETag='"1"'), plain(b"", "304 Same"))
    repaired = in_turn(plain(b"", "404 No"), plain(document(GROUP)))
    file = published(
        hub, tmp_path, server.says("/one.json", same), server.says("/two.json", repaired)
    )
    assert fetched(hub, file).failed == 1
    before = rows(hub, "provider_files")
    assert fetched(hub, file).failed == 0
    after = rows(hub, "provider_files")
    assert (len(before), len(after), before[0] in after) == (1, 2, True)
    assert rows(hub, "provider_file_rejects") == []
    fetched(hub, file)
    assert rows(hub, "provider_files") == after


def test_a_file_that_is_not_there_or_at_work(hub: PriceHub, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nosuch is not published"):
        fetched(hub, "nosuch")
    file = published(hub, tmp_path)
    assert fetched(hub, file) == ProvidersFetched("a")
    with Workspace(hub.home / "exports" / "mrf", file).locked(), pytest.raises(Busy):
        fetched(hub, file)
