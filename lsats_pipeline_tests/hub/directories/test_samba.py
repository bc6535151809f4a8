"""What only a domain controller does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ldap3
import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.directories.entries import DOMAIN, Entry
from lsats_pipeline_tests.hub.directories.samba import Samba
from lsats_pipeline_tests.hub.directories.server import expect_success
from lsats_pipeline_tests.hub.directories.test_active_directory import expected, read

POLICY = (
    "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,"
    f"CN=Configuration,{DOMAIN}"
)
PAGE = 37


@pytest.fixture
def small_pages(of_samba: Samba) -> Iterator[Samba]:
    """The controller gives out so few entries at once."""

    def limit(most: int) -> Any:
        with of_samba.administrator() as connection:
            change = {"lDAPAdminLimits": [(ldap3.MODIFY_REPLACE, [f"MaxPageSize={most}"])]}
            connection.modify(POLICY, change)
            expect_success(connection)

    limit(PAGE)
    yield of_samba
    limit(1000)


def test_a_plain_bind_is_refused_with_the_remedy(of_samba: Samba, waits: Waits) -> None:
    plain = f"ldap://{of_samba.address}"
    with (
        pytest.raises(ConfigurationError, match=r"code 8 .*ldaps://.*AD_LDAP_URL"),
        of_samba.client(waits.clock, AD_LDAP_URL=plain),
    ):
        pass


def test_pages_smaller_than_asked_for(small_pages: Samba, entries: list[Entry]) -> None:
    with small_pages.client() as client:
        found = [record["sAMAccountName"] for record in read(client, "user")]
    assert sorted(found) == sorted(entry.identity for entry in expected(entries, "user"))
    assert len(found) > PAGE
