"""Speaks to the MCommunity directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import ldap
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.mcommunity import shapes
from lsats_pipeline.hub.sources.mcommunity.settings import McommunitySettings


class McommunityClient:
    """The searches that the hub makes, over one connection and one at a time."""

    def __init__(self, directory: ldap.Directory, base: str) -> None:
        self._directory, self._base = directory, base

    def people(self, filter: str, size_limit: int = 0) -> Iterator[LdapEntry]:
        """People that match; Truncated when there are more than the server gives out."""
        base = f"ou=People,{self._base}"
        return self._directory.search(base, filter, shapes.PERSON.names, size_limit=size_limit)

    def groups(self, filter: str, size_limit: int = 0) -> Iterator[LdapEntry]:
        """Groups that match, with or without members; Truncated as for people."""
        base = f"ou=User Groups,ou=Groups,{self._base}"
        groups = f"(&(gidNumber=*){filter})"
        return self._directory.search(base, groups, shapes.GROUP.names, size_limit=size_limit)


@contextmanager
def connect(settings: McommunitySettings, clock: Clock | None = None) -> Iterator[McommunityClient]:
    """Open a bound connection."""
    account = ldap.BindAccount(
        title="MCommunity",
        url=settings.url,
        user=settings.user,
        password=settings.password,
        url_variable="MCOMMUNITY_LDAP_URL",
        user_variable="MCOMMUNITY_LDAP_USER",
        password_variable="MCOMMUNITY_LDAP_PASSWORD",
        base_variable="MCOMMUNITY_LDAP_BASE",
        ca_file=settings.ca_file,
        ca_variable="MCOMMUNITY_LDAP_CA_FILE",
    )
    with ldap.connect(account, clock) as directory:
        yield McommunityClient(directory, settings.base)
