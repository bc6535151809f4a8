from __future__ import annotations

import pytest

from lsats_pipeline.core import addresses
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
