"""Assets: searched by status, one by one, and read by the hub however many they are."""

from __future__ import annotations

import json
import time
import tracemalloc
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import TransientError
from lsats_pipeline.core.settings import from_variables
from lsats_pipeline.hub.sources import detail, source, stream
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings
from lsats_pipeline_tests.campus.simulators.conftest import DAY, CampusEditor


def asset(number: int, status: int = 38, **fields: Any) -> tuple[str, str, dict[str, Any]]:
    return str(number), "", {"ID": number, "StatusID": status, "Name": f"PC {number}", **fields}


def search(tdx: httpx.Client, body: Any, layout: str = "48/assets/search") -> httpx.Response:
    return tdx.post(f"{str(tdx.base_url).rstrip('/')}/{layout}", json=body)


def test_assets_are_found_by_status(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "asset", asset(1), asset(2, 39), asset(3, 380), asset(4, 40))

    def found(body: Any) -> list[int]:
        return [one["ID"] for one in search(tdx, body).json()]

    assert found({"statusIDs": [38, 39]}) == [1, 2]
    assert found({"StatusIDs": [40], "MaxResults": 1}) == [4]
    assert found({"statusIDs": []}) == [1, 2, 3, 4]


@pytest.mark.parametrize("layout", ["assets/search", "/assets/search", "46/assets/search"])
def test_assets_need_their_application(tdx: httpx.Client, layout: str) -> None:
    assert search(tdx, {}, layout).status_code == 404


class Reader:
    """The hub's client, with short waits that are written down."""

    def __init__(self, campus: CampusEditor, stack: ExitStack) -> None:
        self.slept: list[float] = []
        settings = from_variables(TdxSettings, campus.environment)
        connect: Any = source("tdx").connect
        self.client = stack.enter_context(
            connect(settings, clock=Clock(sleep=self._sleep, jitter=lambda: 0.0))
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.25))

    def pages(self) -> list[list[bytes]]:
        read = stream("tdx_asset").read(self.client, ReadRequest(DAY))
        return [list(page.records) for page in read]

    def ids(self) -> list[int]:
        return sorted(json.loads(record)["ID"] for page in self.pages() for record in page)


@pytest.fixture
def hub(campus: CampusEditor) -> Any:
    with ExitStack() as stack:
        yield Reader(campus, stack)


def test_the_hub_reads_what_counts(campus: CampusEditor, hub: Reader) -> None:
    statuses = (38, 39, 40, 41, 46, 59, 141, 201, 202)
    campus.put("tdx", "asset", *(asset(n, s) for n, s in enumerate([*statuses, 37, 999])))
    assert hub.ids() == list(range(len(statuses)))


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 2001])
def test_pages(campus: CampusEditor, hub: Reader, count: int) -> None:
    campus.put("tdx", "asset", *map(asset, range(count)))
    pages = hub.pages()
    assert [len(page) for page in pages] == [1000] * (count // 1000) + [count % 1000] * bool(
        count % 1000
    )
    assert sorted(json.loads(r)["ID"] for page in pages for r in page) == list(range(count))


def test_broken_bytes_spoil_one_record_only(campus: CampusEditor, hub: Reader) -> None:
    campus.put("tdx", "asset", asset(1), asset(2, Tag="x\ue0ffy"), asset(3, Tag="ü€𝄞" * 50))
    [records] = hub.pages()
    assert records[1] == b'{"ID": 2, "StatusID": 38, "Name": "PC 2", "Tag": "x\xffy"}'
    assert json.loads(records[2])["Tag"] == "ü€𝄞" * 50


def test_a_rate_limit_is_waited_for(campus: CampusEditor, hub: Reader) -> None:
    campus.put("tdx", "asset", *map(asset, range(10)))
    campus.put("tdx", "asset_detail", asset(1, Attributes=[]))
    campus.fault("tdx_rate_limit", calls=1, seconds=1)
    assert hub.ids() == list(range(10))
    assert detail("tdx_asset_detail").fetch(hub.client, "1") is not None
    assert hub.slept


def test_an_answer_cut_off_is_asked_for_again(campus: CampusEditor, hub: Reader) -> None:
    campus.put("tdx", "asset", *(asset(n, Tag="x" * 500) for n in range(1000)))
    campus.fault("http_cut", path="assets/search", after_bytes=200_000, times=2)
    assert hub.ids() == list(range(1000))
    assert len(hub.slept) == 2


def test_an_answer_always_cut_off_is_an_error(campus: CampusEditor, hub: Reader) -> None:
    campus.put("tdx", "asset", *(asset(n, Tag="x" * 500) for n in range(1000)))
    campus.fault("http_cut", path="assets/search", after_bytes=200_000)
    with pytest.raises(TransientError, match="assets/search failed 4 times"):
        hub.pages()


def test_details_come_from_the_application(campus: CampusEditor, hub: Reader) -> None:
    attribute = {"ID": 1, "Name": "MAC Address(es)", "Value": "02:00:00:00:00:01"}
    campus.put("tdx", "asset_detail", asset(1, Attributes=[attribute]))
    fetch = detail("tdx_asset_detail").fetch
    found = fetch(hub.client, "1")
    assert found is not None
    assert json.loads(found)["Attributes"] == [attribute]
    assert fetch(hub.client, "2") is None


def test_many_assets_take_little_memory(campus: CampusEditor, hub: Reader) -> None:
    campus.put("tdx", "asset", *(asset(n, Tag="x" * 2000) for n in range(20_000)))
    hub.client.accounts()  # signed in
    tracemalloc.start()
    count = sum(
        len(page.records) for page in stream("tdx_asset").read(hub.client, ReadRequest(DAY))
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 25e6  # the answer has 41 MB
