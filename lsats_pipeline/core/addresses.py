"""Which addresses a source may be reached at: encrypted ones, or this very machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from lsats_pipeline.core.errors import ConfigurationError


def checked(url: str, variable: str, *, encrypted: str, plain: str) -> SplitResult:
    """Return the parsed URL; ConfigurationError when it would carry credentials in the clear.

    `encrypted` and `plain` are the two schemes of the protocol (`https` and `http`, `ldaps` and
    `ldap`); the plain one is for simulators and tunnels that listen on loopback.
    """
    parts = _parsed(url, variable, example=f"{encrypted}://host.example.edu")
    if parts.scheme not in (encrypted, plain):
        raise ConfigurationError(f"{variable}: {url!r} must begin with {encrypted}://")
    if parts.scheme == plain and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{variable}: {plain}:// would send the password unencrypted to {parts.hostname}; "
            f"use {encrypted}:// ({plain}:// is for this machine only)"
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
