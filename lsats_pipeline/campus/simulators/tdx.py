"""TeamDynamix: `{base}/{appId}/{path}`, where an empty appId leaves a double slash (hub.md 1.1).

Its calls:

    POST auth/loginadmin, auth       the JWT as a bare string
    GET  accounts                    every account, list form; on request the active ones only
    GET  accounts/{id}, people/{uid} one record in full     }
    POST people/search               partial people         } rate limited
    POST 48/assets/search            assets of some status  }
    GET  48/assets/{id}              one asset in full      }
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import Any

from psycopg import sql

from lsats_pipeline.campus.simulators.record_store import (
    EVERYTHING,
    Moment,
    Record,
    RecordStore,
    on_the_wire,
)
from lsats_pipeline.campus.simulators.tokens import CallLimit, IssuedTokens, bearer
from lsats_pipeline.campus.simulators.web import Reply, Request, json_array, recorded_reply, refusal
from lsats_pipeline.hub.sources.recorded import Recording

ROOT = "/SBTDWebApi/api"
# Assets belong to an application, and there is only this one; other calls do not mind which.
_ASSETS = "48"
_CALL = re.compile(re.escape(ROOT) + r"/(?:(?P<app>\d*)/)?(?P<call>.+)")
_SINGLE = re.compile(r"(?P<kind>accounts|people|assets)/(?P<key>[^/]+)")
_DETAILS = {"accounts": "department_detail", "people": "user_detail", "assets": "asset_detail"}
_STATUS = re.compile(rb'"StatusID"\s*:\s*(\d+)')
_BY_ACCOUNT = sql.SQL('lookup collate "C", record_key collate "C"')


class Tdx:
    """The application. The key doubles as the user's password and as a token that never expires."""

    def __init__(
        self,
        campus: RecordStore,
        calls_per_minute: int,
        token_life: float,
        recorded: Recording | None = None,
    ) -> None:
        self._recorded = recorded
        self.beid = f"beid-{secrets.token_hex(8)}"
        self.key = secrets.token_urlsafe(24)
        self._campus = campus
        self._tokens = IssuedTokens(token_life)
        self._limit = CallLimit(calls_per_minute, 60)

    def __call__(self, request: Request, moment: Moment) -> Reply:
        """Answer one call."""
        match = _CALL.fullmatch(request.path)
        call = match["call"] if match else ""
        if match and call.startswith("assets") and match["app"] != _ASSETS:
            return refusal(404, f"no such application: {match['app'] or 'none'}")
        if call in ("auth", "auth/login", "auth/loginadmin"):
            return self._log_in(call, request, moment)
        if not self._admitted(request, moment):
            return refusal(401, "a valid bearer token is needed")
        if call == "accounts" and request.method == "GET":
            accounts = self._campus.stream("tdx", "department", moment.day)
            hides = moment.faults.get("tdx_active_only") is not None
            return Reply(200, json_array(_with_activity(accounts, hides or None)))
        return self._limited(call, request, moment)

    def _log_in(self, call: str, request: Request, moment: Moment) -> Reply:
        given = request.json()
        names = (
            ("BEID", "WebServicesKey") if call == "auth/loginadmin" else ("UserName", "Password")
        )
        if not isinstance(given, dict) or [given.get(n) for n in names] != [self.beid, self.key]:
            return refusal(403, "invalid credentials")
        token, _ = self._tokens.issue(moment.faults.get("tdx_token_life"))
        return Reply(200, token.encode(), "text/plain; charset=utf-8")

    def _admitted(self, request: Request, moment: Moment) -> bool:
        token = bearer(request.headers.get("authorization"))
        if secrets.compare_digest(token.encode(), self.key.encode()):
            return True
        return self._tokens.valid(token, moment.faults.get("tdx_token_life"))

    def _limited(self, call: str, request: Request, moment: Moment) -> Reply:
        quota = self._limit.take(moment.faults.get("tdx_rate_limit"))
        if not quota.granted:
            return refusal(429, "too many calls", quota.headers)
        if call == "people/search" and request.method == "POST":
            return self._search(request.json(), moment, quota.headers)
        if call == "assets/search" and request.method == "POST":
            return self._search_assets(request.json(), moment, quota.headers)
        if (match := _SINGLE.fullmatch(call)) and request.method == "GET":
            return self._detail(_DETAILS[match["kind"]], match["key"], moment, quota.headers)
        known = recorded_reply(self._recorded, request)
        return known or refusal(404, f"no such call: {request.method} {call}", quota.headers)

    def _detail(self, entity: str, key: str, moment: Moment, headers: dict[str, str]) -> Reply:
        record = self._campus.one("tdx", entity, key, moment.day)
        if record is None or record.fault == "not_found":
            return refusal(404, f"no {entity} {key}", headers)
        return Reply(200, on_the_wire(record.payload), headers=headers)

    def _search(self, wanted: Any, moment: Moment, headers: dict[str, str]) -> Reply:
        if not isinstance(wanted, dict):
            return refusal(400, "the body must be a JSON object", headers)
        where = _in_accounts(wanted.get("AccountIDs"))
        people = self._campus.stream("tdx", "user", moment.day, where, order=_BY_ACCOUNT)
        found = islice(
            _with_activity(people, wanted.get("IsActive")), wanted.get("MaxResults") or None
        )
        return Reply(200, json_array(found), headers=headers)

    def _search_assets(self, wanted: Any, moment: Moment, headers: dict[str, str]) -> Reply:
        if not isinstance(wanted, dict):
            return refusal(400, "the body must be a JSON object", headers)
        names = {name.lower(): value for name, value in wanted.items()}  # its JSON ignores case
        assets = self._campus.stream("tdx", "asset", moment.day)
        found = islice(_in_status(assets, names.get("statusids")), names.get("maxresults") or None)
        return Reply(200, json_array(found), headers=headers)


def _in_accounts(account_ids: list[int] | None) -> sql.Composable:
    if not account_ids:
        return EVERYTHING
    return sql.SQL("lookup = any({})").format(sql.Literal([str(number) for number in account_ids]))


def _with_activity(people: Iterator[Record], active: bool | None) -> Iterator[Record]:
    if active is None:
        return people
    # Looked for in the text: parsing every record would cost more than all the rest.
    pattern = re.compile(rb'"IsActive"\s*:\s*' + (b"true" if active else b"false"))
    return (person for person in people if pattern.search(person.payload))


def _in_status(assets: Iterator[Record], statuses: list[int] | None) -> Iterator[Record]:
    if not statuses:
        return assets
    wanted = {b"%d" % status for status in statuses}
    return (asset for asset in assets if wanted.issuperset(_STATUS.findall(asset.payload)[:1]))
