"""Encryption and refusals, as servers that nobody here wrote have them."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.sources.active_directory.streams import probe
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.directories.conftest import WITH_SAMBA
from lsats_pipeline_tests.hub.directories.samba import Samba
from lsats_pipeline_tests.hub.directories.server import DirectoryServer
from lsats_pipeline_tests.hub.directories.slapd import Slapd

REAL = ("slapd", *(("samba",) if WITH_SAMBA else ()))
ENCRYPTED = ("ldaps", "ldap+starttls")


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest) -> DirectoryServer:
    found: DirectoryServer = request.getfixturevalue(f"of_{request.param}")
    return found


def url(server: DirectoryServer, scheme: str) -> str:
    if isinstance(server, Slapd):
        port = server.secure_port if scheme == "ldaps" else server.port
        return f"{scheme}://127.0.0.1:{port}"
    assert isinstance(server, Samba)
    return f"{scheme}://{server.address}"


@pytest.mark.parametrize("scheme", ENCRYPTED)
def test_with_the_issuers_file(real: DirectoryServer, scheme: str, waits: Waits) -> None:
    with real.client(waits.clock, AD_LDAP_URL=url(real, scheme)) as client:
        assert probe(client).startswith("answers")
    assert waits.slept == []


@pytest.mark.parametrize("scheme", ENCRYPTED)
def test_without_it(real: DirectoryServer, scheme: str, waits: Waits) -> None:
    real_url = url(real, scheme)
    with (
        pytest.raises(ConfigurationError, match=r"is not trusted.*AD_CA_FILE"),
        real.client(waits.clock, AD_LDAP_URL=real_url, AD_CA_FILE=""),
    ):
        pass
    assert waits.slept == []


def test_a_wrong_password(real: DirectoryServer, waits: Waits) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"refuses the credentials.*AD_PASSWORD"),
        real.client(waits.clock, AD_LDAP_URL=url(real, "ldaps"), AD_PASSWORD="not it"),
    ):
        pass


def test_a_port_of_tls_spoken_to_plainly(real: DirectoryServer, waits: Waits) -> None:
    plain = url(real, "ldaps").replace("ldaps:", "ldap:")
    plain += "" if isinstance(real, Slapd) else ":636"
    with (
        pytest.raises(ConfigurationError, match=r"speaks TLS from the start.*AD_LDAP_URL"),
        real.client(waits.clock, AD_LDAP_URL=plain),
    ):
        pass
