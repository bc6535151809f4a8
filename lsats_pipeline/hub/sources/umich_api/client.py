"""Speaks the university API gateway: client credentials, and pages by start index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec

from lsats_pipeline.core import addresses
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.http import Api, BearerTokens, Grant
from lsats_pipeline.hub.sources import json_records
from lsats_pipeline.hub.sources.umich_api.settings import UmichApiSettings

PAGE = 1000  # the largest `$count` the gateway accepts (domain/hub.md 1.2)


class UmichApiClient:
    """The calls that the hub makes."""

    def __init__(self, api: Api, category: str) -> None:
        self._api, self._category = api, category

    def departments(self, start: int, count: int = PAGE) -> list[memoryview]:
        """Departments from the 0-based index `start` on."""
        return self._page("DeptData", ("DepartmentList", "DeptData"), start, count)

    def appointments(self, start: int, count: int = PAGE) -> list[memoryview]:
        """Appointments of employees from the 0-based index `start` on."""
        return self._page("DeptEmpData", ("DeptEmpInfo", "DeptEmpData"), start, count)

    def _page(self, name: str, path: tuple[str, ...], start: int, count: int) -> list[memoryview]:
        return self._api.get(
            f"{self._category}/Department/v2/{name}",
            lambda body: json_records.cut(body, *path),
            {"$count": str(count), "$start_index": str(start)},
        )


@contextmanager
def connect(settings: UmichApiSettings, clock: Clock | None = None) -> Iterator[UmichApiClient]:
    """Open a client; it gets its token with the first call."""
    clock = clock or Clock()
    credentials = "UM_CLIENT_KEY and UM_CLIENT_SECRET"
    with Api("API gateway", settings.base_url, "UM_BASE_URL", credentials, clock) as api:
        api.tokens = BearerTokens(_sign_in(api, settings, clock), clock)
        yield UmichApiClient(api, settings.category_id.strip("/"))


class _Reply(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None


def _sign_in(api: Api, settings: UmichApiSettings, clock: Clock) -> Callable[[], Grant]:
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_key,
        "client_secret": settings.client_secret.get_secret_value()
        if settings.client_secret
        else "",
        "scope": "department",
    }
    url = settings.token_url or f"{api.origin}/um/oauth2/token"
    addresses.checked(url, "UM_TOKEN_URL", encrypted="https", plain="http")
    return lambda: api.sign_in(url, partial(_grant, clock), data=form)


def _grant(clock: Clock, body: bytes) -> Grant:
    reply = msgspec.json.decode(body, type=_Reply)
    # Some gateways send the seconds as text.
    ends = clock.now() + float(reply.expires_in) if reply.expires_in else None
    return Grant(reply.access_token, ends)
