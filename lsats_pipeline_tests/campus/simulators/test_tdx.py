"""TeamDynamix over HTTP."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import time

import httpx
import pytest

from lsats_pipeline_tests.campus.simulators.conftest import DAY, CampusEditor

UID = "11111111-2222-3333-4444-555555555555"


def user(number: int, **fields: object) -> tuple[str, str, dict[str, object]]:
    key = f"{number:08d}-0000-4000-8000-000000000000"
    return key, str(fields.get("account", 7)), {"UID": key, "IsActive": True, **fields}


def url(tdx: httpx.Client, call: str) -> str:
    return f"{str(tdx.base_url).rstrip('/')}//{call}"


def test_every_account_is_listed(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "department", ("7", "", {"ID": 7}), ("10", "", {"ID": 10}))
    assert tdx.get(url(tdx, "accounts")).json() == [{"ID": 10}, {"ID": 7}]


def test_inactive_accounts_are_hidden_on_request(campus: CampusEditor, tdx: httpx.Client) -> None:
    for number, active in ((7, False), (10, True)):
        account = {"ID": number, "IsActive": active}
        for entity in ("department", "department_detail"):
            campus.put("tdx", entity, (str(number), "", account))
    campus.fault("tdx_active_only")
    assert [a["ID"] for a in tdx.get(url(tdx, "accounts")).json()] == [10]
    assert tdx.get(url(tdx, "accounts/7")).json() == {"ID": 7, "IsActive": False}


def test_an_empty_campus_lists_nothing(tdx: httpx.Client) -> None:
    assert tdx.get(url(tdx, "accounts")).json() == []


@pytest.mark.parametrize("layout", ["{}//accounts/7", "{}/48/accounts/7", "{}/accounts/7"])
def test_an_application_id_is_optional(
    campus: CampusEditor, tdx: httpx.Client, layout: str
) -> None:
    campus.put("tdx", "department_detail", ("7", "", {"ID": 7, "Phone": "555-0100"}))
    reply = tdx.get(layout.format(campus.environment["TDX_BASE_URL"]))
    assert reply.json() == {"ID": 7, "Phone": "555-0100"}


def test_people_are_found_by_account_and_activity(campus: CampusEditor, tdx: httpx.Client) -> None:
    people = [user(1, account=7), user(2, account=8), user(3, account=8, IsActive=False)]
    campus.put("tdx", "user", *people, user(4, account=9))

    def found(**wanted: object) -> list[int]:
        return [int(u["UID"][:8]) for u in tdx.post(url(tdx, "people/search"), json=wanted).json()]

    assert found(AccountIDs=[7, 8], IsActive=True) == [1, 2]
    assert found(AccountIDs=[8], IsActive=False) == [3]
    assert found(AccountIDs=[7, 8], IsActive=None) == [1, 2, 3]
    assert found(AccountIDs=[7, 8, 9], MaxResults=2) == [1, 2]
    assert found(IsActive=True) == [1, 2, 4]


def test_a_large_answer_is_complete(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "user", *(user(n, Title="x" * 300) for n in range(5000)))
    reply = tdx.post(url(tdx, "people/search"), json={"AccountIDs": [7]})
    assert [u["UID"] for u in reply.json()] == [user(n)[0] for n in range(5000)]


def test_details_may_be_missing(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "user_detail", (UID, "", {"UID": UID}))
    campus.put("tdx", "department_detail", ("8", "", {"ID": 8}), fault="not_found")
    assert tdx.get(url(tdx, f"people/{UID}")).json() == {"UID": UID}
    assert tdx.get(url(tdx, "people/unknown")).status_code == 404
    assert tdx.get(url(tdx, "accounts/8")).status_code == 404
    assert tdx.get(url(tdx, "nonsense")).status_code == 404


def test_the_served_day_decides(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "department", ("7", "", {"Name": "old"}))
    campus.execute("update campus.records set valid_to = %s", [DAY + dt.timedelta(days=1)])
    assert tdx.get(url(tdx, "accounts")).json() == [{"Name": "old"}]
    campus.serve(DAY + dt.timedelta(days=1))
    assert tdx.get(url(tdx, "accounts")).json() == []
    campus.serve(DAY - dt.timedelta(days=1))
    assert tdx.get(url(tdx, "accounts")).json() == []


def test_broken_bytes_arrive_broken(campus: CampusEditor, tdx: httpx.Client) -> None:
    raw, escaped = '{"Name": "caf\ue0ff"}', json.dumps({"Name": "\ue0ff\u0000"})
    campus.put("tdx", "department", ("1", "", raw), ("2", "", escaped))
    content = tdx.get(url(tdx, "accounts")).content
    assert content == b'[{"Name": "caf\xff"},{"Name": "\xff\\u0000"}]'


def test_three_ways_in(campus: CampusEditor) -> None:
    env = campus.environment
    key = env["TDX_WEB_SERVICES_KEY"]
    with campus.http() as client:
        login = {"UserName": env["TDX_BEID"], "Password": key}
        token = client.post(env["TDX_BASE_URL"] + "/auth", json=login).text
        for bearer in (token, key):
            headers = {"Authorization": f"Bearer {bearer}"}
            assert client.get(env["TDX_BASE_URL"] + "/accounts", headers=headers).json() == []


@pytest.mark.parametrize("login", [{"BEID": "x", "WebServicesKey": "y"}, {}, []])
def test_wrong_credentials_get_no_token(campus: CampusEditor, login: object) -> None:
    with campus.http() as client:
        address = campus.environment["TDX_BASE_URL"] + "/auth/loginadmin"
        assert client.post(address, json=login).status_code == 403


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer a.b.c"}, {"Authorization": "x"}])
def test_no_token_no_data(campus: CampusEditor, header: dict[str, str]) -> None:
    with campus.http() as client:
        reply = client.get(campus.environment["TDX_BASE_URL"] + "/accounts", headers=header)
        assert reply.status_code == 401


def test_tokens_expire(campus: CampusEditor, tdx: httpx.Client) -> None:
    assert tdx.get(url(tdx, "accounts")).status_code == 200
    campus.fault("tdx_token_life", seconds=0.01, claimed=3600)
    time.sleep(0.02)
    assert tdx.get(url(tdx, "accounts")).status_code == 401


def test_too_many_calls_are_refused_until_the_reset(
    campus: CampusEditor, tdx: httpx.Client
) -> None:
    campus.put("tdx", "department_detail", ("7", "", {"ID": 7}))
    campus.fault("tdx_rate_limit", calls=2, seconds=0.5)
    replies = [tdx.get(url(tdx, "accounts/7")) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["1", "0", "0"]
    assert tdx.get(url(tdx, "accounts")).status_code == 200  # lists do not count
    reset = email.utils.parsedate_to_datetime(replies[-1].headers["X-RateLimit-Reset"])
    time.sleep(max(0.0, reset.timestamp() - time.time()))
    assert tdx.get(url(tdx, "accounts/7")).status_code == 200


def test_errors_on_request_count_down(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.fault("http_error", path="accounts", status=502, times=2)
    assert [tdx.get(url(tdx, "accounts")).status_code for _ in range(3)] == [502, 502, 200]


def test_a_body_is_cut_on_request(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "user", *(user(n) for n in range(3000)))
    campus.put("tdx", "department_detail", ("7", "", {"ID": 7}))
    campus.fault("http_cut", path="people/search", after_bytes=100_000, times=1)
    campus.fault("http_cut:detail", path="accounts/7", after_bytes=3, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        tdx.post(url(tdx, "people/search"), json={})
    with pytest.raises(httpx.RemoteProtocolError):
        tdx.get(url(tdx, "accounts/7"))
    assert len(tdx.post(url(tdx, "people/search"), json={}).json()) == 3000


def test_readers_that_leave_early_hold_nobody_up(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.put("tdx", "user", *(user(n, Title="x" * 1000) for n in range(5000)))
    for _ in range(12):  # more than the simulators have connections to the database
        with tdx.stream("POST", url(tdx, "people/search"), json={}) as reply:
            next(reply.iter_raw())
    assert tdx.get(url(tdx, "accounts")).json() == []


def test_slowness_on_request(campus: CampusEditor, tdx: httpx.Client) -> None:
    campus.fault("slow", path="accounts", seconds=0.3, times=1)
    started = time.monotonic()
    tdx.get(url(tdx, "accounts"))
    assert time.monotonic() - started >= 0.3
