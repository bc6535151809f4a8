"""Bearer tokens (JWT, HS256) and call quotas, as TeamDynamix and umich_api hand them out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import secrets
import threading
import time
from email.utils import formatdate
from typing import Any, NamedTuple

from lsats_pipeline.campus.simulators.faults import Setting

_HEADER = {"alg": "HS256", "typ": "JWT"}


class IssuedTokens:
    """Issues and checks tokens. `life` in seconds, unless a fault says otherwise."""

    def __init__(self, life: float) -> None:
        self._life = life
        self._key = secrets.token_bytes(32)

    def issue(self, fault: Setting | None) -> tuple[str, float]:
        """A new token and the life it claims to have, in seconds."""
        life = float((fault or {}).get("claimed", self._real_life(fault)))
        now = time.time()
        claims = {"iss": "simulator", "iat": now, "exp": _numeric_date(now, life)}
        text = f"{_encode(_HEADER)}.{_encode(claims)}"
        return f"{text}.{self._sign(text)}", life

    def valid(self, token: str, fault: Setting | None) -> bool:
        """Whether this is a token of ours that neither claims nor is meant to have expired."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            return False
        claims = _decode(text.partition(".")[2])
        now = time.time()
        return bool(now < claims["exp"] and now < claims["iat"] + self._real_life(fault))

    def _real_life(self, fault: Setting | None) -> float:
        return float((fault or {}).get("seconds", self._life))

    def _sign(self, text: str) -> str:
        return _text64(hmac.digest(self._key, text.encode(), hashlib.sha256))


def bearer(authorization: str | None) -> str:
    """The token of an Authorization header, '' when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class Quota(NamedTuple):
    """What one call found: whether it may go on, and the headers of the answer."""

    granted: bool
    headers: dict[str, str]


class CallLimit:
    """So many calls in a window that starts with the first of them."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._normal = (calls, seconds)
        self._limit = self._normal
        self._lock = threading.Lock()
        self._ends = 0.0
        self._used = 0

    def take(self, fault: Setting | None) -> Quota:
        """Count one call. The reset time is in whole seconds, like every HTTP date."""
        with self._lock:
            self._adopt((fault["calls"], fault["seconds"]) if fault else self._normal)
            granted = self._used < self._limit[0]
            self._used += granted
            return Quota(granted, self._headers())

    def _adopt(self, limit: tuple[int, float]) -> None:
        now = time.time()
        if limit != self._limit or now >= self._ends:
            self._limit, self._used, self._ends = limit, 0, now + limit[1]

    def _headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self._limit[0]),
            "X-RateLimit-Remaining": str(self._limit[0] - self._used),
            "X-RateLimit-Reset": formatdate(math.ceil(self._ends), usegmt=True),
        }


def _numeric_date(now: float, life: float) -> float:
    # Whole seconds as the real ones; exact for the short lives that only tests ask for.
    return now + life if life < 60 else int(now + life)


def _encode(value: dict[str, Any]) -> str:
    return _text64(json.dumps(value).encode())


def _text64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> dict[str, Any]:
    padded = text + "=" * (-len(text) % 4)
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return claims
