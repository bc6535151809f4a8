"""Speaks TeamDynamix's Web API: signs in one of three ways and makes the calls of the streams.

Sign-in, first that is configured (domain/hub.md 1.1.1): admin service account, user and password,
pasted token. The first two are renewed a minute before their JWT ends and whenever one is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO
from urllib.parse import quote

import msgspec
from pydantic import SecretStr

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import PermanentError, TransientError
from lsats_pipeline.core.http import Api, BearerTokens, Grant
from lsats_pipeline.hub.sources import json_records
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings

ASSETS = "48"  # the application that assets belong to (domain/hub.md 1.1.1)
# Active, and the others that count (domain/hub.md 1.1.2).
ASSET_STATUSES = (38, 39, 40, 41, 46, 59, 141, 201, 202)


class TdxClient:
    """The calls that the hub makes; safe to share between threads. `application`: of assets."""

    def __init__(self, api: Api, application: str = ASSETS) -> None:
        self._api, self._application = api, application

    def accounts(self) -> list[memoryview]:
        """The departments in their list form: active ones, those that the login may see."""
        return self._api.get("accounts", json_records.cut)

    def account(self, account_id: str) -> bytes | None:
        """One department with address and attributes; None when there is none."""
        return self._api.find(f"accounts/{quote(account_id, safe='')}", json_records.whole)

    def people(self, account_ids: Sequence[int]) -> list[memoryview]:
        """The people of these accounts in their list form, active or not.

        Without the filter on activity that the predecessor sent (hub.md 7.2 no. 3): a person who is
        disabled must be seen as disabled instead of dropping out of the list.
        """
        filters = {"AccountIDs": list(account_ids), "IsActive": None}
        return self._api.search("people/search", json_records.cut, filters)

    def person(self, uid: str) -> bytes | None:
        """One person with attributes, applications and groups; None when there is none."""
        return self._api.find(f"people/{quote(uid, safe='')}", json_records.whole)

    def assets(self, statuses: Sequence[int] = ASSET_STATUSES) -> Iterator[bytes]:
        """The assets of these statuses in their list form, one by one.

        The whole answer is on disk when this returns: it may be too large for memory.
        """
        filters = {"statusIDs": list(statuses)}
        records = _assets(self._api.download(f"{self._application}/assets/search", filters))
        next(records)  # begun, so that the file is closed even if nobody goes on
        return records

    def asset(self, asset_id: str) -> bytes | None:
        """One asset with custom attributes and attachments; None when there is none."""
        path = f"{self._application}/assets/{quote(asset_id, safe='')}"
        return self._api.find(path, json_records.whole)


def _assets(answer: IO[bytes]) -> Iterator[bytes]:
    with answer:
        yield b""
        try:
            yield from json_records.cut_file(answer)
        except ValueError as error:
            raise TransientError(f"TeamDynamix: the list of assets is not whole: {error}") from None


@contextmanager
def connect(settings: TdxSettings, clock: Clock | None = None) -> Iterator[TdxClient]:
    """Open a client; it signs in with its first call."""
    clock = clock or Clock()
    credentials = _credentials(settings)
    with Api("TeamDynamix", settings.base_url, "TDX_BASE_URL", credentials, clock) as api:
        api.tokens = _tokens(settings, api, clock)
        yield TdxClient(api, settings.app_id or ASSETS)


def _credentials(settings: TdxSettings) -> str:
    if settings.beid and settings.web_services_key:
        return "TDX_BEID and TDX_WEB_SERVICES_KEY"
    if settings.username and settings.password:
        return "TDX_USERNAME and TDX_PASSWORD"
    return "TDX_API_TOKEN (a pasted token cannot be renewed: paste a new one)"


def _tokens(settings: TdxSettings, api: Api, clock: Clock) -> BearerTokens:
    if settings.beid and settings.web_services_key:
        body = {
            "BEID": _revealed(settings.beid),
            "WebServicesKey": _revealed(settings.web_services_key),
        }
        return BearerTokens(_sign_in(api, "auth/loginadmin", body), clock)
    if settings.username and settings.password:
        body = {"UserName": settings.username, "Password": _revealed(settings.password)}
        return BearerTokens(_sign_in(api, "auth", body), clock)
    pasted = Grant(_revealed(settings.api_token or SecretStr("")), None)
    return BearerTokens(lambda: pasted, clock, renewable=False)


def _sign_in(api: Api, path: str, body: dict[str, str]) -> Callable[[], Grant]:
    return lambda: api.sign_in(path, _grant, json=body)


def _grant(body: bytes) -> Grant:
    token = body.decode("ascii", "replace").strip().strip('"')
    if token.count(".") != 2:
        raise PermanentError(
            "TeamDynamix: the answer to the sign-in is not a token; check TDX_BASE_URL"
        )
    return Grant(token, expiry(token))


class _Claims(msgspec.Struct):
    exp: float | None = None


def expiry(jwt: str) -> float | None:
    """When a JWT ends, in seconds since 1970; None when it does not say."""
    try:
        payload = jwt.split(".")[1]
        claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(claims, type=_Claims).exp
    except (IndexError, binascii.Error, msgspec.DecodeError):
        return None


def _revealed(secret: SecretStr) -> str:
    return secret.get_secret_value()
