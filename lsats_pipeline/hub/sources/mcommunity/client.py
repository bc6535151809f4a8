"""Speaks to the MCommunity directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import ldap
from lsats_pipeline.hub.sources.ldap_strategies import Branch
from lsats_pipeline.hub.sources.mcommunity import shapes
from lsats_pipeline.hub.sources.mcommunity.settings import McommunitySettings


class McommunityClient:
    """The branches that the hub reads, over one connection and one search at a time."""

    def __init__(self, directory: ldap.Directory, base: str) -> None:
        self.people = Branch(
            directory,
            f"ou=People,{base}",
            kind="people",
            attribute="uid",
            unnamed="(&(objectClass=person)(!(uid=*)))",
            names=shapes.PERSON.names,
        )
        # With or without members.
        self.groups = Branch(
            directory,
            f"ou=User Groups,ou=Groups,{base}",
            kind="groups",
            attribute="cn",
            unnamed="(!(cn=*))",
            names=shapes.GROUP.names,
            condition="(gidNumber=*)",
        )


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
