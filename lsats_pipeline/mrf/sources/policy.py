"""Whom files may be fetched from, decided on the address that is connected to (domain/mrf.md 6.3).

A name is looked up once, here. The connection goes to the address that was checked, so a name that
answers differently a moment later leads nowhere else. What an address looks like counts for
nothing: `http://2130706433/` is this machine.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from lsats_pipeline.core.addresses import DEFAULT_PORTS, CheckedAddress, checked_parts
from lsats_pipeline.core.errors import BadFile, ConfigurationError, Unreachable
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.locations import Location, located

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
_OUTSIDE = (
    "outside_roots: a list names it as a file of this machine, and no folder of LSATS_MRF_ROOTS has"
    " it: add its folder if the list may be trusted"
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name; Unreachable when it has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the name {host} cannot be looked up ({error}); is it right?") from None
    return list(dict.fromkeys(str(address[4][0]) for address in found))


@dataclass(frozen=True)
class AddressPolicy:
    """What the settings allow."""

    settings: MrfSettings
    resolve: Resolve = look_up

    def check(self, location: Location) -> CheckedAddress:
        """Where to connect.

        ConfigurationError says what to set, BadFile that it is never allowed.
        """
        host, port, own = self.permits(location)
        ips = (host,) if own else self._public(location, host, port)
        return checked_parts(urlsplit(location.url), ips)

    def permits(self, location: Location) -> tuple[str, int, bool]:
        """Host, port, whether that is this machine; the same errors, but no name is looked up."""
        if location.fault or location.scheme not in DEFAULT_PORTS:
            raise BadFile("unsupported", f"{location.address}: {location.fault or 'is no address'}")
        parts = urlsplit(location.address)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[location.scheme]
        own = self._own_machine(host, port)
        if not own and (refusal := self._refusal(location.scheme, host, port)):
            raise ConfigurationError(f"{location.address}: {refusal[1]}")
        return host, port, own

    def fault(self, location: Location) -> str:
        """Why the settings keep a listed file from being fetched, after a code; empty if not."""
        if location.fault:
            return location.fault
        if location.scheme == "file":
            return "" if self._within_roots(location.path) else _OUTSIDE
        parts = urlsplit(location.address)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[location.scheme]
        refusal = self._refusal(location.scheme, host, port)
        return ": ".join(refusal) if refusal and not self._own_machine(host, port) else ""

    @property
    def stamp(self) -> str:
        """The same as long as the same is allowed."""
        allowed = self.settings.host_list, self.settings.plain_http, self.settings.root_list
        return sha256(repr(allowed).encode()).hexdigest()[:16]

    def redirected(self, before: Location, to: str) -> Location:
        """Where a redirect leads; BadFile when that is another scheme, or no address."""
        after = located(urljoin(before.url, to))
        if after.fault or after.scheme != before.scheme:
            raise BadFile(
                "redirect",
                f"{before.address} redirects to {after.scheme or 'another kind of'} address"
                f" {after.address}: redirects keep to {before.scheme}",
            )
        return after

    def local(self, path: Path) -> Path:
        """A listed local file within the allowed folders, links resolved; else BadFile."""
        if not self._within_roots(path):
            raise BadFile(_OUTSIDE.partition(":")[0], f"{path}: {_OUTSIDE}")
        return path.resolve()

    def _within_roots(self, path: Path) -> bool:
        real = path.resolve()
        return any(real.is_relative_to(root) for root in self.settings.root_list)

    def _own_machine(self, host: str, port: int) -> bool:
        """Whether it is this machine, and named exactly so in the settings: for trials."""
        in_url = f"[{host}]" if ":" in host else host
        try:
            return (
                ipaddress.ip_address(host).is_loopback
                and f"{in_url}:{port}" in self.settings.host_list
            )
        except ValueError:
            return False

    def _refusal(self, scheme: str, host: str, port: int) -> tuple[str, str] | None:
        """Code and remedy, when the settings do not allow a host of the world outside."""
        if not any(_matches(host, port, entry) for entry in self.settings.host_list):
            wanted = host if port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
            return "host_not_allowed", f"add {wanted} to LSATS_MRF_HOSTS to fetch from there"
        if scheme == "http" and not self.settings.plain_http:
            return "unsupported_scheme", "LSATS_MRF_PLAIN_HTTP=1 allows unencrypted http://"
        return None

    def _public(self, location: Location, host: str, port: int) -> tuple[str, ...]:
        found = self.resolve(host, port)
        private = [ip for ip in found if not is_public(ip)]
        if private or not found:
            raise BadFile(
                "private_address",
                f"{location.address}: {host} is {', '.join(private) or 'no address'}, which is not"
                " a public address; only those are connected to",
            )
        return tuple(found)


def is_public(text: str) -> bool:
    """Whether an address is reachable for everybody, and so are those that it stands for."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(
        one.is_global and not one.is_multicast and not one.is_reserved for one in _meant(address)
    )


def _meant(address: IpAddress) -> list[IpAddress]:
    """An IPv6 address may stand for an IPv4 one, which is what is reached."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address, address.sixtofour]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *(address.teredo or ())]


def _matches(host: str, port: int, entry: str) -> bool:
    pattern, _, wanted = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
    ports = {wanted} if wanted else {"443", "80"}
    return fnmatchcase(host, pattern) and (str(port) in ports or wanted == "*")
