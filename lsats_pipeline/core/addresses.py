"""Which addresses may be reached, and what of them may be shown.

Only a `CheckedAddress` is asked (`core/transport.py`), and an `AddressCheck` makes them: the one of
sources with credentials is here, the one of price files in `mrf/sources/policy.py`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import SplitResult, urlsplit

from lsats_pipeline.core.errors import ConfigurationError

Where = TypeVar("Where", contravariant=True)
DEFAULT_PORTS = {"https": 443, "http": 80}
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"<>]*)[?#][^\s'\"<>]*", re.IGNORECASE)
_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]*@", re.IGNORECASE)


@dataclass(frozen=True)
class CheckedAddress:
    """`host` is whom the certificate has to name, `ips` are where to connect if there are any.

    `address` has no query and may be shown; `request` is path and query, as they are sent.
    """

    scheme: str
    host: str
    port: int
    ips: tuple[str, ...]
    address: str
    request: str = field(repr=False)

    @property
    def place(self) -> str:
        """Host and port: what has limits and failures of its own."""
        return f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as far as it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """For the request alone, never for a message."""
        return self.origin + self.request


def checked_parts(parts: SplitResult, ips: tuple[str, ...]) -> CheckedAddress:
    """What a policy has found in order, to be connected to at these addresses."""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    request = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    address = parts._replace(query="", fragment="").geturl()
    return CheckedAddress(parts.scheme, parts.hostname or "", port, ips, address, request)


class AddressCheck(Protocol[Where]):
    """An address policy: what may be asked."""

    def check(self, where: Where, /) -> CheckedAddress:
        """Where to connect; an error when that is not allowed."""


@dataclass(frozen=True)
class SourceAddresses:
    """The policy of sources with credentials: as configured in `variable`, and never in the clear.

    Names are looked up when they are connected to, by the proxy of the environment if there is one.
    """

    variable: str

    def check(self, where: str) -> CheckedAddress:
        """The address of a call; ConfigurationError when it would carry them in the clear."""
        return checked_parts(checked(where, self.variable, encrypted="https", plain="http"), ())


def redacted(text: str) -> str:
    """A text whose addresses have lost query, fragment and password."""
    return _USER.sub(r"\1", _QUERY.sub(r"\1?…", text))


def listed(addresses: str) -> list[str]:
    """The addresses of a variable that may name several, separated by blanks or commas.

    A comma within an address, as in the path of `ldap://host/ou=People,dc=edu`, separates nothing.
    """
    return [address for address in re.split(r"\s+|,(?!\w+=)", addresses) if address]


def checked(
    url: str, variable: str, *, encrypted: str, plain: str, also: tuple[str, ...] = ()
) -> SplitResult:
    """Return the parsed URL; ConfigurationError when it would carry credentials in the clear.

    `encrypted` and `plain` are the two schemes of the protocol (`https` and `http`, `ldaps` and
    `ldap`); the plain one is for simulators and tunnels that listen on loopback. `also`: schemes
    that encrypt in another way.
    """
    parts = _parsed(url, variable, example=f"{encrypted}://host.example.edu")
    safe = " or ".join(f"{scheme}://" for scheme in (encrypted, *also))
    if parts.scheme not in (encrypted, plain, *also):
        raise ConfigurationError(f"{variable}: {url!r} must begin with {safe}")
    if parts.scheme == plain and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{variable}: {plain}:// would send the password unencrypted to {parts.hostname}; "
            f"use {safe} ({plain}:// is for this machine only)"
        )
    return parts


def is_loopback(host: str) -> bool:
    """Whether the host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parsed(url: str, variable: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"{variable}: {error}; expected something like {example}"
        ) from None
    if not parts.hostname:
        raise ConfigurationError(
            f"{variable}: no host in {url!r}; expected something like {example}"
        )
    if parts.username or parts.password:
        raise ConfigurationError(f"{variable}: leave user and password out of the address")
    return parts
