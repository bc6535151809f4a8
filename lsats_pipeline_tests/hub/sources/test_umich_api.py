"""The gateway: a list that is counted, not keyed, and moves while it is read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence

import pytest

from lsats_pipeline.core.errors import (
    CallBroken,
    CallFailed,
    ConfigurationError,
    IncompleteRead,
    PermanentError,
)
from lsats_pipeline.core.settings import load
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline.hub.sources.umich_api.client import connect as connect_gateway
from lsats_pipeline.hub.sources.umich_api.settings import UmichApiSettings
from lsats_pipeline.hub.sources.umich_api.streams import read_departments
from lsats_pipeline_tests.clocks import ShortWaits, Waits
from lsats_pipeline_tests.hub.sources.conftest import DAY, Client, Served, read

Connect = Callable[..., Client]


class FakeGateway:
    """A list of departments; `after` calls its changes happen. Serves `page` records at most."""

    def __init__(
        self,
        departments: Sequence[int],
        changes: dict[int, Callable[[list[int]], None]] | None = None,
        page: int = 1000,
        bad: Collection[int] = (),
    ) -> None:
        self.list = list(departments)
        self.calls = 0
        self.bad = frozenset(bad)
        self.missed: list[str] = []
        self._changes, self._page = changes or {}, page

    def departments(self, start: int, count: int = 1000) -> list[memoryview]:
        self.calls += 1
        if change := self._changes.get(self.calls):
            change(self.list)
        records = self.list[start : start + min(count, self._page)]
        if not self.bad.isdisjoint(records):
            raise CallBroken(f"page {start} failed 4 times: HTTP 500", "HTTP 500")
        return [memoryview(b'{"DeptId":"%06d","DeptDescription":"\xff"}' % n) for n in records]


def seen(gateway: FakeGateway) -> list[int]:
    request = ReadRequest(DAY, missed=lambda part, failure: gateway.missed.append(part))
    found = read_departments(gateway, request)  # type: ignore[arg-type]
    return [int(record[11:17]) for page in found for record in page.records]


@pytest.mark.parametrize("size", [0, 1, 2, 999, 1000, 1001, 1999, 2000, 5500])
@pytest.mark.parametrize("page", [1000, 300])
def test_every_record_once(size: int, page: int) -> None:
    assert seen(FakeGateway(range(size), page=page)) == list(range(size))


@pytest.mark.parametrize("page", [1000, 300])
@pytest.mark.parametrize(
    "bad",
    [{0}, {1}, {2999}, {1700}, {0, 1, 2}, {998, 999, 1000}, set(range(1500, 1515)), {5, 900, 2998}],
    ids=str,
)
def test_a_record_that_cannot_be_read_costs_no_other(bad: set[int], page: int) -> None:
    gateway = FakeGateway(range(3000), page=page, bad=bad)
    assert seen(gateway) == [n for n in range(3000) if n not in bad]
    assert gateway.missed == [f"departments, the one at index {n}" for n in sorted(bad)]
    assert gateway.calls < 40 * len(bad) + 30


@pytest.mark.parametrize("first", [0, 1234])
def test_a_gateway_that_fails_from_somewhere_on(first: int) -> None:
    gateway = FakeGateway(range(9000), bad=range(first, 9000))
    with pytest.raises(CallFailed, match="HTTP 500"):
        seen(gateway)
    assert gateway.missed == []
    assert gateway.calls < 30


def test_a_long_stretch_that_cannot_be_read_ends_the_read() -> None:
    with pytest.raises(CallFailed, match="HTTP 500"):
        seen(FakeGateway(range(3000), bad=range(1000, 1100)))


@pytest.mark.parametrize("removed", [1, 7, 300])
@pytest.mark.parametrize("call", [2, 3, 4])
def test_records_that_go_shift_nothing_out_of_sight(removed: int, call: int) -> None:
    def remove(departments: list[int]) -> None:
        del departments[:removed]

    found = seen(FakeGateway(range(5000), {call: remove}))
    assert sorted(found) == list(range(5000))


@pytest.mark.parametrize("added", [1, 7, 300])
def test_records_that_come_in_front_of_the_reader(added: int) -> None:
    def add(departments: list[int]) -> None:
        departments[:0] = range(900_000, 900_000 + added)

    found = seen(FakeGateway(range(5000), {3: add}))
    assert len(found) == len(set(found))
    assert set(found) >= set(range(5000))


def test_the_last_known_record_goes() -> None:
    found = seen(FakeGateway(range(3000), {2: lambda departments: departments.remove(999)}))
    assert sorted(found) == list(range(3000))


def test_the_end_goes() -> None:
    def cut(departments: list[int]) -> None:
        del departments[1500:]

    assert set(seen(FakeGateway(range(2000), {3: cut}))) >= set(range(1500))


def test_a_list_without_order_is_not_taken_for_complete() -> None:
    turns = itertools.count(1)

    def shuffle(departments: list[int]) -> None:
        step = next(turns) * 37
        departments[:] = departments[step:] + departments[:step]

    with pytest.raises(IncompleteRead, match="departments"):
        seen(FakeGateway(range(20_000), dict.fromkeys(range(200), shuffle)))


def test_a_page_that_repeats_for_ever() -> None:
    class Stuck(FakeGateway):
        def departments(self, start: int, count: int = 1000) -> list[memoryview]:
            return super().departments(0, count)

    gateway = Stuck(range(3000))
    with pytest.raises(IncompleteRead):
        seen(gateway)
    assert gateway.calls < 40


def test_everything_vanishes() -> None:
    with pytest.raises(IncompleteRead, match="no record left"):
        seen(FakeGateway(range(3000), {2: list.clear}))


def test_a_shift_at_the_simulator(connect: Connect, campus: Served) -> None:
    client = connect("umich_api")

    def appointments(_: object, start: int, count: int) -> list[memoryview]:
        return list(client.appointments(start, min(count, 40)))

    small = type("Small", (), {"appointments": appointments})
    campus.fault("gateway_shift", after_page=3)
    found = stream("umich_api_user").read(small(), ReadRequest(DAY))
    records = {record for page in found for record in page.records}
    assert records == set(campus.records("umich_api_user").values())


def test_one_record_comes_as_an_object(connect: Connect) -> None:
    (record,) = connect("umich_api").departments(3, count=1)
    assert bytes(record).startswith(b"{")


def test_a_token_that_ends_mid_run_is_renewed(connect: Connect, campus: Served) -> None:
    client = connect("umich_api")
    client.departments(0)
    campus.fault("gateway_token_life", seconds=0, claimed=3600)
    with pytest.raises(PermanentError, match="UM_CLIENT_KEY"):
        client.departments(0)  # the new one is refused as well
    campus.repair()
    assert client.departments(0)


def test_a_rate_limit_is_waited_for(
    connect: Connect, campus: Served, short_waits: ShortWaits
) -> None:
    campus.fault("gateway_rate_limit", calls=1, seconds=0.2)
    client = connect("umich_api", clock=short_waits.clock)
    client.departments(0)
    client.departments(0)
    assert short_waits.slept


@pytest.mark.parametrize(
    "fault", [("http_error", {"status": 503}), ("http_cut", {"after_bytes": 100})]
)
def test_failures_that_pass(
    fault: tuple[str, dict[str, int]], connect: Connect, campus: Served, waits: Waits
) -> None:
    campus.fault(fault[0], path="DeptEmpData", times=2, **fault[1])
    records = read("umich_api_user", connect("umich_api", clock=waits.clock))
    assert set(records) == set(campus.records("umich_api_user").values())
    assert len(waits.slept) == 2


def test_wrong_secret(campus: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UM_CLIENT_SECRET", "no-such-secret")
    with (
        connect_gateway(load(UmichApiSettings)) as client,
        pytest.raises(ConfigurationError, match="UM_CLIENT_SECRET") as caught,
    ):
        client.departments(0)
    assert "no-such-secret" not in str(caught.value)


def test_a_token_is_not_fetched_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = UmichApiSettings.model_validate(
        {
            "base_url": "https://gw.example.edu/um",
            "category_id": "bf",
            "client_key": "k",
            "client_secret": "s",
            "token_url": "http://gw.example.edu/token",
        }
    )
    with pytest.raises(ConfigurationError, match="UM_TOKEN_URL"), connect_gateway(settings):
        pass
