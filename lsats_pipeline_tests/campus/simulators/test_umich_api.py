"""umich_api over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lsats_pipeline_tests.campus.simulators.conftest import CampusEditor


def employee(number: int, **fields: object) -> tuple[str, str, dict[str, object]]:
    person, appointment = divmod(number, 2)
    values = {
        "EmplId": f"{person:08d}",
        "EmplRcd": appointment,
        "UniqName": f"synth{person}",
        **fields,
    }
    return f"{person:08d}-{appointment}", "", values


@pytest.fixture
def umich_api(campus: CampusEditor) -> Iterator[httpx.Client]:
    env = campus.environment
    with httpx.Client(timeout=20) as client:
        reply = client.post(env["UM_TOKEN_URL"], data=credentials(env))
        assert reply.json()["expires_in"] == 3600
        client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        yield client


def credentials(env: dict[str, str], **changes: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "scope": "department"}
    return {
        **form,
        "client_id": env["UM_CLIENT_KEY"],
        "client_secret": env["UM_CLIENT_SECRET"],
        **changes,
    }


def ask(campus: CampusEditor, umich_api: httpx.Client, call: str, **query: object) -> Any:
    env = campus.environment
    address = f"{env['UM_BASE_URL']}/{env['UM_CATEGORY_ID']}/Department/v2/{call}"
    reply = umich_api.get(
        address, params={name.replace("_S", "$"): str(v) for name, v in query.items()}
    )
    return reply.raise_for_status().json()


def sweep(campus: CampusEditor, umich_api: httpx.Client, count: int) -> list[str]:
    found: list[str] = []
    while True:
        page = ask(campus, umich_api, "DeptEmpData", _Scount=count, _Sstart_index=len(found))
        people = page["DeptEmpInfo"].get("DeptEmpData", [])
        people = people if isinstance(people, list) else [people]
        found += [f"{p['EmplId']}-{p['EmplRcd']}" for p in people]
        if len(people) < count:
            return found


def test_pages_give_everyone_once(campus: CampusEditor, umich_api: httpx.Client) -> None:
    campus.put("umich_api", "user", *(employee(n) for n in range(25)))
    assert sweep(campus, umich_api, 10) == [employee(n)[0] for n in range(25)]


def test_a_page_is_never_longer_than_a_thousand(
    campus: CampusEditor, umich_api: httpx.Client
) -> None:
    campus.put("umich_api", "user", *(employee(n) for n in range(1001)))
    page = ask(campus, umich_api, "DeptEmpData", _Scount=5000, _Sstart_index=0)
    assert len(page["DeptEmpInfo"]["DeptEmpData"]) == 1000


def test_a_single_result_is_an_object(campus: CampusEditor, umich_api: httpx.Client) -> None:
    campus.put("umich_api", "department", ("123456", "", {"DeptId": "123456"}))
    assert ask(campus, umich_api, "DeptData") == {
        "DepartmentList": {"DeptData": {"DeptId": "123456"}}
    }


def test_no_result_is_an_empty_list_or_none_at_all(
    campus: CampusEditor, umich_api: httpx.Client
) -> None:
    assert ask(campus, umich_api, "DeptData") == {"DepartmentList": {"DeptData": []}}
    assert ask(campus, umich_api, "DeptEmpData") == {"DeptEmpInfo": {}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"EmplId": "00000001"}, ["00000001-0", "00000001-1"]),
        ({"Uniqname": "SYNTH2"}, ["00000002-0", "00000002-1"]),
        ({"DepartmentId": "100"}, ["00000003-0", "00000003-1"]),
        ({"Uniqname": "synth3", "_Sstart_index": 1}, ["00000003-1"]),
    ],
)
def test_filters(
    campus: CampusEditor, umich_api: httpx.Client, query: Any, expected: list[str]
) -> None:
    people = [employee(n, DepartmentId="100" if n in (6, 7) else "100100") for n in range(10)]
    campus.put("umich_api", "user", *people)
    found = ask(campus, umich_api, "DeptEmpData", **query)["DeptEmpInfo"]["DeptEmpData"]
    found = found if isinstance(found, list) else [found]
    assert [f"{p['EmplId']}-{p['EmplRcd']}" for p in found] == expected


def test_departments_by_id(campus: CampusEditor, umich_api: httpx.Client) -> None:
    campus.put("umich_api", "department", *((n, "", {"DeptId": n}) for n in ("100", "200")))
    found = ask(campus, umich_api, "DeptData", DeptId="200")
    assert found["DepartmentList"]["DeptData"] == {"DeptId": "200"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"client_secret": "no"}, 401), ({"grant_type": "password"}, 400), ({"scope": "other"}, 400)],
)
def test_no_token_for_a_wrong_form(
    campus: CampusEditor, changes: dict[str, str], status: int
) -> None:
    env = campus.environment
    with campus.http() as client:
        reply = client.post(env["UM_TOKEN_URL"], data=credentials(env, **changes))
        assert reply.status_code == status


def test_basic_authorization_is_as_good(campus: CampusEditor) -> None:
    env = campus.environment
    with campus.http() as client:
        auth = (env["UM_CLIENT_KEY"], env["UM_CLIENT_SECRET"])
        form = {"grant_type": "client_credentials", "scope": "department"}
        assert client.post(env["UM_TOKEN_URL"], data=form, auth=auth).status_code == 200


def test_no_data_without_a_token(campus: CampusEditor) -> None:
    with campus.http() as client, pytest.raises(httpx.HTTPStatusError, match="401"):
        ask(campus, client, "DeptData")


def test_tokens_expire_and_calls_are_limited(campus: CampusEditor, umich_api: httpx.Client) -> None:
    campus.fault("gateway_rate_limit", calls=1, seconds=60)
    ask(campus, umich_api, "DeptData")
    with pytest.raises(httpx.HTTPStatusError, match="429") as caught:
        ask(campus, umich_api, "DeptData")
    assert "GMT" in caught.value.response.headers["X-RateLimit-Reset"]
    campus.fault("gateway_token_life", seconds=0, claimed=3600)
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        ask(campus, umich_api, "DeptData")


def test_pages_shift_when_a_record_goes_away(campus: CampusEditor, umich_api: httpx.Client) -> None:
    everyone = [employee(n)[0] for n in range(30)]
    campus.put("umich_api", "user", *(employee(n) for n in range(30)))
    campus.fault("gateway_shift", after_page=1)
    assert sweep(campus, umich_api, 10) == everyone[:10] + everyone[11:]
    assert sweep(campus, umich_api, 10) == everyone[1:]
