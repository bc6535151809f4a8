from __future__ import annotations

import pytest

from lsats_pipeline.core import addresses
from lsats_pipeline.core.addresses import SourceAddresses
from lsats_pipeline.core.errors import ConfigurationError


def check(url: str) -> str | None:
    return addresses.checked(url, "SOME_URL", encrypted="https", plain="http").hostname


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://host.example.edu/api", "host.example.edu"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://localhost", "localhost"),
        ("http://[::1]:99", "::1"),
    ],
)
def test_encrypted_or_this_machine(url: str, host: str) -> None:
    assert check(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example.edu",
        "http://10.0.0.1",
        "http://127.0.0.1.example.edu",
        "http://localhost.example.edu",
        "ftp://host.example.edu",
        "host.example.edu",
        "https://",
        "https://host:port",
        "https://me:secret@host.example.edu",
    ],
)
def test_anything_else_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SOME_URL") as caught:
        check(url)
    assert "secret" not in str(caught.value)


def test_an_address_of_a_source_is_asked_as_it_is_written() -> None:
    found = SourceAddresses("X").check("https://api.example.edu:8443/a%20b/c?q=1&r=%2F")
    assert found.url == "https://api.example.edu:8443/a%20b/c?q=1&r=%2F"
    assert (found.place, found.ips) == ("api.example.edu:8443", ())
    assert found.address == "https://api.example.edu:8443/a%20b/c"
    assert SourceAddresses("X").check("http://[::1]/").url == "http://[::1]/"
    assert SourceAddresses("X").check("https://a.example.edu").url == "https://a.example.edu/"


def test_nothing_secret_of_an_address_is_shown() -> None:
    found = SourceAddresses("X").check("https://api.example.edu/a?key=s3cr3t")
    assert "s3cr3t" not in f"{found!r} {found.address} {found.origin}"


def test_a_source_is_not_asked_in_the_clear() -> None:
    with pytest.raises(ConfigurationError, match="X: http:// would send"):
        SourceAddresses("X").check("http://api.example.edu/")
