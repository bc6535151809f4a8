"""TeamDynamix: the ways in, and reads that meet trouble on the way."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

import pytest

from lsats_pipeline.core.errors import ConfigurationError, PermanentError, TransientError
from lsats_pipeline.core.http import Api
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline.hub.sources.tdx.client import connect as connect_tdx
from lsats_pipeline.hub.sources.tdx.client import expiry
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings
from lsats_pipeline.hub.sources.tdx.streams import read_users
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.clocks import ShortWaits, Waits
from lsats_pipeline_tests.hub.sources.conftest import DAY, Client, Served, field, pages, read

Connect = Callable[..., Client]


class FakeAccounts:
    """Accounts that come into being while they are read; each has one person."""

    def __init__(self, *lists: list[int]) -> None:
        self._lists = list(lists)
        self.searched: list[list[int]] = []

    def accounts(self) -> list[memoryview]:
        ids = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
        return [memoryview(b'{"Name":"\xff","ID":%d}' % n) for n in ids]

    def people(self, ids: list[int]) -> list[memoryview]:
        self.searched.append(list(ids))
        return [memoryview(b'{"UID":"u%d"}' % n) for n in ids]


def test_users_of_every_account_in_batches() -> None:
    client = FakeAccounts(list(range(450, 0, -1)))
    found = list(read_users(client, ReadRequest(DAY)))  # type: ignore[arg-type]
    assert sum(len(page.records) for page in found) == 450
    assert [len(batch) for batch in client.searched] == [200, 200, 50]
    assert [page.position for page in found if page.position] == ["200", "200", "400", "400", "450"]


def test_an_account_that_appears_during_the_read_is_read_too() -> None:
    client = FakeAccounts([5, 7], [3, 5, 7, 9])
    found = list(read_users(client, ReadRequest(DAY)))  # type: ignore[arg-type]
    assert client.searched == [[5, 7], [3, 9]]
    assert found[-1].position == "9"


def test_a_read_goes_on_after_the_last_account_done() -> None:
    client = FakeAccounts([5, 7, 11])
    list(read_users(client, ReadRequest(DAY, resume_after="7")))  # type: ignore[arg-type]
    assert client.searched == [[11]]


def test_disabled_people_are_listed(connect: Connect) -> None:
    active = {field(record, "IsActive") for record in read("tdx_user", connect("tdx"))}
    assert active >= {True, False}


def test_what_was_listed_once_stays_when_only_active_accounts_are(
    connect: Connect, campus: Served, warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    client = connect("tdx")

    def counts(name: str) -> tuple[int, int, int]:
        report = ingest(warehouse, hub_settings, stream(name), lambda: client, hub_settings.today())
        return report.counts.created, report.counts.changed, report.counts.removed

    names = ("tdx_department", "tdx_user")
    assert all(counts(name)[0] > 0 for name in names)
    everything = campus.records("tdx_department").values()
    active = sum(field(record, "IsActive") is True for record in everything)
    campus.fault("tdx_active_only")
    assert [counts(name) for name in names] == [(0, 0, 0)] * 2
    assert len(client.accounts()) == active < len(everything)


def test_user_and_password(campus_of_the_session: Served) -> None:
    env = campus_of_the_session.environment
    settings = TdxSettings.model_validate(
        {
            "base_url": env["TDX_BASE_URL"],
            "username": env["TDX_BEID"],
            "password": env["TDX_WEB_SERVICES_KEY"],
        }
    )
    with connect_tdx(settings) as client:
        assert client.accounts()


def test_pasted_token(campus_of_the_session: Served, waits: Waits) -> None:
    env = campus_of_the_session.environment
    address = {"base_url": env["TDX_BASE_URL"]}
    good = TdxSettings.model_validate({**address, "api_token": env["TDX_WEB_SERVICES_KEY"]})
    with connect_tdx(good) as client:
        assert client.accounts()
    spent = TdxSettings.model_validate({**address, "api_token": "a.b.c"})
    with (
        connect_tdx(spent, waits.clock) as client,
        pytest.raises(PermanentError, match="TDX_API_TOKEN"),
    ):
        client.accounts()


def test_wrong_key(campus: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDX_WEB_SERVICES_KEY", "no-such-key")
    with (
        connect_tdx(load(TdxSettings)) as client,
        pytest.raises(ConfigurationError, match="TDX_BEID and TDX_WEB_SERVICES_KEY") as caught,
    ):
        client.accounts()
    assert "no-such-key" not in str(caught.value)


def test_plain_http_to_another_machine() -> None:
    settings = TdxSettings.model_validate({"base_url": "http://tdx.example.edu", "api_token": "x"})
    with pytest.raises(ConfigurationError, match="TDX_BASE_URL"), connect_tdx(settings):
        pass


def test_a_token_that_ends_mid_run_is_renewed(connect: Connect, campus: Served) -> None:
    client = connect("tdx")
    campus.fault("tdx_token_life", seconds=0.3, claimed=86_400)
    client.accounts()
    time.sleep(0.3)  # the token is over, whatever it claims
    assert client.accounts()


def test_a_token_that_says_when_it_ends_is_renewed_in_time(
    connect: Connect, campus: Served
) -> None:
    campus.fault("tdx_token_life", seconds=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Api, "_after_refusal", None)  # a refusal would be too late
        client = connect("tdx")
        for _ in range(3):
            assert client.accounts()


def test_a_rate_limit_is_honoured(
    connect: Connect, campus: Served, short_waits: ShortWaits
) -> None:
    campus.fault("tdx_rate_limit", calls=2, seconds=0.2)
    client = connect("tdx", clock=short_waits.clock)
    for key, expected in list(campus.details("tdx", "department").items())[:5]:
        assert client.account(key) == expected
    assert short_waits.slept
    assert all(0 < wait <= 5 for wait in short_waits.slept)


@pytest.mark.parametrize("path", ["accounts", "people/search"])
@pytest.mark.parametrize(
    "fault", [("http_error", {"status": 500}), ("http_cut", {"after_bytes": 1500})]
)
def test_failures_that_pass(
    path: str,
    fault: tuple[str, dict[str, int]],
    connect: Connect,
    campus: Served,
    waits: Waits,
) -> None:
    campus.fault(fault[0], path=path, times=2, **fault[1])
    records = read("tdx_user", connect("tdx", clock=waits.clock))
    assert set(records) == set(campus.records("tdx_user").values())
    assert len(waits.slept) == 2


def test_failures_that_last(connect: Connect, campus: Served, waits: Waits) -> None:
    campus.fault("http_cut", path="people/search", after_bytes=1500)
    with pytest.raises(TransientError, match="people/search"):
        pages("tdx_user", connect("tdx", clock=waits.clock))


def test_expiry_of_a_jwt() -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": 1_900_000_000}).encode()).decode()
    assert expiry(f"x.{payload.rstrip('=')}.y") == 1_900_000_000
    for odd in ("", "x", "x.y.z", "x.!.z", "x.e30.z"):
        assert expiry(odd) is None
