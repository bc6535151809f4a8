"""TeamDynamix as it is: lists of active accounts, people who may not be read, calls that fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lsats_pipeline.core.errors import CallFailed, LsatsError
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.sources.source import Stream
from lsats_pipeline.hub.sources.tdx import streams as tdx
from lsats_pipeline.hub.sources.tdx.client import connect
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.silver.by_hand import ByHand

ACCOUNTS, PEOPLE = 450, 900
PAGE = b"<!doctype html><title>Sign in - Campus</title><p>private"


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


class Campus:
    """A server of 450 accounts with two people each, and what is wrong with it.

    `hidden` accounts are active and not listed; `status` says what a call that ends so answers.
    """

    def __init__(self) -> None:
        self.inactive: set[int] = set()
        self.hidden: set[int] = set()
        self.no_account: set[int] = set()
        self.status: dict[str, int] = {}
        self.broken_accounts: set[int] = set()
        self.broken_statuses: set[int] = set()
        self.pages: set[str] = set()
        self.calls: list[str] = []

    def account(self, number: int) -> dict[str, Any]:
        active = number not in self.inactive
        return {"ID": number, "Name": f"Unit {number}", "Code": f"{number:06}", "IsActive": active}

    def person(self, number: int) -> dict[str, Any]:
        account = 0 if number in self.no_account else (number - 1) % ACCOUNTS + 1
        return {
            "UID": uid(number),
            "AlternateID": f"u{number}",
            "FullName": f"Person {number}",
            "IsActive": True,
            "DefaultAccountID": account,
        }

    def answer(self, path: str, body: Any) -> tuple[int, Any]:
        self.calls.append(path)
        kind, _, key = path.rpartition("/")
        if path in self.pages:
            return 200, PAGE
        if status := self.status.get(path) or self.status.get(kind):
            return status, {"Message": "private-matter"}
        if path == "accounts":
            listed = set(range(1, ACCOUNTS + 1)) - self.inactive - self.hidden
            return 200, [self.account(n) for n in sorted(listed)]
        if path == "people/search":
            if self.broken_accounts & set(body["AccountIDs"]):
                return 500, {}
            people = [self.person(n) for n in range(1, PEOPLE + 1)]
            return 200, [p for p in people if p["DefaultAccountID"] in body["AccountIDs"]]
        if path == "48/assets/search":
            if self.broken_statuses & set(body["statusIDs"]):
                return 500, {}
            return 200, [{"ID": n, "StatusID": n} for n in body["statusIDs"]]
        if kind == "accounts":
            return 200, {**self.account(int(key)), "City": "Hill", "Attributes": []}
        return 200, {**self.person(int(key[-12:])), "Attributes": [], "GroupIDs": [1]}


@pytest.fixture
def campus() -> Campus:
    return Campus()


@pytest.fixture
def client(campus: Campus, waits: Waits) -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = campus.answer(self.path[1:], json.loads(body or b"null"))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings = TdxSettings.model_validate(
            {"base_url": f"http://127.0.0.1:{server.server_port}", "api_token": "a.b.c"}
        )
        try:
            with connect(settings, waits.clock) as opened:
                yield opened
        finally:
            server.shutdown()
            thread.join()


class Hub:
    def __init__(self, warehouse: Warehouse, settings: HubSettings, client: Any) -> None:
        self.warehouse, self.settings, self.client = warehouse, settings, client

    def read(self, stream: Stream) -> Report:
        today = self.settings.today()
        return ingest(self.warehouse, self.settings, stream, lambda: self.client, today)

    def details(self, **options: Any) -> Report:
        return enrich(
            self.warehouse, self.settings, tdx.USER_DETAIL, lambda: self.client,
            self.settings.today(), **options,
        )  # fmt: skip

    def live(self, entity: str) -> int:
        [(count,)] = self.warehouse.query(
            "select count(*) from bronze.heads where entity_type = %s and not is_removed", [entity]
        )
        return int(count)


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings, client: Any) -> Hub:
    made = Hub(warehouse, hub_settings, client)
    made.read(tdx.DEPARTMENT)
    made.read(tdx.USER)
    return made


def failed_checks(report: Report) -> list[str]:
    return [rule.name for rule in report.failed]


def test_a_department_that_was_closed_stays_with_its_people(
    hub: Hub, campus: Campus, warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    campus.inactive = {3, 4, *range(101, 161)}
    for changed in (62, 0):
        report = hub.read(tdx.DEPARTMENT)
        assert (report.counts.updated, report.counts.removed) == (changed, 0)
        assert failed_checks(report) == []
        report = hub.read(tdx.USER)
        assert (report.counts.changed, failed_checks(report)) == (0, [])
    silver = ByHand(warehouse, hub_settings, TDX_DEPARTMENTS, TDX_USERS)
    silver.build()
    departments = {row["tdx_id"]: row["is_active"] for row in silver.rows("tdx_departments")}
    assert {n for n, active in departments.items() if not active} == campus.inactive
    assert (len(departments), len(silver.rows("tdx_users"))) == (ACCOUNTS, PEOPLE)
    campus.inactive = set()
    assert hub.read(tdx.DEPARTMENT).counts.updated == 62


def test_people_of_a_department_that_is_only_hidden_are_read(hub: Hub, campus: Campus) -> None:
    campus.hidden = {7}
    assert hub.read(tdx.DEPARTMENT).counts.changed == 0
    assert hub.read(tdx.USER).counts.changed == 0
    assert not any(call.startswith("people/0") for call in campus.calls)


def test_a_department_that_is_gone(hub: Hub, campus: Campus) -> None:
    campus.inactive, campus.status = {7}, {"accounts/7": 404}
    assert hub.read(tdx.DEPARTMENT).counts.removed == 1
    assert hub.read(tdx.USER).counts.changed == 0, "its people are still there, by id"


@pytest.mark.parametrize("status", [403, 404])
def test_a_lost_permission_is_held(hub: Hub, campus: Campus, status: int) -> None:
    campus.hidden = set(range(100, 200))
    campus.status = {f"accounts/{n}": status for n in campus.hidden}
    report = hub.read(tdx.DEPARTMENT)
    assert (report.counts.removed, hub.live("department")) == (0, ACCOUNTS)
    assert "mass_disappearance" in failed_checks(report)


def test_a_person_without_an_account_is_found_by_id(hub: Hub, campus: Campus) -> None:
    campus.no_account = {5}
    report = hub.read(tdx.USER)
    assert (report.counts.updated, report.counts.removed) == (1, 0)
    campus.status = {f"people/{uid(5)}": 404}
    assert hub.read(tdx.USER).counts.removed == 1


def test_an_account_that_cannot_be_searched_costs_no_other(hub: Hub, campus: Campus) -> None:
    campus.broken_accounts = {117, 118, 450}
    report = hub.read(tdx.USER)
    counts = report.counts
    assert (counts.skipped, counts.removed, counts.rejected) == (PEOPLE - 6, 0, 3)
    assert "not read: people of account 117: TeamDynamix: POST people/search failed" in report.note
    assert failed_checks(report) == []
    campus.broken_accounts = set()
    assert hub.read(tdx.USER).counts.skipped == PEOPLE
    assert hub.warehouse.query("select distinct resolution from meta.rejects") == [("mended",)]


def test_many_accounts_that_cannot_be_searched(hub: Hub, campus: Campus) -> None:
    campus.broken_accounts = set(range(1, 41))
    report = hub.read(tdx.USER)
    assert (report.counts.skipped, report.counts.rejected) == (PEOPLE - 80, 40)


def test_a_search_that_always_fails_ends_the_read(hub: Hub, campus: Campus) -> None:
    campus.broken_accounts = set(range(1, ACCOUNTS + 1))
    campus.calls.clear()
    with pytest.raises(CallFailed, match="HTTP 500"):
        hub.read(tdx.USER)
    assert len(campus.calls) < 70
    assert hub.live("user") == PEOPLE


def test_assets_are_searched_for_by_status_when_all_at_once_fails(hub: Hub, campus: Campus) -> None:
    assert hub.read(tdx.ASSET).counts.created == 9
    campus.broken_statuses = {141}
    report = hub.read(tdx.ASSET)
    assert (report.counts.skipped, report.counts.removed, report.counts.rejected) == (8, 0, 1)
    assert "assets in status 141" in report.note


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
def test_a_person_who_cannot_be_read(hub: Hub, campus: Campus, status: int) -> None:
    campus.status = {f"people/{uid(n)}": status for n in (1, 500)}
    report = hub.details()
    assert (report.counts.created, report.counts.rejected) == (PEOPLE - 2, 2)
    assert (failed_checks(report), report.note) == (
        [],
        f"2 could not be used (HTTP {status}: 2)",
    )
    rows = hub.warehouse.query("select external_id, reason, detail from meta.rejects order by 1")
    assert [row[:2] for row in rows] == [(uid(1), "unreadable"), (uid(500), "unreadable")]
    assert all(f"people/{uid(1)}" in row[2] or f"people/{uid(500)}" in row[2] for row in rows)
    assert all("private" not in row[2] for row in rows)


def test_a_web_page_for_one_person(hub: Hub, campus: Campus) -> None:
    campus.pages = {f"people/{uid(9)}"}
    assert hub.details().counts.rejected == 1
    [(detail,)] = hub.warehouse.query("select detail from meta.rejects")
    assert 'a web page ("Sign in - Campus") instead of data; check TDX_BASE_URL' in detail


ALL: dict[str, Callable[[Campus], None]] = {
    "403": lambda campus: campus.status.update(people=403),
    "500": lambda campus: campus.status.update(people=500),
    "401": lambda campus: campus.status.update(people=401),
    "429": lambda campus: campus.status.update(people=429),
    "pages": lambda campus: campus.pages.update(f"people/{uid(n)}" for n in range(PEOPLE + 1)),
}


@pytest.mark.parametrize("fault", ALL)
def test_nobody_can_be_read(hub: Hub, campus: Campus, fault: str) -> None:
    ALL[fault](campus)
    campus.calls.clear()
    with pytest.raises(LsatsError, match="TeamDynamix: GET people/"):
        hub.details()
    assert len(campus.calls) < 600
    assert hub.warehouse.query("select count(*) from meta.rejects") == [(0,)]
