"""The address of a price file, parsed: what may be displayed, what is secret, what names the file.

Lists are written by others: every entry becomes a location, with a fault when it cannot
be fetched (domain/mrf.md 6.3). The query of an address may be a signature, so it is kept apart.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lsats_pipeline.core.addresses import DEFAULT_PORTS
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.workspace import name_for

Scheme = Literal["https", "http", "file", ""]
# Room for a hash behind it, within the 120 characters of a key.
LONGEST_STEM = 106
# Longer ones fit no index of the database, and no server takes them.
_LONGEST = 2000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_FILE = re.compile(r"\.(json|gz|gzip|zip)$", re.IGNORECASE)
_ZIP = re.compile(r"\.zip$", re.IGNORECASE)
# Most names are safe as they are: one match gives the stem.
_USUAL = re.compile(
    r"([A-Za-z0-9](?:[._-]?[A-Za-z0-9])*?)(?:\.json)?(?:\.gz|\.zip)?", re.IGNORECASE
)
_RUNS = re.compile(r"([._-])[._-]*(?=[._-])")
_LOGIN = re.compile(r"//[^/]*@")
# Parameters of signed addresses of the large stores; another signature is no other file.
_SIGNING = re.compile(
    r"x-(amz|goog|ms|oss)-|(signature|sig|se|sp|sv|sr|st|spr|sip|si|skoid|sktid|skt|ske|sks|skv|"
    r"expires|expiry|exp|key-pair-id|policy|token|awsaccesskeyid|googleaccessid|hmac|hash)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Location:
    """Where a file is; `address` has no query and may be displayed. Its key begins with `stem`.

    `identity` tells files apart that share an address (`download?fn=a.json`, `?fn=b.json`).
    """

    address: str
    scheme: Scheme
    stem: str
    query: str = field(default="", repr=False)
    identity: str = ""
    fault: str = ""

    @property
    def url(self) -> str:
        """With its query: for the request alone, never for a message."""
        return f"{self.address}?{self.query}" if self.query else self.address

    @property
    def path(self) -> Path:
        """Of a local file."""
        return Path(self.address)


def located(text: str) -> Location:
    """What an entry of a list says; one that cannot be fetched has a fault."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        port, host = parts.port, _in_ascii(parts.hostname or "")
    except ValueError:
        return _faulty(text, "malformed: no address")
    if _CONTROLS.search(text):
        return _faulty(text, "malformed: control characters in the address")
    scheme = parts.scheme.lower()
    if scheme == "file":
        return _file_address(text)
    if not scheme and text.startswith("/") and not text.startswith("//"):
        return local(Path(text))
    if scheme not in ("https", "http"):
        given = f"{scheme}://" if scheme else "an address without a scheme"
        return _faulty(text, f"unsupported_scheme: {given[:40]}; https is fetched")
    if not host or parts.username or parts.password:
        return _faulty(text, "malformed: no host" if not host else "malformed: carries a password")
    where = f"[{host}]" if ":" in host else host
    where += "" if port in (None, DEFAULT_PORTS[scheme]) else f":{port}"
    address = f"{scheme}://{where}{quote(parts.path or '/', safe=_KEPT)}"
    if len(address) > _LONGEST:
        return _faulty(text, f"malformed: an address of {len(address):,} characters")
    named, identity = _named_by(parts.path, parts.query)
    return Location(
        address,
        "https" if scheme == "https" else "http",
        stem_of(named),
        quote(parts.query, safe=_KEPT + "?"),
        identity,
    )


def local(path: Path) -> Location:
    """A file of this machine, by its absolute path."""
    return Location(str(path.absolute()), "file", stem_of(path.name))


def is_address(text: str) -> bool:
    """Whether somebody means an address, and no path."""
    return "://" in text


def stem_of(name: str) -> str:
    """A name that is safe in a path and in a partition key, and `name_for` leaves as it is."""
    usual = _USUAL.fullmatch(name)
    if usual and not _FILE.search(usual[1]) and len(usual[1]) <= LONGEST_STEM:
        return usual[1]
    for _ in range(4):
        before = name
        try:
            name = name_for(Path(_ZIP.sub("", Path(name.replace("\0", "_")).name)))
        except (ConfigurationError, ValueError):
            return "file"
        # "..." is refused by Dagster, "--" is what stands before a hash.
        name = _RUNS.sub("", name)[:LONGEST_STEM]
        if name == before:
            return name
    return name.replace(".", "_").strip("._-") or "file"


# What is left as it stands: percent signs are escapes already.
_KEPT = "/%:@!$&'()*+,;=-._~[]"


def _named_by(path: str, query: str) -> tuple[str, str]:
    """The name of the file, and the hash of the query parameters that identify it at that address.

    Where the path names a file the query is only a signature; else a parameter may be the name.
    """
    last = unquote(path).rpartition("/")[2]
    if _FILE.search(last) or not query:
        return last, ""
    identifying = sorted(
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        if not _SIGNING.match(name)
    )
    if not identifying:
        return last, ""
    named = next((value for _, value in identifying if _FILE.search(value)), last)
    return named, hashlib.sha256(repr(identifying).encode()).hexdigest()[:16]


def _in_ascii(host: str) -> str:
    """As it is looked up; ValueError when it cannot be."""
    return host if host.isascii() else host.encode("idna").decode()


def _file_address(text: str) -> Location:
    parts = urlsplit(text)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        return _faulty(text, "malformed: a file address has three slashes and an absolute path")
    return local(Path(path))


def _faulty(text: str, fault: str) -> Location:
    bare = _LOGIN.sub("//", re.split(r"[?#]", text)[0])
    display = _CONTROLS.sub("\ufffd", bare)[:300] or "(empty)"
    display = display.encode("utf-8", "replace").decode()
    # Shortened and without a query it may look like another one.
    identity = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return Location(display, "", stem_of(display.rpartition("/")[2]), "", identity, fault)
