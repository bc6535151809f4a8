"""The university API gateway: a token, then DeptData and DeptEmpData in pages (hub.md 1.2).

Its habits: one result comes as an object instead of a list; without results departments answer an
empty list and employees no list at all; pages are counted, not keyed, so they shift when a record
goes away.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec
from psycopg import sql

from lsats_pipeline.campus.simulators.record_store import (
    EVERYTHING,
    Moment,
    Record,
    RecordStore,
    after_key,
    on_the_wire,
)
from lsats_pipeline.campus.simulators.tokens import CallLimit, IssuedTokens, bearer
from lsats_pipeline.campus.simulators.web import Reply, Request, recorded_reply, refusal
from lsats_pipeline.hub.sources.recorded import Recording

CATEGORY = "bf"
TOKEN_PATH = "/um/oauth2/token"
MOST = 1000
_OVERLAP = 3


class _Endpoint(NamedTuple):
    entity: str
    envelope: str
    member: str
    filters: dict[str, str]  # query parameter: field it must equal
    empty: dict[str, list[str]]


_ENDPOINTS = {
    f"/um/{CATEGORY}/Department/v2/DeptData": _Endpoint(
        "department",
        "DepartmentList",
        "DeptData",
        {name: name for name in ("DeptId", "DeptDescription", "DeptGroup", "DeptGroupDescription")},
        {"DeptData": []},
    ),
    f"/um/{CATEGORY}/Department/v2/DeptEmpData": _Endpoint(
        "user",
        "DeptEmpInfo",
        "DeptEmpData",
        {
            "EmplId": "EmplId",
            "Uniqname": "UniqName",
            "DepartmentId": "DepartmentId",
            "Dept_Description": "Dept_Description",
        },
        {},
    ),
}


class UmichApi:
    """The application. Its faults are stored as `gateway_...` (faults.py)."""

    def __init__(
        self, campus: RecordStore, token_life: float = 3600, recorded: Recording | None = None
    ) -> None:
        self._recorded = recorded
        self.client_key = f"hub-{secrets.token_hex(8)}"
        self.client_secret = secrets.token_urlsafe(24)
        self._campus = campus
        self._tokens = IssuedTokens(token_life)
        self._limit = CallLimit(60_000, 60)
        self._shifted: set[str] = set()
        self._ends: dict[tuple[str, dt.date, int], str] = {}

    def __call__(self, request: Request, moment: Moment) -> Reply:
        """Answer one call."""
        if request.path == TOKEN_PATH:
            return self._token(request, moment)
        token = bearer(request.headers.get("authorization"))
        if not self._tokens.valid(token, moment.faults.get("gateway_token_life")):
            return refusal(401, "a valid bearer token is needed")
        quota = self._limit.take(moment.faults.get("gateway_rate_limit"))
        if not quota.granted:
            return refusal(429, "too many calls", quota.headers)
        endpoint = _ENDPOINTS.get(request.path)
        if endpoint is None or request.method != "GET":
            known = recorded_reply(self._recorded, request)
            return known or refusal(404, f"no such call: {request.method} {request.path}")
        return self._page(endpoint, request, moment)

    def _token(self, request: Request, moment: Moment) -> Reply:
        form = request.form()
        if form.get("grant_type") != "client_credentials":
            return refusal(400, "unsupported_grant_type")
        if _client(request, form) != (self.client_key, self.client_secret):
            return refusal(401, "invalid_client")
        if form.get("scope") != "department":
            return refusal(400, "invalid_scope")
        token, life = self._tokens.issue(moment.faults.get("gateway_token_life"))
        answer = {"token_type": "Bearer", "access_token": token, "expires_in": int(life)}
        return Reply(200, json.dumps({**answer, "scope": "department"}).encode())

    def _page(self, endpoint: _Endpoint, request: Request, moment: Moment) -> Reply:
        try:
            count = min(int(request.query.get("$count", MOST)), MOST)
            start = int(request.query.get("$start_index", 0))
        except ValueError:
            return refusal(400, "$count and $start_index are whole numbers")
        wanted = {f: request.query[q] for q, f in endpoint.filters.items() if q in request.query}
        start += self._shift(endpoint.entity, moment, start // max(count, 1))
        records = self._found(endpoint.entity, moment, wanted, start, count)
        return Reply(200, _enveloped(endpoint, [on_the_wire(record.payload) for record in records]))

    def _found(
        self, entity: str, moment: Moment, wanted: dict[str, str], start: int, count: int
    ) -> list[Record]:
        if not wanted:
            return self._page_of(entity, moment.day, start, count)
        likely = self._campus.stream("umich_api", entity, moment.day, _mentioning(wanted))
        return list(islice(_equal(likely, wanted), start, start + count))

    def _page_of(self, entity: str, day: dt.date, start: int, count: int) -> list[Record]:
        """One page, found by the key where the last one ended; a large offset is slow."""
        if start == 0:
            self._ends = {place: key for place, key in self._ends.items() if place[0] != entity}
        end = self._ends.get((entity, day, start))
        where = after_key(end) if end else EVERYTHING
        offset = 0 if end else start
        page = self._campus.stream("umich_api", entity, day, where, offset=offset, limit=count)
        records = list(page)
        # A careful reader begins the next page with the last record of this one, or a few earlier.
        for back, record in enumerate(reversed(records[-_OVERLAP:])):
            self._ends[entity, day, start + len(records) - back] = record.key
        return records

    def _shift(self, entity: str, moment: Moment, page: int) -> int:
        """How many records have vanished from the front: 1 once the shift has struck."""
        fault = moment.faults.get("gateway_shift")
        if fault is None:
            self._shifted.clear()
        elif page >= fault["after_page"]:
            self._shifted.add(entity)
        return int(entity in self._shifted)


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(value).decode().partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _mentioning(wanted: dict[str, str]) -> sql.Composable:
    # Not through jsonb, which refuses the NUL escapes that some payloads hold on purpose.
    condition = sql.SQL("strpos(lower(payload), lower({})) > 0")
    return sql.SQL(" and ").join(condition.format(sql.Literal(value)) for value in wanted.values())


def _equal(records: Iterator[Record], wanted: dict[str, str]) -> Iterator[Record]:
    for record in records:
        fields = msgspec.json.decode(record.payload)
        if all(str(fields.get(name)).lower() == value.lower() for name, value in wanted.items()):
            yield record


def _enveloped(endpoint: _Endpoint, payloads: list[bytes]) -> bytes:
    if not payloads:
        return json.dumps({endpoint.envelope: endpoint.empty}).encode()
    content = payloads[0] if len(payloads) == 1 else b"[" + b",".join(payloads) + b"]"
    return b'{"%b":{"%b":%b}}' % (endpoint.envelope.encode(), endpoint.member.encode(), content)
