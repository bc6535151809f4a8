"""What a directory's refusals mean: which error of ours each result code is, and what to do.

bind   ── code, the server's words ──▶ bind_error ──▶ credentials? encryption? later?
search ── code, the server's words ──▶ search_error ──▶ cut short? base? rights? later?
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ldap3.core.results import RESULT_CODES
from pydantic import SecretStr

from lsats_pipeline.core.errors import (
    ConfigurationError,
    IncompleteRead,
    LsatsError,
    PermanentError,
)
from lsats_pipeline.core.retry import TransientFailure

ENCRYPTED = "ldaps:// or ldap+starttls://"


@dataclass(frozen=True)
class BindAccount:
    """Where to connect and as whom, with the names of the variables that say so.

    `url`: one address or several, which are tried in their order. `ca_file`: the issuers to trust
    instead of those of this machine.
    """

    title: str
    url: str
    user: str
    password: SecretStr | None
    url_variable: str
    user_variable: str
    password_variable: str
    base_variable: str
    ca_file: Path | None = None
    ca_variable: str = "SSL_CERT_FILE"


class CutShort(IncompleteRead):
    """A limit of the server, of whatever kind, ended a search: a narrower one may be whole."""


class Truncated(CutShort):
    """The server stopped at its size limit; the entries before the limit were all delivered."""


class Declined(PermanentError):
    """The server does not do what a search asks for: pages, an unlimited search."""


class Ending:
    """Result codes that are acted on by number (RFC 4511, appendix A)."""

    SUCCESS, OPERATIONS_ERROR, PROTOCOL_ERROR, TIME_LIMIT, SIZE_LIMIT = 0, 1, 2, 3, 4
    STRONGER_AUTH, REFERRAL, ADMIN_LIMIT, NO_EXTENSION, CONFIDENTIALITY = 8, 10, 11, 12, 13
    NO_SUCH_OBJECT, INVALID_DN, BAD_CREDENTIALS, NO_RIGHT = 32, 34, 49, 50
    BUSY, UNAVAILABLE, UNWILLING = 51, 52, 53


# A server without paging says so by any of these, one that has forgotten a cookie as well.
NO_PAGES = (Ending.PROTOCOL_ERROR, Ending.NO_EXTENSION, Ending.UNWILLING)
_LATER = (Ending.BUSY, Ending.UNAVAILABLE)

# Active Directory's reason for code 49, a Windows error number in hexadecimal.
_SIGN_IN = {
    "525": "no such account: check {user}",
    "52e": "wrong name or password: check {user} and {password}",
    "530": "the account may not sign in at this hour: ask the domain's administrators",
    "531": "the account may not sign in from this machine: ask the domain's administrators",
    "532": "the password has expired: set a new one, then {password}",
    "533": "the account is disabled: ask the domain's administrators, or set another {user}",
    "568": "the account is in too many groups to sign in: ask the domain's administrators",
    "701": "the account has expired: ask the domain's administrators, or set another {user}",
    "773": "the password has to be changed first: set a new one, then {password}",
    "775": "the account is locked: ask the domain's administrators to unlock it",
}
_DATA = re.compile(r"\bdata ([0-9a-f]{3,4})\b", re.IGNORECASE)

_BIND = {
    Ending.STRONGER_AUTH: "it wants an encrypted connection: use {encrypted} in {url}",
    Ending.CONFIDENTIALITY: "it wants an encrypted connection: use {encrypted} in {url}",
    7: "it does not take a name and a password: ask its administrators",
    Ending.NO_SUCH_OBJECT: "no such account: check {user}",
    Ending.INVALID_DN: "the name is none that it can read: check {user}",
    48: "the account may not sign in with a password: check {user}",
    Ending.NO_RIGHT: "the account may not sign in: check {user}",
    Ending.UNWILLING: "the account may not sign in now: check {user}, or ask its administrators",
}

_SEARCH: dict[int, tuple[type[LsatsError], str]] = {
    Ending.OPERATIONS_ERROR: (
        PermanentError,
        "it wants to know who asks: check {user}, and {base} for a base that this server holds",
    ),
    Ending.TIME_LIMIT: (CutShort, "a limit of the server cut it short"),
    Ending.SIZE_LIMIT: (Truncated, "the server gives out no more entries per search"),
    Ending.STRONGER_AUTH: (ConfigurationError, "use {encrypted} in {url}"),
    Ending.REFERRAL: (
        ConfigurationError,
        "another server holds {where!r}{referral}: check {base}, or name that server in {url}",
    ),
    Ending.ADMIN_LIMIT: (CutShort, "a limit of the server cut it short"),
    Ending.CONFIDENTIALITY: (ConfigurationError, "use {encrypted} in {url}"),
    Ending.NO_SUCH_OBJECT: (ConfigurationError, "no {where!r} there; check {base}"),
    Ending.INVALID_DN: (ConfigurationError, "{where!r} is no distinguished name; check {base}"),
    Ending.NO_RIGHT: (ConfigurationError, "{user} may not read {where!r}"),
    Ending.UNWILLING: (
        Declined,
        "the server does not want to; ask its administrators what {user} may search",
    ),
}


def bind_error(account: BindAccount, place: str, code: int, words: str) -> Exception:
    """Why a sign-in at `place` failed; TransientFailure when that may pass."""
    if code in _LATER:
        return TransientFailure(f"{_named(code)}{_quoted(words)}")
    reason = _DATA.search(words)
    if code == Ending.BAD_CREDENTIALS:
        text = _SIGN_IN.get(reason[1].lower() if reason else "52e", _SIGN_IN["52e"])
        text = _filled(text, account)
        return ConfigurationError(f"{account.title} refuses the credentials of {place}: {text}")
    if code in _BIND:
        text = _filled(_BIND[code], account)
        return ConfigurationError(f"{account.title} refuses the bind ({_named(code)}): {text}")
    return PermanentError(f"{account.title}: bind failed with {_named(code)}{_quoted(words)}")


def search_error(
    account: BindAccount, where: str, code: int, words: str = "", referral: str = ""
) -> Exception:
    """What the ending of a search below `where` means; TransientFailure when it may pass."""
    message = f"{account.title}: the search ended with {_named(code)}"
    if code in _LATER:
        return TransientFailure(f"the search ended with {_named(code)}{_quoted(words)}")
    kind, text = _SEARCH.get(code, (PermanentError, ""))
    remedy = _filled(text, account, where=where, referral=f" ({referral})" if referral else "")
    quoted = "" if issubclass(kind, IncompleteRead) else _quoted(words)
    return kind(f"{message}{quoted}: {remedy}" if remedy else message + quoted)


def _named(code: int) -> str:
    return f"code {code} ({RESULT_CODES.get(code, 'unknown')})"


def _quoted(words: str) -> str:
    """The server's own words, on one line and not too many of them."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return f", {plain[:200]!r}" if plain else ""


def _filled(text: str, account: BindAccount, **more: str) -> str:
    return text.format(
        url=account.url_variable,
        user=account.user_variable,
        password=account.password_variable,
        base=account.base_variable,
        encrypted=ENCRYPTED,
        **more,
    )
